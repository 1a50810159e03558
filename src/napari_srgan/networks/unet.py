"""A residual U-Net that upscales: detail at the resolution of the image, noise at half of it.

Ronneberger, O. et al. (2015). U-Net: convolutional networks for biomedical image segmentation. MICCAI,
arXiv 1505.04597, figure 1. With residual blocks in place of plain convolutions, sums in place of
concatenations, and no normalisation, as in Zhang, K. et al. (2021). Plug-and-play image restoration with
deep denoiser prior. IEEE Trans. PAMI 44(10), arXiv 2008.13751, section 4.1 and figure 1 (DRUNet). One halving
in place of their four and three: half the resolution is where few photons are told from structure, a pixel of
it sees twice as far, and its convolutions cost a quarter. The upsampling tail is that of the other
generators, a convolution and a pixel shuffle (Shi et al. 2016, arXiv 1609.05158).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from napari_srgan.networks.generator import Generator, predict_nothing_yet
from napari_srgan.networks.srresnet import ResidualBlock
from napari_srgan.networks.sub_pixel import DirectTailArguments, direct_tail

HALVING = 2
"""Pixels along the side of the image that are one pixel of the half resolution."""


@dataclass(frozen=True)
class UNetArguments(DirectTailArguments):
    """What can be chosen of the U-Net."""

    title = "UNet"
    counted: ClassVar[Mapping[str, str]] = {
        "channels": "channel", "width": "feature", "blocks": "block", "deep_width": "feature",
        "deep_blocks": "block",
    }  # fmt: skip

    _: KW_ONLY
    width: int = 32
    """Number of features at the resolution of the image."""
    blocks: int = 2
    """Number of residual blocks there, before the halving and as many after it."""
    deep_width: int = 96
    """Number of features at half the resolution."""
    deep_blocks: int = 5
    """Number of residual blocks there."""


class UNet(Generator):
    """A U-Net of residual blocks and one halving, for images with noise."""

    arguments_type = UNetArguments

    def __init__(self, arguments: UNetArguments) -> None:
        super().__init__(arguments)
        channels, width, blocks = arguments.channels, arguments.width, arguments.blocks
        deep_width, deep_blocks = arguments.deep_width, arguments.deep_blocks
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.before = nn.Sequential(*(ResidualBlock(width, "none", "relu") for _ in range(blocks)))
        self.down = nn.Conv2d(width, deep_width, HALVING, stride=HALVING)
        self.deep = nn.Sequential(*(ResidualBlock(deep_width, "none", "relu") for _ in range(deep_blocks)))
        self.up = nn.Sequential(nn.Conv2d(deep_width, width * HALVING**2, 1), nn.PixelShuffle(HALVING))
        self.after = nn.Sequential(*(ResidualBlock(width, "none", "relu") for _ in range(blocks)))
        self.tail = direct_tail(self.scale_factor, channels, width)
        predict_nothing_yet(self.tail)
        # A pixel sees the other pixel of its pair too, on either side of the deep blocks' reach.
        deep = HALVING * 2 * deep_blocks + HALVING - 1
        self._receptive_radius = 1 + 2 * blocks + deep + 2 * blocks + 1 + self._back_projection_radius

    @property
    def receptive_radius(self) -> int:
        return self._receptive_radius

    @property
    def grid(self) -> int:
        return HALVING

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``; any size will do."""
        more = [-size % HALVING for size in low.shape[-2:]]
        even = F.pad(low, (0, more[1], 0, more[0]), mode="replicate") if any(more) else low
        features = self.before(self.head(even.to(next(self.parameters()).dtype)))
        features = self.after(features + self.up(self.deep(self.down(features))))
        predicted: Tensor = self.tail(features)
        if any(more):
            predicted = predicted[
                ..., : low.shape[-2] * self.scale_factor, : low.shape[-1] * self.scale_factor
            ]
        return self._completed(predicted, low)
