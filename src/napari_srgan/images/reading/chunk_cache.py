"""Chunks of an array that were read last, kept for the neighbours that want them too."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from itertools import count, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import SourceGone
from napari_srgan.images.indexing import common_box
from napari_srgan.images.reading.block_cache import BlockCache, Claim
from napari_srgan.images.reading.own_pages import copy_to_own_pages

BUDGET = 2**29
"""Number of bytes for the chunks of all arrays together."""
SIDE = 256
"""Side up to about which smaller chunks are read and kept together."""

Box = tuple[slice, ...]
ChunkIndex = tuple[int, ...]
ChunkKey = tuple[int, ChunkIndex]
"""The number of an array, and the number of a chunk of it along each axis."""

SHARED: BlockCache[ChunkKey] = BlockCache(BUDGET)
_OWNERS = count()


class ChunkCache:
    """Reads boxes of an array in whole units of chunks; on several threads at once.

    A tile needs a strip of its neighbours around it. Without a cache a chunk would be read, and
    decoded, for each of them; one row of a TIFF in strips even for every tile along it.

    Parameters
    ----------
    read
        A function that reads a box of the array.
    shape, dtype
        Shape and dtype of the array.
    chunks
        Size of its chunks along each axis.
    plane
        Numbers of the axes along which small chunks are taken together.
    memory
        The memory in which chunks are kept.
    """

    def __init__(
        self,
        read: Callable[[Box], NDArray[Any]],
        shape: Sequence[int],
        dtype: np.dtype[Any],
        chunks: Sequence[int],
        plane: Sequence[int],
        memory: BlockCache[ChunkKey] = SHARED,
    ) -> None:
        self._read = read
        self._shape = tuple(shape)
        self._dtype = dtype
        self._unit = tuple(
            min(max(size, 1), chunk * max(SIDE // chunk, 1)) if axis in plane else min(max(size, 1), chunk)
            for axis, (size, chunk) in enumerate(zip(shape, chunks, strict=True))
        )
        self._bytes = math.prod(self._unit) * dtype.itemsize
        self._memory = memory
        self._owner = next(_OWNERS)
        weakref.finalize(self, _forget, memory, self._owner)

    def __call__(self, box: Box) -> NDArray[Any]:
        """Read a box.

        Parameters
        ----------
        box
            A slice for each axis, with a start, a stop and no step.

        Returns
        -------
        NDArray
            The box, in the dtype of the array; its shape is that of the slices.
        """
        places = [
            range(part.start // unit, -(-part.stop // unit))
            for part, unit in zip(box, self._unit, strict=True)
        ]
        if math.prod(map(len, places)) * self._bytes > self._memory.budget:
            return self._read(box)
        claim = self._memory.claim((self._owner, unit) for unit in product(*places))
        try:
            found = claim.kept | (self._fetch(claim) if claim.ours else {})
            found |= {key: coming.result() for key, coming in claim.coming.items()}
        except SourceGone:
            raise
        except Exception:
            # What is asked for may be whole though a chunk beside it is not.
            return self._read(box)
        return self._put_together(box, found)

    def _fetch(self, claim: Claim[ChunkKey]) -> dict[ChunkKey, NDArray[Any]]:
        """Read units in one go, as the box around them, so that servers are asked for many chunks at once."""
        try:
            found = self._read_units([unit for _, unit in claim.ours])
        except BaseException as error:
            self._memory.fail(claim, error)
            raise
        by_key = dict(zip(claim.ours, found, strict=True))
        self._memory.settle(claim, {key: (pixels, pixels.nbytes) for key, pixels in by_key.items()})
        return by_key

    def _read_units(self, units: Sequence[ChunkIndex]) -> list[NDArray[Any]]:
        boxes = [self._box(unit) for unit in units]
        around = tuple(
            slice(min(part.start for part in along), max(part.stop for part in along))
            for along in zip(*boxes, strict=True)
        )
        pixels = self._read(around)
        return [copy_to_own_pages(np.ascontiguousarray(pixels[common_box(around, box)[0]])) for box in boxes]

    def _box(self, unit: ChunkIndex) -> Box:
        return tuple(
            slice(place * side, min((place + 1) * side, size))
            for place, side, size in zip(unit, self._unit, self._shape, strict=True)
        )

    def _put_together(self, box: Box, units: Mapping[ChunkKey, NDArray[Any]]) -> NDArray[Any]:
        result = np.empty([part.stop - part.start for part in box], self._dtype)
        for (_, unit), pixels in units.items():
            into, of = common_box(box, self._box(unit))
            result[into] = pixels[of]
        return result


def _forget(memory: BlockCache[ChunkKey], owner: int) -> None:
    """Give back the memory of one array."""
    memory.drop_all(lambda key: key[0] == owner)
