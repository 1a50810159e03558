"""From where in a plane the statistics are gathered that all its tiles are normalised with.

From the whole plane where it fits into memory at once: what an untiled run sees, so that
the tiled result is the untiled one. Else from windows spread evenly over the plane: a sample.
(Gathering again over all tiles, normalised by the sample, is no remedy: errors grow from layer
to layer, and with untrained networks the result came out nearer in a third of the cases and
6 to 40 dB farther off in the other.)

Pixels that are NaN or infinite take part as what stands in for them when they are filled: the
network sees that too, and convolutions carry it into its surroundings, so that there is no set of
features that it left alone. Where most of a plane is missing, the rest is normalised as part of a
plane that is mostly even; crop the image if that is not what is meant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.inference.tiles.tiling import BORDER, SMALLEST_TILE, Span, Tile
from napari_srgan.networks.instance_norm import Moments

_SAMPLE_SIDE = 64
"""Side of a window of a sample, its margin included, in pixels. Many small windows find more of
what is rare in a plane than a few large ones: 4 to 17 dB nearer, measured with 15 % of a plane."""
SAMPLE_MARGIN = BORDER
"""Pixels at the sides of a window that see its end, and do not count."""
SMALLEST_WINDOW = SMALLEST_TILE + 2 * SAMPLE_MARGIN
"""Side of the smallest window; planes of its size are always taken whole."""
LONGEST = 4
"""Sides that a window of a narrow plane is long."""


@dataclass(frozen=True)
class StatisticsSample:
    """Which parts of a plane its statistics are gathered from."""

    windows: tuple[Tile, ...]
    """Windows of equal shape, without what is read around them."""
    halo: int
    """Pixels that are read around each, as far as the continued plane goes."""
    margin: int
    """How many of them do not count."""
    share: float
    """Part of the plane's pixels that count; 1 for the whole plane."""
    pixels: int
    """That are computed for it."""

    @property
    def whole(self) -> bool:
        return self.share == 1

    def __str__(self) -> str:
        return "whole plane" if self.whole else f"{100 * self.share:.2g} % of the plane"


@dataclass(frozen=True)
class Windows:
    """A sample, read: what the network gathers from."""

    low: NDArray[np.float32]
    """``(windows * N, C, Y, X)``."""
    count: int
    """Windows in it."""
    margin: int
    """Pixels at each side of each that do not count."""


@dataclass(frozen=True)
class PlaneStatistics:
    """Mean and variance of every normalised layer over one plane."""

    windows: Windows
    """Where they come from, to be looked at again in another precision."""
    by_dtype: dict[torch.dtype, list[Moments]] = field(default_factory=dict[Any, Any])
    """As gathered in a precision: of each layer, in the order in which they run."""


def plan_sample(plane: tuple[int, int], halo: int, largest: int) -> StatisticsSample:
    """Choose what to gather from.

    Parameters
    ----------
    plane
        Its height and width.
    halo
        Pixels that its tiles see beyond their own.
    largest
        Most pixels that can be computed together. :data:`SMALLEST_WINDOW` is always allowed.
    """
    height, width = plane
    border = 2 * min(BORDER, halo)
    pixels = (height + border) * (width + border)
    if pixels <= max(largest, SMALLEST_WINDOW**2):
        return StatisticsSample((Tile(Span(0, height), Span(0, width)),), halo, 0, 1.0, pixels)
    sizes, margin = _window(plane, largest)
    rows, columns = _spread(plane, sizes, margin, max(largest // math.prod(sizes), 1))
    windows = tuple(
        Tile(y, x) for y in _cores(height, sizes[0], rows) for x in _cores(width, sizes[1], columns)
    )
    counted = len(windows) * math.prod(size - 2 * margin for size in sizes)
    return StatisticsSample(
        windows=windows,
        halo=SAMPLE_MARGIN,
        margin=margin,
        share=min(counted / (height * width), 0.99),
        pixels=len(windows) * math.prod(sizes),
    )


def smallest_sample(plane: tuple[int, int], sample: StatisticsSample) -> bool:
    """Whether there is no smaller one to try."""
    return sample.pixels <= plan_sample(plane, sample.halo, 1).pixels


def _window(plane: tuple[int, int], largest: int) -> tuple[tuple[int, int], int]:
    """Height and width of a window, all that is read counted, and its margin."""
    side = min(_SAMPLE_SIDE, max(math.isqrt(largest), SMALLEST_WINDOW))
    whole = [size + 2 * BORDER for size in plane]
    if min(whole) > side:
        return (side, side), SAMPLE_MARGIN
    # The plane is narrow: windows go across it, and their two ends hardly matter.
    short = min(whole)
    long = min(max(largest // short, side), LONGEST * _SAMPLE_SIDE, max(whole))
    return ((short, long) if whole[0] == short else (long, short)), 0


def _spread(plane: tuple[int, int], sizes: tuple[int, int], margin: int, most: int) -> tuple[int, int]:
    """Rows and columns of windows, as many as there may be and fit, as square as the plane."""
    fit = [max(length // (size - 2 * margin), 1) for length, size in zip(plane, sizes, strict=True)]
    rows = min(max(round(math.sqrt(most * fit[0] / fit[1])), 1), most, fit[0])
    columns = min(most // rows, fit[1])
    return min(most // columns, fit[0]), columns


def _cores(length: int, size: int, count: int) -> list[Span]:
    """Windows in the middle of equal parts of an axis, inside the continued plane, less their halo."""
    if size == length + 2 * BORDER:
        return [Span(0, length)]
    cores = []
    for part in range(count):
        start = round(length * (part + 0.5) / count - size / 2)
        start = min(max(start, -BORDER), length + BORDER - size)
        cores.append(Span(start, start + size).grown(-SAMPLE_MARGIN, -SAMPLE_MARGIN))
    return cores
