"""Reading parts of numpy, dask, zarr and xarray arrays, whatever their type."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError

WHOLE_SAMPLE = 2**24
"""Number of values up to which an array is looked at whole."""
SAMPLE_BLOCKS, SAMPLE_SIDE = 64, 256
"""Number and side of the blocks, spread evenly, that are looked at in larger arrays."""
SEARCH_BLOCKS = 256
"""Number of further blocks, spread evenly, whose extremes are looked at where those have no contrast."""
LARGE_BLOCKS, LARGE_SIDE = 4096, 2048
"""Number and side of the blocks whose extremes are looked at where those have no contrast either: all there
is of a slide of 130,000 x 130,000 pixels, a part of what is larger."""


_CACHED_VALUES = 2**16
"""Values that are worked on at a time where several operations follow each other."""


class UnreadablePart(UserError):
    """A part of an image is damaged; others may be whole."""


class SourceGone(UserError):
    """The source has disappeared: there is no use in trying its other blocks."""


class ArrayLike(Protocol):
    """What the arrays of numpy, dask, zarr and xarray have in common."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, key: Any) -> Any: ...


def check_array(data: Any) -> ArrayLike:
    """Take an array as it is, or a nested list as numpy, if it can be upscaled.

    Parameters
    ----------
    data
        An array of any shape: numpy, dask, zarr, xarray, or a nested list of numbers. Masked pixels of
        floats become NaN.

    Returns
    -------
    ArrayLike
        An array whose dtype is bool, an integer or a float of at most 8 bytes; no axis has length 0.

    Raises
    ------
    UserError
        If it is empty, or holds something other than real numbers or truth values.
    """
    if isinstance(data, str | os.PathLike):
        raise UserError(
            f"an image is an array, {str(data)!r} is a path; open the file first, or use the shell"
        )
    if isinstance(data, np.ma.MaskedArray):
        data = _without_mask(data)
    if not _is_array(data):
        if hasattr(data, "keys"):
            raise UserError(_several(data))
        try:
            data = np.asarray(data)
        except (ValueError, TypeError, RuntimeError) as error:
            raise UserError(f"an image is an array of numbers; got {type(data).__name__}: {error}") from error
    dtype = np.dtype(data.dtype)
    if dtype.kind == "c":
        raise UserError(
            f"complex values ({dtype}) have no brightness to upscale; "
            "take numpy.abs, .real or .imag of the image first"
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise UserError(
            f"an image of type {dtype} cannot be upscaled; "
            "convert it to bool, an integer type, float32 or float64 first"
        )
    if any(size != size for size in data.shape):  # NaN: dask does not know it yet
        raise UserError(
            f"the shape of the image is not known: {tuple(data.shape)}; "
            "call its compute_chunk_sizes() first, or compute() it"
        )
    if 0 in data.shape:
        raise UserError(f"the image is empty: its shape is {tuple(data.shape)}")
    array: ArrayLike = data
    return array


def _several(holder: Any) -> str:
    """What to say of a group of zarr or HDF5, a dataset of xarray, a dict."""
    names = [repr(str(name)) for name in islice(holder.keys(), 5)]
    inside = f"give one of what is in it, e.g. {', '.join(names)}" if names else "there is nothing in it"
    return f"an image is an array, and a {type(holder).__name__} holds several; {inside}"


def _without_mask(data: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """Masked pixels as NaN, which is kept and kept out of the network."""
    if not np.ma.is_masked(data):
        return np.asarray(data)
    if data.dtype.kind != "f":
        raise UserError(
            f"{data.dtype} has no value for masked pixels; convert the image to float32, "
            "or fill them with .filled(value)"
        )
    return np.asarray(data.filled(np.nan))


def _is_array(data: Any) -> bool:
    try:
        np.dtype(data.dtype)
    except (AttributeError, TypeError):  # a list; a tensor, whose types are not numpy's
        return False
    return hasattr(data, "shape") and hasattr(data, "__getitem__")


def read_block(array: ArrayLike, index: tuple[int | slice, ...]) -> NDArray[Any]:
    """Read a part of an array into memory.

    Parameters
    ----------
    array
        An array of any shape and dtype.
    index
        One place or slice for each axis, as numpy understands it.

    Returns
    -------
    NDArray
        The part, of the same dtype; axes of which one place is asked for are dropped.
    """
    return np.asarray(array[index])


def sample_values(
    array: ArrayLike,
    fixed: dict[int, int | slice],
    plane: tuple[int, int],
    *,
    search: bool = True,
    look: Callable[[], None] | None = None,
    skipped: list[Exception] | None = None,
) -> NDArray[Any]:
    """Values from which percentiles are taken, the same for any container.

    All of them up to :data:`WHOLE_SAMPLE`; of larger arrays those of :data:`SAMPLE_BLOCKS` square
    blocks spread evenly over planes and over each plane. If these have no contrast, the extremes
    of each of :data:`SEARCH_BLOCKS` more besides; if these have none either, those of
    :data:`LARGE_BLOCKS` large ones. What has no contrast then is taken for even.

    Parameters
    ----------
    array
        The array that is looked at, of any shape and real dtype.
    fixed
        Axes of which only one place or part counts, e.g. one channel, by their number.
    plane
        Numbers of the Y and the X axis.
    search
        Whether to look at large blocks where the others have no contrast; if not, their values are given as
        they are.
    look
        Called before each of the large blocks is read; it may stop the work by raising an error.
    skipped
        A list to which the errors of blocks that cannot be read are added; these blocks are left out. If it
        is None, or if no block can be read, the error is raised.

    Returns
    -------
    NDArray
        ``(values,)`` in the dtype of the array.
    """
    shape = [
        len(range(*fixed[axis].indices(size))) if isinstance(fixed.get(axis), slice)  # type: ignore[union-attr]
        else 1 if axis in fixed else size
        for axis, size in enumerate(array.shape)
    ]  # fmt: skip
    whole: tuple[int | slice, ...] = tuple(fixed.get(axis, slice(None)) for axis in range(len(shape)))
    if np.prod(shape, dtype=np.int64) <= WHOLE_SAMPLE:
        return _whole_values(array, whole, _Blocks(tuple(shape), fixed, plane, SAMPLE_SIDE), skipped)
    blocks = _Blocks(tuple(shape), fixed, plane, SAMPLE_SIDE)
    samples = _values(array, blocks.spread(SAMPLE_BLOCKS), skipped)
    if _have_contrast(samples):
        return samples
    # A few objects on a large even ground can lie between the samples.
    more = [_extremes(block) for block in _readable(array, blocks.spread(SEARCH_BLOCKS), skipped)]
    found = np.concatenate([samples, *more])
    if _have_contrast(found) or not search:
        return found
    large = _Blocks(tuple(shape), fixed, plane, LARGE_SIDE).spread(LARGE_BLOCKS)
    for block in _readable(array, large, skipped, look):
        more.append(_extremes(block))
    return np.concatenate([samples, *more])


def _whole_values(
    array: ArrayLike, whole: tuple[int | slice, ...], blocks: _Blocks, skipped: list[Exception] | None
) -> NDArray[Any]:
    """All values; block by block if they cannot be read together."""
    try:
        return read_block(array, whole).ravel()
    except Exception as error:
        if skipped is None or not _is_of_one_part(error):
            raise
    return _values(array, blocks.spread(blocks.count), skipped)


def _values(
    array: ArrayLike, places: Iterator[tuple[int | slice, ...]], skipped: list[Exception] | None
) -> NDArray[Any]:
    found = [block.ravel() for block in _readable(array, places, skipped)]
    if not found and skipped:
        raise skipped[-1]
    return np.concatenate(found)


def _readable(
    array: ArrayLike,
    places: Iterator[tuple[int | slice, ...]],
    skipped: list[Exception] | None,
    look: Callable[[], None] | None = None,
) -> Iterator[NDArray[Any]]:
    for place in places:
        if look is not None:
            look()
        try:
            block = read_block(array, place)
        except Exception as error:  # each container and codec has errors of its own
            if skipped is None or not _is_of_one_part(error):
                raise
            skipped.append(error)
        else:
            yield block


def _is_of_one_part(error: Exception) -> bool:
    """Whether other parts may be whole though one cannot be read."""
    return isinstance(error, UnreadablePart) or not isinstance(error, UserError | MemoryError)


def _have_contrast(samples: NDArray[Any]) -> bool:
    extremes = _extremes(samples)
    return extremes.size == 2 and bool(extremes[0] < extremes[1])


def _extremes(values: NDArray[Any]) -> NDArray[Any]:
    """The smallest and the largest finite value; nothing if there is none."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return np.array([finite.min(), finite.max()]) if finite.size else finite


@dataclass(frozen=True)
class _Blocks:
    """An array as square blocks of its planes, row by row, plane by plane; there may be billions."""

    shape: tuple[int, ...]
    """Shape of the part that counts: fixed axes have the length of their part."""
    fixed: dict[int, int | slice]
    plane: tuple[int, int]
    side: int

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along each axis."""
        return tuple(
            -(-size // self.side) if axis in self.plane else 1 if axis in self.fixed else size
            for axis, size in enumerate(self.shape)
        )

    @property
    def count(self) -> int:
        return math.prod(self.counts)

    def spread(self, most: int) -> Iterator[tuple[int | slice, ...]]:
        """Yield at most `most` of the blocks, spread evenly, each as an index of the array."""
        step = max(self.count / most, 1)
        for number in range(min(most, self.count)):
            yield self._place(int(number * step))

    def _place(self, number: int) -> tuple[int | slice, ...]:
        place: list[int | slice] = []
        for axis, at in enumerate(np.unravel_index(number, self.counts)):
            if axis in self.plane:
                place.append(slice(int(at) * self.side, (int(at) + 1) * self.side))
            else:
                place.append(self.fixed.get(axis, int(at)))
        return tuple(place)


def restore_dtype(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Bring results back to the dtype of the input: rounded for integers, clipped only to what it can hold.

    Parameters
    ----------
    values
        Results of any shape and a float dtype.
    dtype
        The dtype of the input: bool, an integer or a float.

    Returns
    -------
    NDArray
        The values in `dtype`, of the same shape. For bool, what is above 0.5 is true. Infinities stay.
    """
    if dtype.kind == "b":
        return values > 0.5
    if dtype.kind in "iu":
        return _rounded(values, dtype)
    if values.dtype == dtype:
        return values
    limits = np.finfo(dtype)
    # Infinities in the result are those of the input.
    return np.where(np.isinf(values), values, values.clip(limits.min, limits.max)).astype(dtype)


def integer_range(dtype: np.dtype[Any], working: np.dtype[Any]) -> tuple[float, float]:
    """The smallest and the largest number of an integer type that a float type can hold.

    The largest 64-bit integers are no float64, nor the largest of 32 bits float32: the next smaller one is.
    """
    info = np.iinfo(dtype)
    highest = working.type(info.max)
    if int(highest) > info.max:
        highest = np.nextafter(highest, working.type(0))
    return float(info.min), float(highest)


def _rounded(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values rounded, clipped and cast, so many at a time that they stay in the processor's cache."""
    result = np.empty(values.shape, dtype)
    lowest, highest = map(values.dtype.type, integer_range(dtype, values.dtype))
    source, target = values.reshape(-1), result.reshape(-1)
    for start in range(0, len(source), _CACHED_VALUES):
        block = np.rint(source[start : start + _CACHED_VALUES])
        target[start : start + _CACHED_VALUES] = np.clip(block, lowest, highest, out=block)
    return result
