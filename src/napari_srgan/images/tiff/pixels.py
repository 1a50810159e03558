"""The pixels of a TIFF as an array of which parts are read; nothing large is read whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.lazy_array import BoxArray
from napari_srgan.images.reading.chunk_cache import BUDGET
from napari_srgan.images.reading.limits import free_memory

READ_AT_ONCE = 2**28
"""Bytes up to which an image is read whole: quicker than part by part."""


class NoPixels(BoxArray):
    """The shape and the type of an image of which no pixel is wanted."""

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        raise ValueError(f"opened without pixels; {box} was asked for")


def level_array(path: Path, series: tifffile.TiffPageSeries, level: int = 0) -> Any:
    """A resolution level of a series.

    Parameters
    ----------
    path
        The file.
    series
        A series of the open file.
    level
        Number of the level; 0 is the finest.

    Returns
    -------
    array
        Something with ``shape``, ``dtype`` and maybe ``chunks``, in the axes of the series, that is read by
        slices; a numpy array if it is small or cannot be read in parts.

    Raises
    ------
    UserError
        If it can only be read whole, and memory does not suffice for that.
    """
    of = series.levels[level]
    if of.nbytes <= READ_AT_ONCE and level == 0:
        return of.asarray()
    if (offsets := _offsets(of)) is not None:
        pixels = PlainPixels(path, tuple(of.shape), _stored_dtype(of), offsets, len(of.keyframe.shape))
        if math.prod(pixels.shape[: pixels.ndim - pixels.page_ndim]) == len(offsets):
            return pixels
    array = zarr.open(series.aszarr(level=level), mode="r")
    assert isinstance(array, zarr.Array)
    if math.prod(array.chunks) * array.dtype.itemsize > BUDGET:
        return _whole(path, of)
    return array


def _offsets(series: tifffile.TiffPageSeries) -> tuple[int, ...] | None:
    """Where the pixels of each page begin, if they lie there plainly, row by row."""
    if not series.keyframe.is_memmappable:
        return None
    if series.dataoffset is not None:
        size = math.prod(series.keyframe.shape) * series.dtype.itemsize
        return tuple(range(series.dataoffset, series.dataoffset + series.nbytes, size))
    own = series.keyframe.parent
    if any(page is None or page.parent is not own or not page.dataoffsets for page in series.pages):
        return None
    return tuple(page.dataoffsets[0] for page in series.pages if page is not None)


def _stored_dtype(series: tifffile.TiffPageSeries) -> np.dtype[Any]:
    order: Any = series.keyframe.parent.byteorder
    return np.dtype(series.dtype).newbyteorder(order)


def _whole(path: Path, series: tifffile.TiffPageSeries) -> NDArray[Any]:
    """An image whose compressed pieces are too large to be read again and again."""
    free = free_memory()
    if series.nbytes * 3 > free:
        raise UserError(
            f"{path.name} is compressed in one piece, of which no part can be read alone: that needs "
            f"{series.nbytes * 3 / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} are free; save it in "
            "tiles (in Fiji: Bio-Formats Exporter) or as OME-Zarr first"
        )
    return np.asarray(series.asarray())


class PlainPixels(BoxArray):
    """Pixels that are not compressed.

    They are read, not mapped: of a mapped file that becomes shorter the process would die, and what was
    looked at would count as its memory.

    Parameters
    ----------
    path
        The file.
    shape, dtype
        Shape of the array, and dtype in the byte order of the file.
    offsets
        Where in the file the first byte of each page is.
    page_ndim
        Number of axes of a page: the last ones.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        offsets: tuple[int, ...],
        page_ndim: int,
    ) -> None:
        super().__init__(shape, dtype)
        self.path = path
        self.offsets = offsets
        self.page_ndim = page_ndim

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        result = np.empty([part.stop - part.start for part in box], self.dtype)
        lead = self.ndim - self.page_ndim
        pages = np.arange(len(self.offsets)).reshape(self.shape[:lead])[box[:lead]]
        with self.path.open("rb", buffering=4096) as file:  # rows are short, and far from each other
            for at, page in np.ndenumerate(pages):
                self._read_page(file, self.offsets[int(page)], box[lead:], result[at])
        return result

    def _read_page(self, file: Any, offset: int, box: Sequence[slice], into: NDArray[Any]) -> None:
        """Read what lies in one piece in the file together: whole rows, or the wanted part of each row."""
        shape = self.shape[self.ndim - self.page_ndim :]
        # The last axes that are wanted whole lie in one piece with the axis before them.
        last = len(shape) - 1
        while last > 0 and (box[last].start, box[last].stop) == (0, shape[last]):
            last -= 1
        strides = [math.prod(shape[axis + 1 :]) * self.dtype.itemsize for axis in range(len(shape))]
        for at in np.ndindex(*(part.stop - part.start for part in box[:last])):
            place = offset + sum((part.start + n) * s for part, n, s in zip(box, at, strides, strict=False))
            run = into[at]  # contiguous: `into` is
            file.seek(place + box[last].start * strides[last])
            if file.readinto(run.view(np.uint8)) < run.nbytes:
                raise EOFError("it ends before its last plane")
