"""Upsampling by sub-pixel convolution.

Shi, W. et al. (2016). Real-time single image and video super-resolution using an
efficient sub-pixel convolutional neural network. CVPR, arXiv 1609.05158, section 2.2.

Each of the ``factor**2`` phases of the larger image has kernels of its own, which few or noisy steps of a
training move apart: then a grid lies on what is even, the checkerboard artifact. It vanishes there if all
phases have the same steady-state gain, which is the sum of a kernel: Sugawara, Y. et al. (2019).
Checkerboard artifacts free convolutional neural networks. APSIPA Transactions on Signal and Information
Processing 8, e9, section III-A.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from typing import Literal

import torch
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


@torch.no_grad()
def remove_checkerboard(network: nn.Module) -> None:
    """Let all phases of each sub-pixel convolution answer alike to what is even; weights change in place.

    By the smallest change that does: the sums of kernels ``(N * factor**2, C, Y, X)`` and the biases are
    replaced by their means over the phases, the kernels' shapes are left as they are. Applied again it
    changes nothing, and means of such weights are such weights.

    Parameters
    ----------
    network
        Convolutions in it that a pixel shuffle follows in the same ``nn.Sequential`` are changed.
    """
    for convolution, factor in _sub_pixel_convolutions(network):
        weight = convolution.weight.view(-1, factor**2, *convolution.weight.shape[1:])
        sums = weight.sum((-2, -1), keepdim=True)
        weight += (sums.mean(1, keepdim=True) - sums) / convolution.weight[0, 0].numel()
        if convolution.bias is not None:
            bias = convolution.bias.view(-1, factor**2)
            bias.copy_(bias.mean(1, keepdim=True).expand_as(bias))


def _sub_pixel_convolutions(network: nn.Module) -> Iterator[tuple[nn.Conv2d, int]]:
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for convolution, shuffle in pairwise(module):
                if isinstance(convolution, nn.Conv2d) and isinstance(shuffle, nn.PixelShuffle):
                    yield convolution, shuffle.upscale_factor
