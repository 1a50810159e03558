"""A known generator gives known figures: nothing here is made by the code that is tested."""

from __future__ import annotations

from math import prod
from pathlib import Path

import torch
from torch import Tensor

from napari_srgan.models import read_model

SHAPES = {
    "block1.0": (4, 3, 9, 9), "block1.1": (1,),
    "block2.conv1": (4, 4, 3, 3), "block2.bn1": (4,), "block2.prelu": (1,),
    "block2.conv2": (4, 4, 3, 3), "block2.bn2": (4,),
    "block3.0": (4, 4, 3, 3), "block3.1": (1,),
    "block4.0.conv": (16, 4, 3, 3), "block4.0.prelu": (1,), "block4.1": (3, 4, 9, 9),
}  # fmt: skip
"""leftthomas/SRGAN with one block of four features, for a factor of 2."""
FIGURES = {
    (0, 0): (0.347674, 0.487085, 0.635106),
    (3, 10): (0.999418, 0.990197, 0.537842),
    (5, 6): (0.078859, 0.001228, 0.000193),
    (11, 13): (0.262451, 0.68684, 0.91172),
}
"""Red, green and blue of a few pixels, by a plain PyTorch module of these layers in float64."""


def wave(shape: tuple[int, ...], phase: float, size: float = 0.12) -> Tensor:
    return (size * torch.sin(torch.arange(prod(shape), dtype=torch.float64) * 0.7 + phase)).reshape(shape)


def weights() -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for phase, (layer, shape) in enumerate(SHAPES.items()):
        if shape == (4,):
            state[f"{layer}.weight"] = 1 + wave(shape, phase)
            state[f"{layer}.bias"] = wave(shape, phase + 0.1)
            state[f"{layer}.running_mean"] = wave(shape, phase + 0.2)
            state[f"{layer}.running_var"] = 0.5 + wave(shape, phase + 0.3).abs()
        elif shape == (1,):
            state[f"{layer}.weight"] = torch.full(shape, 0.25, dtype=torch.float64)
        else:
            state[f"{layer}.weight"] = wave(shape, phase)
            state[f"{layer}.bias"] = wave(shape[:1], phase + 0.5)
    return {name: tensor.float() for name, tensor in state.items()}


def image() -> Tensor:
    return (0.5 + wave((1, 3, 6, 7), 0.0, 0.5)).float()


def test_a_known_generator_gives_known_figures(tmp_path: Path) -> None:
    torch.save(weights(), tmp_path / "found.pth")
    high = read_model(tmp_path / "found.pth").network(image())
    assert high.shape == (1, 3, 12, 14)
    for (y, x), colours in FIGURES.items():
        torch.testing.assert_close(high[0, :, y, x], torch.tensor(colours), atol=2e-6, rtol=0)
