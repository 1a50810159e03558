"""SRResNet, the generator of SRGAN.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a
generative adversarial network. CVPR, arXiv 1609.04802. Section 2.1 and figure 4.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn

from napari_srgan.networks.generator import Generator
from napari_srgan.networks.resampling import BACK_PROJECTION_RADIUS, back_project, bicubic_upsample

Normalisation = Literal["batch", "none"]
Activation = Literal["prelu", "relu"]

UPSAMPLING_STAGES = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
"""Sub-pixel stages by scale factor: the paper doubles as often as is needed."""


def _normalisation(kind: Normalisation, width: int) -> nn.Module:
    return nn.BatchNorm2d(width) if kind == "batch" else nn.Identity()


def _activation(kind: Activation, width: int) -> nn.Module:
    return nn.PReLU(width) if kind == "prelu" else nn.ReLU(inplace=True)


class ResidualBlock(nn.Module):
    """Convolution, normalisation, activation, convolution, normalisation, plus the input."""

    def __init__(self, width: int, normalisation: Normalisation, activation: Activation) -> None:
        super().__init__()
        # A normalisation has its own shift, which makes a bias redundant.
        bias = normalisation == "none"
        self.residual = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=bias),
            _normalisation(normalisation, width),
            _activation(activation, width),
            nn.Conv2d(width, width, 3, padding=1, bias=bias),
            _normalisation(normalisation, width),
        )

    def forward(self, features: Tensor) -> Tensor:
        residual: Tensor = self.residual(features)
        return residual.add_(features)


class SRResNet(Generator):
    """The generator of Ledig et al. 2017; its defaults are the paper's.

    Parameters
    ----------
    scale_factor
        2, 3, 4 or 8.
    channels
        Channels of the image: 1 for most microscopy, 3 for RGB, or any other number.
    blocks
        Residual blocks; B = 16 in the paper.
    width
        Features of each convolution; 64 in the paper.
    kernel
        Size of the first and the last convolution, odd; 9 in the paper.
    normalisation
        ``"batch"`` as in the paper, or ``"none"``, which trains without the
        artefacts of batch statistics (Lim et al. 2017, arXiv 1707.02921, section 3.1).
    activation
        ``"prelu"`` as in the paper, or ``"relu"``.
    interpolated_skip
        Predict only what bicubic interpolation lacks: the interpolated input is added
        to the output in float32, so that 16-bit data is not banded by faster types.
    upsampling
        ``"staged"`` as in the paper: sub-pixel stages of 2 or 3, then the last
        convolution at high resolution. ``"direct"``: one convolution at low resolution
        and one pixel shuffle (Shi et al. 2016, arXiv 1609.05158), several times cheaper.
    back_projection
        Make the result agree with its input: downsampled again it is the input but for
        rounding, so that no brightness is invented, not even in noise. No weights.

    Raises
    ------
    ValueError
        If an argument is outside what is said above.
    """

    def __init__(
        self,
        scale_factor: int = 4,
        channels: int = 3,
        *,
        blocks: int = 16,
        width: int = 64,
        kernel: int = 9,
        normalisation: Normalisation = "batch",
        activation: Activation = "prelu",
        interpolated_skip: bool = False,
        upsampling: Literal["staged", "direct"] = "staged",
        back_projection: bool = False,
    ) -> None:
        if scale_factor not in UPSAMPLING_STAGES:
            raise ValueError(f"SRResNet upscales by 2, 3, 4 or 8, not by {scale_factor!r}")
        if normalisation not in ("batch", "none") or activation not in ("prelu", "relu"):
            raise ValueError(
                f"SRResNet has no normalisation {normalisation!r} with activation {activation!r}"
            )
        if upsampling not in ("staged", "direct"):
            raise ValueError(f"SRResNet upsamples 'staged' or 'direct', not {upsampling!r}")
        if min(channels, blocks, width) < 1 or kernel % 2 == 0:
            raise ValueError(
                "SRResNet needs at least one channel, block and feature, and an odd kernel; "
                f"got {channels}, {blocks}, {width} and {kernel}"
            )
        super().__init__(scale_factor=scale_factor, channels=channels)
        self.interpolated_skip = interpolated_skip
        self.back_projection = back_projection

        self.head = nn.Sequential(
            nn.Conv2d(channels, width, kernel, padding=kernel // 2), _activation(activation, width)
        )
        self.body = nn.Sequential(
            *(ResidualBlock(width, normalisation, activation) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1, bias=normalisation == "none"),
            _normalisation(normalisation, width),
        )
        self.tail = (
            _direct_tail(scale_factor, channels, width)
            if upsampling == "direct"
            else _staged_tail(scale_factor, channels, width, kernel, activation)
        )
        tail_radius = 1.0 if upsampling == "direct" else _staged_tail_radius(scale_factor, kernel)
        self._receptive_radius = math.ceil(kernel // 2 + 2 * blocks + 1 + tail_radius)
        if back_projection:
            self._receptive_radius += BACK_PROJECTION_RADIUS
        if interpolated_skip:
            # Training starts from bicubic interpolation instead of from noise.
            last = [m for m in self.tail.modules() if isinstance(m, nn.Conv2d)][-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # these convolutions have one

    @property
    def receptive_radius(self) -> int:
        return self._receptive_radius

    def forward(self, low: Tensor) -> Tensor:
        head = self.head(low.to(next(self.parameters()).dtype))
        high: Tensor = self.tail(self.body(head).add_(head)).float()
        if self.interpolated_skip:
            high = high + bicubic_upsample(low, self.scale_factor)
        return back_project(high, low, self.scale_factor) if self.back_projection else high


def _direct_tail(factor: int, channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, channels * factor**2, 3, padding=1), nn.PixelShuffle(factor))


def _staged_tail(
    factor: int, channels: int, width: int, kernel: int, activation: Activation
) -> nn.Sequential:
    stages: list[nn.Module] = []
    for step in UPSAMPLING_STAGES[factor]:
        stages += [
            nn.Conv2d(width, width * step**2, 3, padding=1),
            nn.PixelShuffle(step),
            _activation(activation, width),
        ]
    return nn.Sequential(*stages, nn.Conv2d(width, channels, kernel, padding=kernel // 2))


def _staged_tail_radius(factor: int, kernel: int) -> float:
    """Radius of the staged tail in low-resolution pixels."""
    radius, resolution = 0.0, 1
    for step in UPSAMPLING_STAGES[factor]:
        radius += 1 / resolution
        resolution *= step
    return radius + (kernel // 2) / resolution
