"""What is shown of a lazily upscaled or restored image from afar: the original, and what is coarser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.viewer.lazy.subsampled import Overview

LARGEST_OVERVIEW = 2048
"""Pixels along Y and X of a coarsest level that is still read whole: for the thumbnail, and in 3-D."""


def coarser_levels(lazy: LazyUpscaling, levels: Sequence[Any]) -> list[Any]:
    """The levels below the upscaled one, finest first.

    Parameters
    ----------
    lazy
        The upscaled image.
    levels
        The original, and its own coarser levels if it has any; they are of no use to a model that gives
        other quantities. If there are none, every second, fourth, ... pixel
        of a large one is taken, which is read where it is looked at. Where a model leaves the size as it is,
        the original is no coarser level itself: napari would show it in place of the result.
    """
    y = lazy.axes.index("Y")
    found = list(levels) if lazy.model.card.result is None else [AsResult(lazy)]
    same_size = lazy.factor == 1 and min(found[0].shape[y : y + 2]) > 1
    if len(found) == 1:
        in_memory = isinstance(found[0], np.ndarray)
        for step in steps(found[0].shape[y : y + 2]) or ([2] if same_size else []):
            found.append(strided(found[0], y, step) if in_memory else Overview(found[0], y, step))
    return found[1:] if same_size else found


def steps(plane: Sequence[int]) -> list[int]:
    """How many pixels become one in each coarser level of a plane."""
    found, step = [], 2
    while max(plane) * 2 > LARGEST_OVERVIEW * step:
        found.append(step)
        step *= 2
    return found


def strided(array: Any, y: int, step: int) -> Any:
    """Every so many-th pixel along Y and X, from the middle of each group."""
    middle = slice(step // 2, None, step)
    return array[(*[slice(None)] * y, middle, middle)]


class AsResult(LazyArray):
    """The pixels that a lazy upscaling was made from, as bright as those that it gives.

    A model that was trained on pairs of two microscopes gives the brightness of the second; what is shown
    from afar must not be another.

    Parameters
    ----------
    lazy
        The lazy upscaling. Where all tiles of a part are there already, their pixels are seen.
    """

    def __init__(self, lazy: LazyUpscaling) -> None:
        super().__init__(lazy.array.shape, lazy.dtype)
        self._lazy = lazy

    def read(self, part: Part) -> NDArray[Any]:
        """See :class:`LazyArray`; nothing is computed."""
        finer = list(part.slices)
        y, factor = self._lazy.axes.index("Y"), self._lazy.factor
        for axis in (y, y + 1):
            along = part.ranges[axis]
            finer[axis] = slice(along.start * factor, along.stop * factor, along.step * factor)
        return part.answer(self._lazy.peek(tuple(finer), alike=True)[0])
