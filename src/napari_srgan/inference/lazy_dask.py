"""A lazy result as a dask array, of which parts are as cheap as they are small.

dask looks at the names of all chunks of an array whenever a part of it is computed: a tenth of a second
for the 150,000 tiles of a slide, minutes for a movie of them. So taking a part here makes an
array of only the tiles that it touches.
"""

from __future__ import annotations

from typing import Any, Protocol

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part


class Readable(Protocol):
    """What is computed where it is read."""

    @property
    def dtype(self) -> np.dtype[Any]: ...
    def read(self, part: Part) -> NDArray[Any]: ...
    def tile_sizes(self, part: Part) -> tuple[tuple[int, ...], ...]:
        """How much of a part lies in each tile, along every axis."""


class LazyWindow:
    """A part of a lazy result that can be read in parts itself.

    Parameters
    ----------
    whole
        The result.
    part
        The part that is shown; dropped axes are left out.
    name
        Name of the result in dask.
    """

    def __init__(self, whole: Readable, part: Part, name: str) -> None:
        self.whole = whole
        self.part = part
        self.name = name
        self.shape = part.answer_shape
        self.dtype = whole.dtype
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return self.whole.read(self.part.within(key))


class TileArray(da.Array):
    """A dask array whose chunks are tiles."""

    __slots__ = ("window",)
    window: LazyWindow

    def __getitem__(self, key: Any) -> da.Array:
        try:
            part = self.window.part.within(key)
        except IndexError:  # lists, masks, new axes, backwards; or outside, which dask says in its words
            other: da.Array = super().__getitem__(key)  # type: ignore[no-untyped-call]
            return other
        return tile_array(LazyWindow(self.window.whole, part, self.window.name))


def tile_array(window: LazyWindow) -> da.Array:
    """A part of a lazy result as a dask array; nothing is computed."""
    sizes = window.whole.tile_sizes(window.part)
    chunks = tuple(along for axis, along in enumerate(sizes) if axis not in window.part.dropped)
    nothing = np.empty((0,) * window.ndim, window.dtype)
    # The same name for the same part, so that dask computes it once.
    name = f"{window.name}-{hash(window.part) % 2**64:016x}"
    array = da.from_array(window, chunks, name=name, meta=nothing, fancy=False)
    tiles = TileArray(array.dask, name, array.chunks, meta=nothing)  # type: ignore[no-untyped-call]
    tiles.window = window
    return tiles
