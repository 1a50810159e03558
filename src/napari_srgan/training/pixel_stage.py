"""The pixel-loss stage of a training: a loop that can be shown, stopped and resumed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator as Iteration
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_srgan.models import load_model
from napari_srgan.networks import Generator, bicubic_upsample, build_network
from napari_srgan.quality.metrics import crop_border, luma, psnr
from napari_srgan.training.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from napari_srgan.training.optimiser import build_optimiser
from napari_srgan.training.recipe import Recipe
from napari_srgan.training.tiles import PatchSampler, Tile, TileSets


@dataclass(frozen=True)
class Validation:
    """PSNR in dB on held-back tiles, beside bicubic, by source set."""

    step: int
    loss: float
    """Mean training loss since the last validation."""
    minutes: float
    """Spent training so far, over all runs."""
    psnr: dict[str, float]
    bicubic: dict[str, float]

    @property
    def mean_psnr(self) -> float:
        """Mean over the source sets."""
        return float(np.mean(list(self.psnr.values())))

    @property
    def mean_bicubic(self) -> float:
        return float(np.mean(list(self.bicubic.values())))

    @property
    def gains(self) -> dict[str, float]:
        """Decibels above bicubic by source set."""
        return {name: self.psnr[name] - self.bicubic[name] for name in self.psnr}


def train(
    recipe: Recipe, tiles: TileSets, checkpoint: Path, *, device: str = "cpu", compiled: bool = False
) -> Iteration[Validation, None, Generator]:
    """Train a generator with the pixel loss of Ledig et al. 2017, in L1 (Lim et al. 2017).

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
    """
    torch.manual_seed(recipe.seed)
    network = start_network(recipe).to(device).to(memory_format=torch.channels_last)
    state = TrainingState(
        network=network,
        average=_kept_network(recipe, network),
        optimisers=build_optimiser(network, recipe.optimiser, recipe.learning_rate),
        draw=np.random.default_rng(recipe.seed),
    )
    resumed_at = None
    if checkpoint.exists():
        read_checkpoint(checkpoint, state)
        resumed_at = state.step
    forward = torch.compile(network) if compiled else network
    sampler = PatchSampler(tiles.training, recipe, state.draw)
    bicubic = _by_set(tiles.held_back, [_bicubic_psnr(tile) for tile in tiles.held_back])

    losses: list[Tensor] = []
    began, before = time.monotonic(), state.minutes
    while True:
        # The validation at which a checkpoint was written has been seen, unless it is the last.
        due = state.step % recipe.validate_every == 0 and state.step != resumed_at
        if due or state.step >= recipe.steps:
            state.minutes = before + (time.monotonic() - began) / 60
            write_checkpoint(checkpoint, state)
            yield Validation(
                step=state.step,
                loss=float(torch.stack(losses).mean()) if losses else float("nan"),
                minutes=state.minutes,
                psnr=validate(state.average, tiles.held_back, device),
                bicubic=bicubic,
            )
            losses = []
        if state.step >= recipe.steps:
            return state.average.cpu().to(memory_format=torch.contiguous_format).eval()
        losses.append(_step(recipe, state, forward, sampler, device))


def start_network(recipe: Recipe) -> Generator:
    """The recipe's network, with the weights of its starting model where they fit."""
    network = build_network(recipe.architecture, recipe.arguments)
    if recipe.start is not None:
        weights = network.state_dict()
        for name, tensor in load_model(recipe.start).network.state_dict().items():
            if name in weights and weights[name].shape == tensor.shape:
                weights[name] = tensor
        network.load_state_dict(weights)
    return network


def _kept_network(recipe: Recipe, network: Generator) -> Generator:
    """A copy of the network with what is only switched on after training."""
    kept = build_network(recipe.architecture, recipe.kept_arguments).requires_grad_(False)
    kept.load_state_dict(network.state_dict())
    return kept.to(next(network.parameters()).device).to(memory_format=torch.channels_last)


def learning_rate_factor(recipe: Recipe, step: int) -> float:
    """Rise over the warm-up, stay, fall to 0 over the last part (a longer run stays longer)."""
    rising = min(1.0, (step + 1) / (recipe.warm_up + 1))
    falling = (recipe.steps - step) / max(recipe.decay * recipe.steps, 1)
    return min(rising, max(falling, 0.0))


def _step(
    recipe: Recipe, state: TrainingState, forward: object, sampler: PatchSampler, device: str
) -> Tensor:
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * learning_rate_factor(recipe, state.step)
    low, high = (batch.to(device) for batch in sampler.batch())
    with torch.autocast(torch.device(device).type, torch.bfloat16):
        result = forward(low.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
    loss = F.l1_loss(result, high)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), recipe.clip)
    for optimiser in state.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    state.step += 1
    # A young average forgets its beginning faster.
    decay = min(recipe.average, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for mean, value in zip(
            state.average.state_dict().values(), state.network.state_dict().values(), strict=True
        ):
            mean.lerp_(value, 1 - decay) if mean.is_floating_point() else mean.copy_(value)
    return loss.detach()


def validate(network: Generator, tiles: list[Tile], device: str) -> dict[str, float]:
    """Mean PSNR by source set, in dB: Y channel for RGB, border of one factor left out."""
    network.eval()
    with torch.inference_mode(), torch.autocast(torch.device(device).type, torch.bfloat16):
        results = [network(tile.low[None].to(device))[0].float().cpu() for tile in tiles]
    return _by_set(tiles, [_tile_psnr(r, tile) for r, tile in zip(results, tiles, strict=True)])


def _bicubic_psnr(tile: Tile) -> float:
    factor = tile.high.shape[1] // tile.low.shape[1]
    return _tile_psnr(bicubic_upsample(tile.low[None], factor)[0], tile)


def _tile_psnr(result: Tensor, tile: Tile) -> float:
    factor = tile.high.shape[1] // tile.low.shape[1]

    def plane(image: Tensor) -> np.ndarray:
        pixels = image.numpy().transpose(1, 2, 0).astype(np.float64)
        whole = luma(pixels * 255) / 255 if pixels.shape[2] == 3 else pixels[..., 0]
        return crop_border(whole, factor)

    return psnr(plane(result), plane(tile.high), peak=1.0)


def _by_set(tiles: list[Tile], values: list[float]) -> dict[str, float]:
    by_set: dict[str, list[float]] = defaultdict(list)
    for tile, value in zip(tiles, values, strict=True):
        by_set[tile.source_set].append(value)
    return {name: float(np.mean(values)) for name, values in sorted(by_set.items())}
