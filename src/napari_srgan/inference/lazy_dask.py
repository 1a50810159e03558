"""A lazy result as a dask array, of which parts are as cheap as they are small.

dask looks at the names of all chunks of an array whenever a part of it is computed: a tenth of a second
for the 150,000 tiles of a slide, minutes for a movie of them. So taking a part here makes an
array of only the tiles that it touches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from napari_srgan.images.indexing import Part, part_of
from napari_srgan.images.lazy_array import LazyArray, LazyWindow

TileSizes = Callable[[Part], tuple[tuple[int, ...], ...]]
"""Tells how much of a part lies in each tile, along every axis."""


class TileArray(da.Array):
    """A dask array whose chunks are tiles."""

    __slots__ = ("part", "taken")
    part: Part
    taken: Callable[[Part], da.Array]

    def __getitem__(self, key: Any) -> da.Array:
        try:
            part = self.part.within(key)
        except IndexError:  # lists, masks, new axes, backwards; or outside, which dask says in its words
            other: da.Array = super().__getitem__(key)  # type: ignore[no-untyped-call]
            return other
        return self.taken(part)


def tile_array(whole: LazyArray, tile_sizes: TileSizes, name: str, part: Part | None = None) -> da.Array:
    """A lazy array as a dask array; nothing is read.

    Parameters
    ----------
    whole
        The array.
    tile_sizes
        The tiles that it is read in.
    name
        Its name in dask.
    part
        The part of it that is seen; all of it by default.
    """
    part = part_of(..., whole.shape) if part is None else part
    window = LazyWindow(whole, part)
    chunks = tuple(along for axis, along in enumerate(tile_sizes(part)) if axis not in part.dropped)
    nothing = np.empty((0,) * window.ndim, window.dtype)
    # The same name for the same part, so that dask computes it once.
    own = f"{name}-{hash(part) % 2**64:016x}"
    array = da.from_array(window, chunks, name=own, meta=nothing, fancy=False)
    tiles = TileArray(array.dask, own, array.chunks, meta=nothing)  # type: ignore[no-untyped-call]
    tiles.part, tiles.taken = part, partial(tile_array, whole, tile_sizes, name)
    return tiles
