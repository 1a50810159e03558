"""A few windows of an image of any size and kind, from which the whole is judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import ArrayLike
from napari_srgan.inference.nonfinite import fill_nonfinite

MOST_WINDOWS, _MOST_PLANES = 9, 3
"""Largest number of windows of a channel, and of planes of a stack that they lie in."""
_SIDE = 256
"""Side in pixels of a window, where there are :data:`MOST_WINDOWS`; fewer windows are larger."""
MOST_READ = 2**24
"""Number of pixels that are read for the windows of a channel, chunks that they lie in counted whole."""
_MOST_CHANNELS = 4
"""Number of channels that are looked at, spread evenly over those that there are."""
GREEN = 1
"""Number of the colour that is looked at: half of the pixels of a colour camera see it, and JPEG keeps most
of it."""
LARGEST = 1e150
"""Largest value that counts: what is larger cannot be squared, and counts as if it were not finite."""
MOST_MISSING = 0.1
"""Part of a window that may be without a finite value; with more, the window is left out."""

WindowKey = tuple[int | slice, ...]


def channels_looked_at(array: ArrayLike, axes: str) -> list[int]:
    """Numbers of the channels that are looked at, at most four, spread evenly.

    Parameters
    ----------
    array
        An image of any shape and real dtype; only its shape is asked.
    axes
        One letter for each of its axes.

    Returns
    -------
    list of int
        Numbers in rising order; ``[0]`` where there is no channel axis.
    """
    count = array.shape[axes.index("C")] if "C" in axes else 1
    return sorted({int(at) for at in np.linspace(0, count - 1, min(count, _MOST_CHANNELS))})


def read_windows(array: ArrayLike, axes: str, channel: int = 0) -> list[NDArray[Any]]:
    """Read windows of one channel that are spread over its planes.

    Parameters
    ----------
    array
        An image of numpy, dask, zarr or xarray, ``(..., Y, X)`` or ``(..., Y, X, S)``, of any real dtype.
    axes
        One letter for each of its axes, see :mod:`napari_srgan.images.axes`. Of RGB images green is read.
    channel
        Number of the channel along C.

    Returns
    -------
    list of numpy.ndarray
        ``(Y, X)`` each, all values finite, in the dtype of the array, or float64 where values had to be
        filled in; perhaps parts of the array itself, not to be written to. Windows that cannot be read, show
        one value only, or are finite in too few places are left out: there may be none.
    """
    keys = list(window_keys(array, axes, channel))
    windows = (_usable(pixels) for pixels in _read_all(array, keys) if pixels is not None)
    return [window for window in windows if window is not None]


def window_keys(array: ArrayLike, axes: str, channel: int = 0) -> Iterator[WindowKey]:
    """Where the windows of a channel lie: few where its chunks are large.

    They are always the same places of the same array.

    Parameters
    ----------
    array
        An image ``(..., Y, X)`` or ``(..., Y, X, S)`` of any real dtype; only its shape and chunks are asked.
    axes
        One letter for each of its axes.
    channel
        Number of the channel along C.

    Yields
    ------
    WindowKey
        An index of `array` whose result has the shape ``(Y, X)``.
    """
    y = axes.index("Y")
    chunks = [_chunks_along(array, axis) for axis in range(len(array.shape))]
    windows = min(MOST_WINDOWS, max(MOST_READ // math.prod(max(sides) for sides in chunks), 1))
    side = _SIDE * math.isqrt(MOST_WINDOWS // windows)
    planes = _planes(array.shape[:y], axes, channel, min(_MOST_PLANES, windows))
    rows = math.isqrt(windows // len(planes))
    columns = windows // len(planes) // rows
    colour: WindowKey = (GREEN,) if axes.endswith("S") else ()
    down = _spans(chunks[y], array.shape[y], rows, side)
    across = _spans(chunks[y + 1], array.shape[y + 1], columns, side)
    for plane in planes:
        for part in product(down, across):
            yield (*plane, *part, *colour)


def in_blocks(window: NDArray[Any], side: int) -> list[NDArray[Any]]:
    """A window in equal blocks, to be judged one by one.

    Parameters
    ----------
    window
        ``(Y, X)`` of any dtype.
    side
        About how many pixels along the sides of a block; one of a window that is smaller is as small.
    """
    rows, columns = (max(round(size / side), 1) for size in window.shape)
    return [block for part in np.array_split(window, rows, 0) for block in np.array_split(part, columns, 1)]


def _chunks_along(array: ArrayLike, axis: int) -> tuple[int, ...]:
    """Lengths of the parts of an array that can only be read whole; single pixels of one in memory."""
    size, chunks = array.shape[axis], getattr(array, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(array.shape):
        return (1,) * size
    of_axis = chunks[axis]
    if isinstance(of_axis, int):  # zarr and HDF5 say what all have in common, dask what each has
        return (of_axis,) * -(-size // of_axis)
    return tuple(int(side) for side in of_axis)


def _planes(lead: Sequence[int], axes: str, channel: int, most: int) -> list[tuple[int, ...]]:
    """Places along the leading axes, in the middles of equal parts: a stack's ends often show nothing."""
    free = tuple(1 if axes[axis] == "C" else size for axis, size in enumerate(lead))
    count = math.prod(free)
    numbers = [int((part + 0.5) * count / min(most, count)) for part in range(min(most, count))]
    places = [np.unravel_index(number, free) if free else () for number in numbers]
    return [
        tuple(channel if axes[axis] == "C" else int(at) for axis, at in enumerate(place)) for place in places
    ]


def _spans(chunks: tuple[int, ...], length: int, count: int, side: int) -> list[slice]:
    """At most `count` spans of a side, around the middles of equal parts of an axis; each in one chunk if it
    fits."""
    stops = np.cumsum(chunks)
    spans = {}
    for part in range(count):
        middle = int((part + 0.5) * length / count)
        number = int(np.searchsorted(stops, middle, side="right"))
        first, last = int(stops[number]) - chunks[number], min(int(stops[number]), length)
        if last - first < side:
            first, last = 0, length
        start = min(max(middle - side // 2, first), max(last - side, first))
        spans[start] = slice(start, min(start + side, length))
    return list(spans.values())


def _read_all(array: ArrayLike, keys: Sequence[WindowKey]) -> list[NDArray[Any] | None]:
    """Parts of an array; None for one that cannot be read. Dask computes what they have in common once."""
    if hasattr(array, "__dask_graph__"):
        with suppress(Exception):  # one broken chunk: read them one by one
            from dask.base import compute

            return [np.asarray(part) for part in compute(*(array[key] for key in keys))]
    return [_read(array, key) for key in keys]


def _read(array: ArrayLike, key: WindowKey) -> NDArray[Any] | None:
    try:
        return np.asarray(array[key])
    except Exception:  # each container has errors of its own; they are told when the image is upscaled
        return None


def _usable(pixels: NDArray[Any]) -> NDArray[Any] | None:
    whole = _filled(pixels) if pixels.dtype.kind == "f" else pixels
    return whole if whole is not None and whole.min() < whole.max() else None


def _filled(pixels: NDArray[Any]) -> NDArray[Any] | None:
    finite = np.abs(pixels) <= min(LARGEST, float(np.finfo(pixels.dtype).max))  # false where it is NaN
    if finite.all():
        return pixels
    if finite.mean() < 1 - MOST_MISSING:
        return None
    plane = np.where(finite, pixels, np.nan).astype(np.float64)
    return fill_nonfinite(plane, float(np.median(plane[finite])))
