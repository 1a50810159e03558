"""The loop of a training: it can be shown, stopped and resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Generator as Iteration
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from napari_srgan.errors import UserError
from napari_srgan.models import load_model
from napari_srgan.networks import Generator, build_network
from napari_srgan.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from napari_srgan.training.gan_stage import AdversarialStage
from napari_srgan.training.pixel_stage import PixelStage
from napari_srgan.training.recipe import Recipe
from napari_srgan.training.tiles import PatchSampler, TileSets
from napari_srgan.training.update import LossNotFinite
from napari_srgan.training.validation import Validation, validate, validate_bicubic


class TrainingDiverged(UserError):
    """A loss became infinite or NaN.

    Parameters
    ----------
    sentence
        What happened.
    network
        The averaged weights of the last good step, in evaluation mode on the CPU.
    validation
        How they do.
    """

    def __init__(self, sentence: str, network: Generator, validation: Validation) -> None:
        super().__init__(sentence)
        self.network = network
        self.validation = validation


def train(
    recipe: Recipe,
    tiles: TileSets,
    checkpoint: Path,
    *,
    data: Path,
    device: str = "cpu",
    compiled: bool = False,
) -> Iteration[Validation, None, Generator]:
    """Train a generator by its recipe: the pixel stage, then the adversarial one if it has one.

    Goes on from `checkpoint` if it exists, and writes it at each validation; closing the
    iterator stops the training there.

    Parameters
    ----------
    recipe
        What to do.
    tiles
        What to learn from.
    checkpoint
        File to resume from and to write to.
    data
        Folder in which the recipe's files of features lie.
    device
        A torch device.
    compiled
        Compile the network first; pays for itself in a few minutes of training.

    Yields
    ------
    Validation
        At the start, at the end and every ``recipe.validate_every`` steps.

    Returns
    -------
    Generator
        The averaged weights of the last step, in evaluation mode on the CPU.

    Raises
    ------
    TrainingDiverged
        If a loss is no longer finite; the checkpoint of the last validation stays.
    UserError
        If the checkpoint, the starting model or a file of features cannot be used.
    """
    torch.manual_seed(recipe.seed)
    network = start_network(recipe).to(device).to(memory_format=torch.channels_last)
    stages = _Stages(recipe, network, data, device)
    state = TrainingState(
        network=network,
        average=_kept_network(recipe, network),
        discriminator=stages.discriminator,
        optimisers=[optimiser for stage in stages for optimiser in stage.optimisers],
        draw=np.random.default_rng(recipe.seed),
    )
    resumed_at = None
    if checkpoint.exists():
        read_checkpoint(checkpoint, state, recipe)
        resumed_at = state.step
    forward = torch.compile(network) if compiled else network
    sampler = PatchSampler(tiles.training, recipe, state.draw)
    bicubic = validate_bicubic(tiles.held_back)

    losses: list[Tensor] = []
    began, before = time.monotonic(), state.minutes

    def validation() -> Validation:
        state.minutes = before + (time.monotonic() - began) / 60
        return Validation(
            step=state.step,
            loss=float(torch.stack(losses).mean()) if losses else float("nan"),
            minutes=state.minutes,
            psnr=validate(state.average, tiles.held_back, device),
            bicubic=bicubic,
        )

    while True:
        # The validation at which a checkpoint was written has been seen, unless it is the last.
        due = state.step % recipe.validate_every == 0 and state.step != resumed_at
        if due or state.step >= recipe.steps:
            seen = validation()
            write_checkpoint(checkpoint, state, recipe)
            yield seen
            losses.clear()
        if state.step >= recipe.steps:
            return _finished(state)
        low, high = (batch.to(device) for batch in sampler.batch())
        try:
            losses.append(stages.step(forward, low, high, state.step))
        except LossNotFinite as error:
            # The step has begun: normalisations and the other player have seen it. What is whole is
            # the average, and the last checkpoint.
            last = validation()
            raise TrainingDiverged(f"at step {state.step} {error}", _finished(state), last) from error
        state.step += 1
        _average(recipe, state)


class _Stages:
    """The stages of a recipe, and which of them a step belongs to."""

    def __init__(self, recipe: Recipe, network: Generator, data: Path, device: str) -> None:
        self._steps = recipe.steps
        self._switch = recipe.gan.after if recipe.gan else recipe.steps
        self._pixel = PixelStage(recipe, network) if self._switch else None
        self._gan = AdversarialStage(recipe, network, data, device) if recipe.gan else None

    def __iter__(self) -> Iteration[PixelStage | AdversarialStage, None, None]:
        yield from (stage for stage in (self._pixel, self._gan) if stage)

    @property
    def discriminator(self) -> nn.Module | None:
        return self._gan.discriminator if self._gan else None

    def step(self, forward: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, step: int) -> Tensor:
        low = low.contiguous(memory_format=torch.channels_last)
        high = high.contiguous(memory_format=torch.channels_last)
        if step < self._switch:
            assert self._pixel is not None
            return self._pixel.step(forward, low, high, step, self._switch)
        assert self._gan is not None
        return self._gan.step(forward, low, high, step - self._switch, self._steps - self._switch)


def start_network(recipe: Recipe) -> Generator:
    """The recipe's network, with the weights of its starting model where they fit.

    Raises
    ------
    UserError
        If none of them fits, or not all of them where the adversarial stage comes first.
    """
    network = build_network(recipe.architecture, recipe.arguments)
    if recipe.start is None:
        return network
    weights = network.state_dict()
    given = load_model(recipe.start).network.state_dict()
    fitting = {n: t for n, t in given.items() if n in weights and weights[n].shape == t.shape}
    all_needed = recipe.gan is not None and recipe.gan.after == 0
    kernels = [tensor for tensor in fitting.values() if tensor.ndim > 1]
    if not kernels or (all_needed and len(fitting) < len(weights)):
        raise UserError(
            f"{len(fitting)} of the {len(weights)} tensors of {recipe.name} can start from "
            f"{recipe.start}; choose a start of the same shape, or change the arguments"
        )
    network.load_state_dict(weights | fitting)
    return network


def _kept_network(recipe: Recipe, network: Generator) -> Generator:
    """A copy of the network with what is only switched on after training."""
    kept = build_network(recipe.architecture, recipe.kept_arguments).requires_grad_(False)
    kept.load_state_dict(network.state_dict())
    return kept.to(next(network.parameters()).device).to(memory_format=torch.channels_last)


def _average(recipe: Recipe, state: TrainingState) -> None:
    """Bring the averaged weights nearer to the network's."""
    # A young average forgets its beginning faster.
    decay = min(recipe.average, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(
            state.average.state_dict().values(), state.network.state_dict().values(), strict=True
        ):
            mean.lerp_(value, 1 - decay) if mean.is_floating_point() else mean.copy_(value)


def _finished(state: TrainingState) -> Generator:
    return state.average.cpu().to(memory_format=torch.contiguous_format).eval()
