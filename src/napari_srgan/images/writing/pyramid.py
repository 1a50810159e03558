"""Coarser levels of an image: means of two by two pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def halve(pixels: NDArray[Any], axes: tuple[int, int]) -> NDArray[Any]:
    """Mean of each two by two pixels, in the type of the pixels.

    Parameters
    ----------
    pixels
        An array of any shape and any real dtype, or truth values.
    axes
        Numbers of the Y and the X axis. Where there is an odd number of pixels along one, the last pixels are
        means of those there are.

    Returns
    -------
    NDArray
        An array of the same dtype, half as long along Y and X, rounded up. Integers are rounded to the
        nearest, halves upwards; of truth values two of four make true; NaN does not count beside numbers.
    """
    four = _four(pixels, axes)
    dtype = pixels.dtype
    if dtype.kind == "b":
        return np.asarray(sum(part.astype(np.uint8) for part in four) >= np.uint8(2))
    if dtype.kind in "iu":
        # Quarters and what they leave over, so that no sum is larger than the type.
        rest: Any = sum(part & 3 for part in four)
        return np.asarray(sum(part >> 2 for part in four) + ((rest + 2) >> 2), dtype)
    return _mean(four).astype(dtype, copy=False)


def _four(pixels: NDArray[Any], axes: tuple[int, int]) -> list[NDArray[Any]]:
    odd = [(0, size % 2 if axis in axes else 0) for axis, size in enumerate(pixels.shape)]
    even = np.pad(pixels, odd, mode="edge") if any(more for _, more in odd) else pixels
    parts = []
    for y in (0, 1):
        for x in (0, 1):
            key = [slice(None)] * pixels.ndim
            key[axes[0]], key[axes[1]] = slice(y, None, 2), slice(x, None, 2)
            parts.append(even[tuple(key)])
    return parts


def _mean(four: list[NDArray[Any]]) -> NDArray[Any]:
    wide = np.dtype(np.float32) if four[0].dtype == np.float16 else four[0].dtype
    parts = [part.astype(wide, copy=False) for part in four]
    with np.errstate(invalid="ignore", over="ignore"):  # infinities of both signs have no mean
        mean = np.asarray(sum(part * wide.type(0.25) for part in parts))
        if not np.isnan(mean).any():
            return mean
        known = np.asarray(sum((~np.isnan(part)).astype(wide) for part in parts))
        share = np.where(known > 0, 1 / np.maximum(known, 1), np.nan).astype(wide)
        return np.asarray(sum(np.where(np.isnan(part), 0, part) * share for part in parts), wide)
