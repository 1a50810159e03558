"""Upsampling by sub-pixel convolution.

Shi, W. et al. (2016). Real-time single image and video super-resolution using an
efficient sub-pixel convolutional neural network. CVPR, arXiv 1609.05158, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from torch import nn

from napari_srgan.networks.generator import GeneratorArguments

Upsampling = Literal["staged", "direct"]

UPSAMPLING_STAGES: dict[int, tuple[int, ...]] = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
"""Sub-pixel stages by scale factor: doubled as often as is needed, and not at all where the size stays."""


@dataclass(frozen=True)
class DirectTailArguments(GeneratorArguments):
    """What can be chosen of networks that end in a direct tail and always have an interpolated skip.

    ``back_projection="brightness"`` is for noisy images, of which no more can be kept without keeping their
    noise.
    """

    factors = tuple(UPSAMPLING_STAGES)

    scale_factor: int = 2
    channels: int = 1
    _: KW_ONLY
    interpolated_skip: bool = field(default=True, init=False)


def direct_tail(factor: int, channels: int, width: int) -> nn.Sequential:
    """One convolution at low resolution and one pixel shuffle: several times cheaper.

    At a factor of 1 there is nothing to shuffle, and it is the last convolution alone.
    """
    return nn.Sequential(nn.Conv2d(width, channels * factor**2, 3, padding=1), nn.PixelShuffle(factor))


def staged_tail(
    factor: int,
    channels: int,
    width: int,
    kernel: int,
    activation: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """Stages of convolution, pixel shuffle and activation, then a convolution at high resolution."""
    stages: list[nn.Module] = []
    for step in UPSAMPLING_STAGES[factor]:
        stages += [nn.Conv2d(width, width * step**2, 3, padding=1), nn.PixelShuffle(step)]
        stages += [activation()] if activation else []
    return nn.Sequential(*stages, nn.Conv2d(width, channels, kernel, padding=kernel // 2))


def upsampling_tail(
    upsampling: Upsampling,
    factor: int,
    channels: int,
    width: int,
    kernel: int,
    activation: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """The tail of one kind or the other."""
    if upsampling == "direct":
        return direct_tail(factor, channels, width)
    return staged_tail(factor, channels, width, kernel, activation)


def tail_radius(upsampling: Upsampling, factor: int, kernel: int) -> float:
    """Radius of a tail in low-resolution pixels."""
    if upsampling == "direct":
        return 1.0
    radius, resolution = 0.0, 1
    for step in UPSAMPLING_STAGES[factor]:
        radius += 1 / resolution
        resolution *= step
    return radius + (kernel // 2) / resolution


def check_upsampling(name: str, upsampling: str) -> None:
    """Raise a ValueError for a kind of upsampling there is no tail for."""
    if upsampling not in ("staged", "direct"):
        raise ValueError(f"{name} upsamples 'staged' or 'direct', not {upsampling!r}")
