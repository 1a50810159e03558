"""Small models for time-lapses, and movies for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import build_network

KINDS: dict[str, dict[str, Any]] = {
    "early-fusion": {"frames": 3, "blocks": 1},
    "slow-fusion": {"frames": 5, "blocks": 1},
    "recurrent": {"warm_up": 2, "early_blocks": 0, "blocks": 1, "state": 3},
}
"""The three ways in which frames help each other, as small as they go."""


def make_temporal_model(kind: str = "recurrent", *, channels: int = 1, **arguments: Any) -> Model:
    """An untrained model whose residual is not 0, and so strong that frames and tiles can be told apart."""
    settings = {"scale_factor": 2, "channels": channels, "width": 6, "clip": 4} | KINDS[kind] | arguments
    torch.manual_seed(0)
    network = build_network(kind, settings)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.normal_(layer.weight, std=0.15)
    card = ModelCard(
        name=f"tiny-{kind}",
        description="untrained, for tests",
        architecture=kind,
        arguments=settings,
        scale_factor=network.scale_factor,
        channels=channels,
        frames=network.frames,
        intensity="percentile",
        receptive_radius=network.receptive_radius,
        licence="CC0-1.0",
    )
    return Model(network.eval().requires_grad_(False), card)


def moving_spots(
    frames: int, height: int = 64, width: int = 64, *, drift: tuple[float, float] = (0, 0), seed: int = 0
) -> NDArray[np.float32]:
    """A movie of spots that move slowly, each its own way, on a stage that drifts; from 0 to 200 or so."""
    draw = np.random.default_rng(seed)
    margin = 24
    size = height + 2 * margin, width + 2 * margin
    layers = [
        gaussian_filter((draw.random(size) < 0.01).astype(np.float32), 2.5, mode="wrap") for _ in range(3)
    ]
    ways = draw.normal(0, 0.25, (3, 2))
    movie = []
    for frame in range(frames):
        moved = [
            shift(layer, frame * (way + drift), order=1, mode="wrap")
            for layer, way in zip(layers, ways, strict=True)
        ]
        movie.append(sum(moved)[margin : margin + height, margin : margin + width])
    stacked = np.stack(movie)
    return (stacked * 200 / stacked.max()).astype(np.float32)


def as_photons(movie: NDArray[np.float32], photons: float, seed: int = 0) -> NDArray[np.uint16]:
    """A movie of so many photons where it is brightest, on a camera's offset of 100."""
    draw = np.random.default_rng(seed)
    return (100 + draw.poisson(movie / movie.max() * photons)).astype(np.uint16)
