"""One plane of a pair on the low-resolution grid, as it is registered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.upscaled import Region
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.training.pairs.values import Extremes, extremes_of

_MOST_PIXELS = 2**24
"""Low-resolution pixels of a plane that are looked at; of a larger one its middle."""
STRIP_VALUES = 2**23
"""High-resolution values that are read at once."""

_EXTREMES = (0.1, 99.9)
"""Percentiles beyond which a value may lie by as much as they are apart."""


@dataclass(frozen=True)
class PlanePair:
    """Both images of one plane, in gray."""

    index: tuple[int, ...]
    origin: tuple[int, int]
    """First row and column, in low-resolution pixels of the matched region."""
    low: NDArray[np.float64]
    """``(Y, X)``: pixels that are not finite are the mean of the others, hot ones are brought nearer."""
    high: NDArray[np.float64]
    """``(Y, X)``, downsampled by the mean of each square of pixels."""
    low_values: Extremes
    high_values: Extremes


def checked_region(pair: MatchedPair) -> Region:
    """Rows and columns of the matched region that are looked at: all, or as many in its middle."""
    height, width = pair.shape
    share = min(math.sqrt(_MOST_PIXELS / (height * width)), 1.0)
    sides = [max(int(side * share), 1) for side in (height, width)]
    (top, left) = ((size - side) // 2 for size, side in zip((height, width), sides, strict=True))
    return (top, top + sides[0]), (left, left + sides[1])


def strips(pair: MatchedPair) -> Iterator[tuple[int, int]]:
    """Rows of the matched region that are read one after another."""
    (top, bottom), (left, right) = checked_region(pair)
    samples = 3 if pair.high.rgb else 1
    rows = max(STRIP_VALUES // ((right - left) * pair.factor**2 * samples), 1)
    for start in range(top, bottom, rows):
        yield start, min(start + rows, bottom)


def read_strip(pair: MatchedPair, index: tuple[int, ...], rows: tuple[int, int]) -> PlanePair:
    """Read some rows of a plane."""
    columns = checked_region(pair)[1]
    part = rows, columns
    (top, _), (left, _) = pair.low_region
    (high_top, _), (high_left, _) = pair.high_region
    low = read_part(pair.low, index, (top, left), part, 1)
    high = read_part(pair.high, pair.high_index(index), (high_top, high_left), part, pair.factor)
    return PlanePair(
        index,
        (rows[0], columns[0]),
        gray(low, 1),
        gray(high, pair.factor),
        extremes_of(low),
        extremes_of(high),
    )


def read_part(
    image: SourceImage, index: tuple[int, ...], origin: tuple[int, int], part: Region, factor: int
) -> NDArray[Any]:
    """Read rows and columns of a plane.

    Parameters
    ----------
    image, index
        The image, and the place of the plane along its leading axes.
    origin
        The pixel of `image` at which the matched region begins.
    part
        Rows and columns in low-resolution pixels of the matched region.
    factor
        How many times finer `image` is: 1 for the low one.

    Returns
    -------
    NDArray
        ``(Y * factor, X * factor, K)`` of the image's dtype.
    """
    y, x = (
        (first + span[0] * factor, first + span[1] * factor) for first, span in zip(origin, part, strict=True)
    )
    return image.read(index, (y, x))


def gray(pixels: NDArray[Any], factor: int) -> NDArray[np.float64]:
    """Means over colours and over squares of `factor` pixels; NaN where no pixel is finite.

    Parameters
    ----------
    pixels
        ``(Y * factor, X * factor, K)`` of any real dtype.
    factor
        Side of the squares in pixels.

    Returns
    -------
    NDArray
        ``(Y, X)`` of float64.
    """
    y, x, samples = pixels.shape
    squares = pixels.reshape(y // factor, factor, x // factor, factor, samples)
    if pixels.dtype.kind != "f":
        means: NDArray[np.float64] = squares.mean(axis=(1, 3, 4), dtype=np.float64)
        return means
    finite = np.isfinite(squares)
    count = finite.sum(axis=(1, 3, 4))
    total = np.where(finite, squares, 0).sum(axis=(1, 3, 4), dtype=np.float64)
    means = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return means


def joined(parts: list[PlanePair]) -> PlanePair:
    """Strips as one plane, without what is not finite."""
    low, high = (np.concatenate(planes) for planes in zip(*((p.low, p.high) for p in parts), strict=True))
    return PlanePair(
        parts[0].index,
        parts[0].origin,
        _filled(low),
        _filled(high),
        sum((p.low_values for p in parts[1:]), parts[0].low_values),
        sum((p.high_values for p in parts[1:]), parts[0].high_values),
    )


def _filled(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace pixels that are not finite, and bring nearer those far beyond all others: one would blind its
    block."""
    finite = np.isfinite(plane)
    if not finite.all():
        plane = np.where(finite, plane, plane[finite].mean() if finite.any() else 0.0)
    low, high = np.percentile(plane, _EXTREMES)
    span = float(high) - float(low)
    return np.clip(plane, low - span, high + span) if span > 0 else plane
