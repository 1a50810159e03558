"""RDN, the residual dense network.

Zhang, Y. et al. (2018). Residual dense network for image super-resolution. CVPR,
arXiv 1802.08797. Section 3 and figures 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from napari_srgan.networks.generator import Generator, GeneratorArguments, predict_nothing_yet
from napari_srgan.networks.sub_pixel import (
    UPSAMPLING_STAGES,
    Upsampling,
    check_upsampling,
    tail_radius,
    upsampling_tail,
)

RDN_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "paper": {"blocks": 16, "layers": 8, "growth": 64, "width": 64},
    "small": {"blocks": 6, "layers": 4, "growth": 32, "width": 32},
}
"""The paper's D, C, G and G0, and a network of a thirtieth of its size."""


class DenseLayer(nn.Module):
    """A convolution whose features are put beside those it has seen (eq. 6)."""

    def __init__(self, seen: int, growth: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(seen, growth, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, seen, Y, X)`` of a float dtype to ``(N, seen + growth, Y, X)`` of the same."""
        return torch.cat([features, torch.relu(self.convolution(features))], dim=1)


class ResidualDenseBlock(nn.Module):
    """Dense layers, fused locally, plus the block's input (eq. 6 to 8)."""

    def __init__(self, width: int, layers: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(DenseLayer(width + n * growth, growth) for n in range(layers)))
        self.fusion = nn.Conv2d(width + layers * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, width, Y, X)`` of a float dtype to features of the same shape and dtype."""
        fused: Tensor = self.fusion(self.layers(features))
        return features + fused


@dataclass(frozen=True)
class RDNArguments(GeneratorArguments):
    """What can be chosen of RDN; the defaults are those of the paper.

    Its factors are 2, 3 and 4; here there are 8 too, and 1 to denoise or deblur, as in Zhang, Y. et al.
    (2021). Residual dense network for image restoration. IEEE Trans. PAMI 43(7), arXiv 1812.10477.
    """

    title = "RDN"
    factors = tuple(UPSAMPLING_STAGES)
    counted: ClassVar[Mapping[str, str]] = {
        "channels": "channel", "blocks": "block", "layers": "layer", "growth": "feature", "width": "feature"
    }  # fmt: skip

    _: KW_ONLY
    blocks: int = 16
    """Number of residual dense blocks, D in the paper."""
    layers: int = 8
    """Number of convolutions in a block, C in the paper."""
    growth: int = 64
    """Number of features that each of them adds, G in the paper."""
    width: int = 64
    """Number of features between blocks, G0 in the paper."""
    upsampling: Upsampling = "staged"
    """``"staged"`` as in the paper, or ``"direct"``, see :mod:`~napari_srgan.networks.sub_pixel`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_upsampling(self.title, self.upsampling)


class RDN(Generator):
    """The residual dense network of Zhang et al. 2018."""

    arguments_type = RDNArguments

    def __init__(self, arguments: RDNArguments) -> None:
        super().__init__(arguments)
        factor, channels, width = arguments.scale_factor, arguments.channels, arguments.width
        blocks, layers = arguments.blocks, arguments.layers
        self.shallow = nn.Conv2d(channels, width, 3, padding=1)
        self.shallow_2 = nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            ResidualDenseBlock(width, layers, arguments.growth) for _ in range(blocks)
        )
        self.fusion = nn.Sequential(
            nn.Conv2d(blocks * width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        )
        self.tail = upsampling_tail(arguments.upsampling, factor, channels, width, 3)
        self._receptive_radius = self._back_projection_radius + math.ceil(
            2 + blocks * layers + 1 + tail_radius(arguments.upsampling, factor, 3)
        )
        if self.interpolated_skip:
            predict_nothing_yet(self.tail)

    @property
    def receptive_radius(self) -> int:
        return self._receptive_radius

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``."""
        shallow = self.shallow(low.to(next(self.parameters()).dtype))
        features = self.shallow_2(shallow)
        outputs = []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused = self.fusion(torch.cat(outputs, dim=1)) + shallow
        return self._completed(self.tail(fused), low)
