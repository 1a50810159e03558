"""The stages of a recipe, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor, nn

from napari_srgan.networks import Generator
from napari_srgan.networks.generator import layout_of
from napari_srgan.training.loop.checkpoint import TrainingState
from napari_srgan.training.loop.gan_stage import AdversarialStage
from napari_srgan.training.loop.pixel_stage import PixelStage
from napari_srgan.training.loop.process_group import ProcessGroup
from napari_srgan.training.loop.schedule import Moment
from napari_srgan.training.recipes.recipe import Recipe


class Stages:
    """The pixel stage, the adversarial stage, or one after the other.

    Parameters
    ----------
    recipe
        The recipe of the training.
    network
        The network that is trained.
    features
        The folder in which the recipe's files of features lie.
    team
        The processes that train together.
    """

    def __init__(self, recipe: Recipe, network: Generator, features: Path, team: ProcessGroup) -> None:
        self._switch = recipe.pixel_part
        self._pixel = PixelStage(recipe, network, team) if self._switch > 0 else None
        self._gan = AdversarialStage(recipe, network, features, team) if recipe.gan else None

    def __iter__(self) -> Iterator[PixelStage | AdversarialStage]:
        yield from (stage for stage in (self._pixel, self._gan) if stage)

    @property
    def discriminator(self) -> nn.Module | None:
        return self._gan.discriminator if self._gan else None

    def step(
        self,
        forward: Callable[[Tensor], Tensor],
        low: Tensor,
        high: Tensor,
        state: TrainingState,
        position: float,
    ) -> Tensor:
        """Update the networks by one batch, in the stage that a position in the training belongs to.

        Once the adversarial stage has begun there is no way back: a resumed training may have more
        minutes than it had before.

        Parameters
        ----------
        forward
            A function that runs the network that is trained on a batch.
        low, high
            The batch as a :class:`~napari_srgan.training.dataset.dataset.Sampler` draws it, float32 on the
            device.
        state
            The state of the training; it is told when the adversarial stage begins.
        position
            Share of the training that is over, from 0 to 1.

        Returns
        -------
        Tensor
            The loss, a scalar.
        """
        if low.ndim == 4:  # networks of several frames see to it themselves
            layout = layout_of(4, low.device)
            low = low.contiguous(memory_format=layout)
            high = high.contiguous(memory_format=layout)
        if state.adversarial_from is None and self._gan and position >= self._switch:
            state.adversarial_from = (state.step, position)
        if state.adversarial_from is None:
            assert self._pixel is not None
            return self._pixel.step(forward, low, high, Moment(state.step, position / self._switch))
        assert self._gan is not None
        began, at = state.adversarial_from
        return self._gan.step(
            forward, low, high, Moment(state.step - began, (position - at) / max(1 - at, 1e-9))
        )

    def forget_gradients(self) -> None:
        """Leave nothing of a step that could not be finished."""
        for stage in self:
            for optimiser in stage.optimisers:
                optimiser.zero_grad()
        if self.discriminator is not None:
            self.discriminator.requires_grad_(True)
