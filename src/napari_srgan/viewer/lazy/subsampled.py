"""A large image from afar, read in blocks where it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part, common_box, part_of
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.inference.devices.cancellation import Cancelled, Watch
from napari_srgan.inference.tiles.cache import TileCache

SUBSAMPLED_BLOCK = 4096
"""Pixels of the image along Y and X that are read in one go."""
KEPT = 2**28
"""Bytes of blocks that are kept."""


@dataclass(frozen=True)
class BlockPlace:
    """Where a block lies: its plane, and its number along Y and X."""

    plane: tuple[int, ...]
    y: int
    x: int


class Overview(LazyArray):
    """Every so many-th pixel of an image along Y and X.

    Each pixel of it costs a read of the chunk it is in: an image without coarser levels of its own is read
    whole when all of it is looked at. So blocks are read one by one, and kept.

    Parameters
    ----------
    array
        ``(..., Y, X[, S])``.
    y
        Number of the Y axis; the X axis follows.
    step
        Number of pixels of the image that become one along Y and X: a power of two up to
        :data:`SUBSAMPLED_BLOCK`.
    """

    def __init__(self, array: Any, y: int, step: int) -> None:
        height, width = (len(range(step // 2, size, step)) for size in array.shape[y : y + 2])
        super().__init__((*array.shape[:y], height, width, *array.shape[y + 2 :]), np.dtype(array.dtype))
        self._array = array
        self._y = y
        self._step = step
        self._side = SUBSAMPLED_BLOCK // step
        self._blocks = TileCache(KEPT)

    def read(self, part: Part) -> NDArray[Any]:
        """See :class:`LazyArray`; what is kept is read again."""
        step = self._step
        key = list(part.slices)
        for axis in (self._y, self._y + 1):
            along = part.ranges[axis]
            first, last = (step // 2 + at * step for at in (along[0], along[-1]))
            key[axis] = slice(first, last + 1, along.step * step)
        return part.answer(np.asarray(self._array[tuple(key)]))

    def peek(self, key: Any, *, alike: bool = False) -> tuple[NDArray[Any], bool]:  # noqa: ARG002
        """Get a part without waiting: what was read already, and 0 elsewhere.

        Parameters
        ----------
        key
            An index of the overview, as numpy understands it.
        alike
            Makes no difference: what was not read yet is black, and taken for nothing else.

        Returns
        -------
        pixels, complete
            The part in the shape of the index and the dtype of the image, and whether all of it was read.
        """
        part = part_of(key, self.shape)
        pixels = np.zeros([along.stop - along.start for along in part.box], self.dtype)
        kept = [(block, self._blocks.peek(block)) for block in self._blocks_of(part.box)]
        for block, values in kept:
            if values is not None:
                into, of = common_box(part.box, self._box(block))
                pixels[into] = values[of]
        return part.answer(pixels[part.steps]), all(values is not None for _, values in kept)

    def missing(self, key: Any) -> list[BlockPlace]:
        """Blocks of that part that were not read, nearest the middle first."""
        box = part_of(key, self.shape).box
        y, x = ((along.start + along.stop) / 2 / self._side - 0.5 for along in box[self._y : self._y + 2])
        missing = (block for block in self._blocks_of(box) if block not in self._blocks)
        return sorted(missing, key=lambda block: (block.y - y) ** 2 + (block.x - x) ** 2)

    def compute(self, place: BlockPlace, watch: Watch | None = None) -> None:
        """Read a block, unless the watch was cancelled before."""
        if watch is not None and watch.cancelled:
            raise Cancelled
        self._blocks.get(place, lambda: self[self._box(place)], lambda pixels: pixels.nbytes, watch)

    def _blocks_of(self, box: Sequence[slice]) -> list[BlockPlace]:
        planes = product(*(range(along.start, along.stop) for along in box[: self._y]))
        y, x = (
            range(along.start // self._side, -(-along.stop // self._side))
            for along in box[self._y : self._y + 2]
        )
        return [BlockPlace(plane, row, column) for plane, row, column in product(planes, y, x)]

    def _box(self, block: BlockPlace) -> tuple[slice, ...]:
        rows, columns = (
            slice(at * self._side, min((at + 1) * self._side, size))
            for at, size in zip((block.y, block.x), self.shape[self._y :], strict=False)
        )
        samples = (slice(0, size) for size in self.shape[self._y + 2 :])
        return (*(slice(at, at + 1) for at in block.plane), rows, columns, *samples)
