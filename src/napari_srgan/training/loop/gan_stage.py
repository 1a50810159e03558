"""The stage of a training in which a generator and a discriminator play against each other.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a
generative adversarial network. CVPR, arXiv 1609.04802. Sections 2, 2.2 and 3.2.

Where the generator makes frames of a time-lapse the discriminator sees several at once, see
:mod:`~napari_srgan.networks.frames_discriminator`; the perceptual loss sees them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.memory_errors import memory_errors_named
from napari_srgan.models.perceptual_files import read_lpips_heads, read_squeezenet
from napari_srgan.networks import Generator
from napari_srgan.networks.frames_discriminator import FRAMES, FramesDiscriminator
from napari_srgan.networks.generator import layout_of
from napari_srgan.networks.patch_gan import PatchDiscriminator
from napari_srgan.networks.perceptual_loss import SRGAN_FEATURE_SCALE, PerceptualLoss
from napari_srgan.networks.temporal import TemporalGenerator
from napari_srgan.networks.vgg_discriminator import VGGDiscriminator
from napari_srgan.training.loop.losses import discriminator_loss, generator_loss, pixel_loss
from napari_srgan.training.loop.precision import mixed_precision
from napari_srgan.training.loop.process_group import ProcessGroup
from napari_srgan.training.loop.schedule import Moment, set_learning_rate
from napari_srgan.training.loop.update import update
from napari_srgan.training.loop.vgg19 import load_vgg19
from napari_srgan.training.recipes.recipe import GanStage, Recipe

BETAS = (0.9, 0.99)
"""Betas of Adam, for both players; the first is SRGAN's."""


class AdversarialStage:
    """Both players move once a step, the discriminator first.

    Parameters
    ----------
    recipe
        With a GAN stage.
    network
        The generator.
    data
        Folder in which the recipe's files of features lie.
    team
        Those who train it together, and the device they train on.

    Raises
    ------
    UserError
        If the discriminator or the perceptual network does not fit the recipe's patches or clips, or
        features cannot be read.
    OutOfMemory
        If they do not fit into the device's memory.
    """

    def __init__(self, recipe: Recipe, network: Generator, data: Path, team: ProcessGroup) -> None:
        assert recipe.gan is not None
        self._recipe, self._gan, self._team = recipe, recipe.gan, team
        device = team.device
        self._network = network
        discriminator = build_discriminator(recipe, network).to(device)
        self.discriminator = discriminator.to(memory_format=layout_of(4, device))
        self._perceptual = _perceptual_loss(recipe.gan, data)
        if self._perceptual:
            self._perceptual.to(device)
        self._try_on_nothing(device)
        self.optimisers = [
            Adam(player.parameters(), recipe.gan.learning_rate, betas=BETAS)
            for player in (network, self.discriminator)
        ]

    def _try_on_nothing(self, device: torch.device) -> None:
        """Let all see a batch of the recipe's shape: what does not fit is told before the training."""
        recipe = self._recipe
        side = recipe.patch * recipe.scale_factor
        frames = (self.discriminator.frames,) if isinstance(self.discriminator, FramesDiscriminator) else ()
        if frames and recipe.movies and recipe.movies.clip < frames[0]:
            raise UserError(
                f"the discriminator of {recipe.name} judges {frames[0]} frames at once, and clips of its "
                f"movies have {recipe.movies.clip}: make clip {frames[0]}"
            )
        nothing = torch.zeros(1, *frames, recipe.channels, side, side, device=device)
        try:
            memory_errors_named(lambda: self._see(nothing))
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f"the adversarial stage of {recipe.name} cannot see patches of {side} x {side} pixels "
                f"({str(error).splitlines()[0]}); make patch larger"
            ) from error
        self.discriminator.train()

    @torch.no_grad()
    def _see(self, images: Tensor) -> None:
        self.discriminator.eval()(images)
        if self._perceptual:
            self._perceptual(_one_by_one(images), _one_by_one(images))

    def step(self, forward: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, moment: Moment) -> Tensor:
        """One update of both players by a batch; returns the generator's loss.

        Parameters are those of :meth:`~napari_srgan.training.loop.pixel_stage.PixelStage.step`.
        """
        gan, clip = self._gan, self._recipe.clip
        set_learning_rate(self.optimisers, gan.learning_rate, self._recipe, moment)
        moves_generator, moves_discriminator = self.optimisers
        with mixed_precision(low.device):
            result = forward(low)
            real, fake = self.discriminator(high), self.discriminator(result.detach())
        loss = discriminator_loss(gan.adversarial, real, fake)
        update(loss, self.discriminator, [moves_discriminator], clip, self._team, "discriminator")

        self.discriminator.requires_grad_(False)
        loss = self._generator_loss(result, high)
        self.discriminator.requires_grad_(True)
        return update(loss, self._network, [moves_generator], clip, self._team, "generator")

    def _generator_loss(self, result: Tensor, high: Tensor) -> Tensor:
        """Perceptual, adversarial and pixel loss, weighted (SRGAN, eq. 3)."""
        gan = self._gan
        with mixed_precision(high.device):
            fake = self.discriminator(result)
            # Only the relativistic loss asks what the discriminator says of the truth.
            real = self.discriminator(high) if gan.adversarial == "relativistic" else fake.detach()
            loss = gan.adversarial_weight * generator_loss(gan.adversarial, real, fake)
            if self._perceptual:
                loss = loss + gan.perceptual_weight * self._perceptual(_one_by_one(result), _one_by_one(high))
        if gan.pixel_weight:
            loss = loss + gan.pixel_weight * pixel_loss(self._recipe.pixel_loss, result, high)
        return loss


def build_discriminator(recipe: Recipe, network: Generator) -> nn.Module:
    """The discriminator of a recipe, with fresh weights.

    Parameters
    ----------
    recipe
        With a GAN stage; ``frames`` among the arguments of its discriminator says how many are judged at
        once, where the network makes frames of a time-lapse.
    network
        The other player.

    Raises
    ------
    UserError
        If it does not take the recipe's arguments or patches.
    """
    assert recipe.gan is not None
    arguments: dict[str, Any] = dict(recipe.gan.discriminator_arguments)
    try:
        if not isinstance(network, TemporalGenerator):
            return _judge(recipe, recipe.channels, arguments)
        frames = arguments.pop("frames", FRAMES if network.frames > 1 else 1)
        return FramesDiscriminator(_judge(recipe, frames * recipe.channels, arguments), frames)
    except (TypeError, ValueError) as error:
        raise UserError(f"the discriminator of {recipe.name} cannot be built: {error}") from error


def _judge(recipe: Recipe, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    assert recipe.gan is not None
    if recipe.gan.discriminator == "patch":
        return PatchDiscriminator(channels, **arguments)
    return VGGDiscriminator(channels, patch=recipe.patch * recipe.scale_factor, **arguments)


def _one_by_one(images: Tensor) -> Tensor:
    """Frames ``(N, T, C, Y, X)`` as so many images."""
    return images.flatten(0, 1) if images.ndim == 5 else images


def _perceptual_loss(gan: GanStage, data: Path) -> PerceptualLoss | None:
    if gan.perceptual == "none" or gan.perceptual_weight == 0:
        return None
    if gan.perceptual == "squeezenet":
        assert gan.features is not None
        heads = read_lpips_heads(data / gan.heads) if gan.heads else None
        return PerceptualLoss(read_squeezenet(data / gan.features), unit_length=True, heads=heads)
    features = load_vgg19(gan.perceptual, activated=gan.activated)
    return PerceptualLoss(features, unit_length=False, feature_scale=SRGAN_FEATURE_SCALE)
