"""RRDBNet, the generator of ESRGAN.

Wang, X. et al. (2018). ESRGAN: Enhanced super-resolution generative adversarial
networks. ECCV workshops, arXiv 1809.00219. Section 3.1 and figure 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_srgan.networks.generator import Generator, GeneratorArguments, predict_nothing_yet

RESIDUAL_SCALING = 0.2
"""Factor on the residual of a block, beta in figure 4."""
_SLOPE = 0.2
"""Slope of the leaky rectifiers below 0."""
SMALL_INITIALISATION = 0.1
"""Factor on the first weights: deep networks without normalisation start easier from small ones (section
3.1)."""
DOUBLINGS = {1: 0, 2: 1, 4: 2, 8: 3}
"""Number of nearest-neighbour doublings by scale factor."""
LAYERS = 5
"""Number of convolutions in a dense block."""

RRDB_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "paper": {"blocks": 23, "width": 64, "growth": 32},
    "six": {"blocks": 6, "width": 64, "growth": 32},
}
"""The paper's 23 blocks, and 6 for short trainings."""


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the features of all before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.growing = nn.ModuleList(
            nn.Conv2d(width + n * growth, growth, 3, padding=1) for n in range(LAYERS - 1)
        )
        self.last = nn.Conv2d(width + (LAYERS - 1) * growth, width, 3, padding=1)
        for convolution in self.modules():
            if isinstance(convolution, nn.Conv2d):
                nn.init.kaiming_normal_(convolution.weight, a=_SLOPE)
                convolution.weight.data.mul_(SMALL_INITIALISATION)
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]  # these have one

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, width, Y, X)`` of a float dtype to features of the same shape and dtype."""
        seen = features
        for convolution in self.growing:
            seen = torch.cat([seen, F.leaky_relu(convolution(seen), _SLOPE)], dim=1)
        residual: Tensor = self.last(seen)
        return features + RESIDUAL_SCALING * residual


class ResidualInResidualDenseBlock(nn.Module):
    """Three dense blocks, scaled, plus the input."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, width, Y, X)`` of a float dtype to features of the same shape and dtype."""
        residual: Tensor = self.dense(features)
        return features + RESIDUAL_SCALING * residual


@dataclass(frozen=True)
class RRDBArguments(GeneratorArguments):
    """What can be chosen of RRDBNet; the defaults are those of the paper."""

    title = "RRDBNet"
    factors = tuple(DOUBLINGS)
    counted: ClassVar[Mapping[str, str]] = {
        "channels": "channel", "blocks": "block", "width": "feature", "growth": "feature"
    }  # fmt: skip

    _: KW_ONLY
    blocks: int = 23
    """Number of residual-in-residual dense blocks; 23 in the paper."""
    width: int = 64
    """Number of features between blocks; 64 in the paper."""
    growth: int = 32
    """Number of features that a convolution of a dense block adds; 32 in the paper."""


class RRDBNet(Generator):
    """The generator of Wang et al. 2018."""

    arguments_type = RRDBArguments

    def __init__(self, arguments: RRDBArguments) -> None:
        super().__init__(arguments)
        factor, channels, width = arguments.scale_factor, arguments.channels, arguments.width
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(
            *(ResidualInResidualDenseBlock(width, arguments.growth) for _ in range(arguments.blocks)),
            nn.Conv2d(width, width, 3, padding=1),
        )
        doublings = DOUBLINGS[factor]
        self.doublings = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(doublings))
        self.high = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        tail = sum(0.5**n for n in range(1, doublings + 1)) + 2 / factor
        self._receptive_radius = self._back_projection_radius + math.ceil(
            1 + arguments.blocks * 3 * LAYERS + 1 + tail
        )
        if self.interpolated_skip:
            predict_nothing_yet(self.last)

    @property
    def receptive_radius(self) -> int:
        return self._receptive_radius

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``."""
        head = self.head(low.to(next(self.parameters()).dtype))
        features = head + self.body(head)
        for convolution in self.doublings:
            doubled = F.interpolate(features, scale_factor=2, mode="nearest")
            features = F.leaky_relu(convolution(doubled), _SLOPE)
        predicted = self.last(F.leaky_relu(self.high(features), _SLOPE))
        return self._completed(predicted, low)
