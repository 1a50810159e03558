"""By what the pixels of an input are known again: another image may come under the same name."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from napari_srgan.images.arrays import ArrayLike, read_block

PLACES, _SIDE = 8, 32
"""Places that are looked at, and pixels along each of their sides."""
UNSEEN = "-"
"""Stands for a place that could not be read."""


def likeness(array: ArrayLike, axes: str) -> list[str]:
    """Checksums of the pixels at a few places, spread over all axes.

    Parameters
    ----------
    array
        To look at.
    axes
        One letter for each of its axes.

    Returns
    -------
    list of str
        One for each place, :data:`UNSEEN` where a part does not decode.
    """
    y = axes.index("Y")
    found = []
    for number in range(PLACES):
        leading = [number * size // PLACES for size in array.shape[:y]]
        # Rows from top to bottom; columns in an order that is no diagonal.
        row, column = (
            (2 * at + 1) * size // (2 * PLACES)
            for at, size in zip((number, number * 3 % PLACES), array.shape[y : y + 2], strict=True)
        )
        try:
            pixels = read_block(array, (*leading, slice(row, row + _SIDE), slice(column, column + _SIDE)))
        except Exception:  # what is damaged is told when its block is made
            found.append(UNSEEN)
        else:
            found.append(f"{zlib.crc32(np.ascontiguousarray(pixels).tobytes()):08x}")
    return found


def as_far_as_seen(before: Sequence[str] | None, now: Sequence[str]) -> list[str]:
    """What is seen now; as it was before, where either time a part could not be read."""
    if before is None or len(before) != len(now):
        return list(now)
    return [then if UNSEEN in (then, this) else this for then, this in zip(before, now, strict=True)]
