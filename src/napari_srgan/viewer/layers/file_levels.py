"""A result in a file that is no zarr, as dask arrays; it stays open for as long as they are wanted."""

from __future__ import annotations

import weakref
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.indexing import Part
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.inference.lazy_dask import tile_array
from napari_srgan.viewer.layers.stored_levels import StoredLevels, block_sizes


def open_file_levels(path: Path, axes: str, made: dict[str, Any]) -> StoredLevels:
    """Open a result that was just written; only what is small is read.

    Parameters
    ----------
    path
        A TIFF, a picture or a video.
    axes
        One letter for each axis of the image that was upscaled. The file may call them otherwise, if nobody
        has named them.
    made
        How it was made.

    Raises
    ------
    UserError
        If its axes are not those of the image.
    """
    stored = open_image(path, axes)
    try:
        order = _order(stored, axes)
    except UserError:
        stored.close()
        raise
    held = _Open(stored)
    levels = []
    for array in (stored.data, *stored.coarser):
        kept = _HeldArray(array.transposed(order, axes), held)
        levels.append(tile_array(kept, partial(block_sizes, axes), f"file-{uuid4().hex}"))
    spacings = tuple(stored.spacings[at] for at in order)
    return StoredLevels(path, levels, axes, spacings, stored.look, made, None)


def _order(stored: StoredImage, axes: str) -> tuple[int, ...]:
    """Give for each axis of the image that was upscaled its place in the file."""
    if len(stored.axes) != len(axes):
        raise UserError(
            f"{stored.path} is written, with axes {stored.axes!r} in place of {axes!r}; look at it with "
            "napari's own File > Open"
        )
    if sorted(stored.axes) != sorted(axes) or len(set(axes)) < len(axes):  # of the same order, by other names
        return tuple(range(len(axes)))
    return tuple(stored.axes.index(letter) for letter in axes)


class _Open:
    """A file that is closed when nobody holds this any more."""

    def __init__(self, stored: StoredImage) -> None:
        weakref.finalize(self, stored.close)


class _HeldArray(LazyArray):
    """An array in a file that stays open for it."""

    def __init__(self, array: FileArray, held: _Open) -> None:
        super().__init__(array.shape, array.dtype)
        self._array = array
        self._held = held

    def read(self, part: Part) -> NDArray[Any]:
        return np.asarray(self._array.read(part))
