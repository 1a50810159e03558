"""What is shown until a tile is computed: the pixels of the input, enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import read_block, restore_dtype
from napari_srgan.images.indexing import Part
from napari_srgan.inference.intensity import IntensityTransform, working_dtype
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.tiles.batch import ALPHA, full_scale


def enlarged(work: PlaneWork, part: Part) -> NDArray[Any]:
    """Read a part of the result from the input, every pixel repeated.

    Parameters
    ----------
    work
        Planes, and the quantities of a result.
    part
        Part of the result; its axes are those of the input.

    Returns
    -------
    NDArray
        Pixels of the part's shape, no axis dropped, and of the result's dtype.
    """
    stack, factor = work.stack, work.stack.card.scale_factor
    y = stack.axes.index("Y")
    result = np.empty(part.shape, stack.result_dtype)
    if not result.size:
        return result
    rows, columns = (_enlarging(part.ranges[axis], factor) for axis in (y, y + 1))
    for at, index in part.leading(y):
        low = read_block(stack.array, (*index, rows[0], columns[0]))[rows[1]][:, columns[1]]
        values = _as_result(work, index, low)
        result[at] = values[..., part.ranges[-1]] if stack.rgb else values
    return result


def _enlarging(along: range, factor: int) -> tuple[slice, NDArray[np.intp]]:
    """What is read along an axis of the input, and which of it stands at each place."""
    if along.step % factor == 0:
        first, step = along.start // factor, along.step // factor
        return slice(first, along[-1] // factor + 1, step), np.arange(len(along))
    places = np.arange(along.start, along.stop, along.step) // factor
    return slice(int(places[0]), int(places[-1]) + 1), places - places[0]


def _as_result(work: PlaneWork, index: tuple[int, ...], low: NDArray[Any]) -> NDArray[Any]:
    """Pixels in the quantities of the result: those of the input, unless a model was trained on others."""
    stack = work.stack
    quantities = stack.card.result
    if quantities is None:
        return low
    values = work.transform(index).apply(low)
    values = IntensityTransform(quantities.offset, quantities.span).invert(values, stack.result_dtype)
    if stack.rgb and low.shape[-1] > ALPHA:
        opaque = full_scale(stack.result_dtype) / full_scale(low.dtype)
        values[..., ALPHA] = low[..., ALPHA].astype(working_dtype(low.dtype)) * opaque
    return restore_dtype(values, stack.result_dtype)
