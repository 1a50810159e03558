"""A large image from afar, read in blocks where it is looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part, part_of
from napari_srgan.inference.devices.cancellation import Cancelled, Watch

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


class Overview:
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
        self._array = array
        self._y = y
        self._step = step
        self._side = SUBSAMPLED_BLOCK // step
        height, width = (len(range(step // 2, size, step)) for size in array.shape[y : y + 2])
        self.shape: tuple[int, ...] = (*array.shape[:y], height, width, *array.shape[y + 2 :])
        self.dtype = np.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self._blocks: OrderedDict[BlockPlace, NDArray[Any]] = OrderedDict()
        self._changing = threading.Lock()

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part, whatever is kept."""
        part = part_of(key, self.shape)
        return part.answer(self._read(part.ranges))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Make an array of the whole overview; every block of the image is read."""
        return np.asarray(self[...], dtype)

    def peek(self, key: Any) -> tuple[NDArray[Any], bool]:
        """Get a part without waiting: what was read already, and 0 elsewhere.

        Parameters
        ----------
        key
            An index of the overview, as numpy understands it.

        Returns
        -------
        pixels, complete
            The part in the shape of the index and the dtype of the image, and whether all of it was read.
        """
        part = part_of(key, self.shape)
        spans = _spans(part)
        pixels = np.zeros([len(span) for span in spans], self.dtype)
        blocks = self._blocks_of(spans)
        with self._changing:
            kept = {block: self._blocks[block] for block in blocks if block in self._blocks}
        for block, values in kept.items():
            self._put(pixels, spans, block, values)
        stepped = pixels[tuple(slice(None, None, along.step) for along in part.ranges)]
        return part.answer(stepped), len(kept) == len(blocks)

    def missing(self, key: Any) -> list[BlockPlace]:
        """Blocks of that part that were not read, nearest the middle first."""
        spans = _spans(part_of(key, self.shape))
        y, x = ((span.start + span.stop) / 2 / self._side - 0.5 for span in spans[self._y : self._y + 2])
        missing = (block for block in self._blocks_of(spans) if block not in self._blocks)
        return sorted(missing, key=lambda block: (block.y - y) ** 2 + (block.x - x) ** 2)

    def compute(self, place: BlockPlace, watch: Watch | None = None) -> None:
        """Read a block, unless the watch was cancelled before."""
        if watch is not None and watch.cancelled:
            raise Cancelled
        sizes = self.shape[self._y : self._y + 2]
        inside = (
            range(at * self._side, min((at + 1) * self._side, size))
            for at, size in zip((place.y, place.x), sizes, strict=True)
        )
        plane = (range(at, at + 1) for at in place.plane)
        samples = (range(size) for size in self.shape[self._y + 2 :])
        pixels = self._read((*plane, *inside, *samples))
        with self._changing:
            self._blocks[place] = pixels
            while sum(kept.nbytes for kept in self._blocks.values()) > KEPT and len(self._blocks) > 1:
                self._blocks.popitem(last=False)

    def _read(self, places: Sequence[range]) -> NDArray[Any]:
        """Read places of the overview from the image."""
        step = self._step
        key = [slice(along.start, along.stop, along.step) for along in places]
        for axis in (self._y, self._y + 1):
            along = places[axis]
            start, last = (step // 2 + at * step for at in (along.start, along.stop - 1))
            key[axis] = slice(start, last + 1, along.step * step)
        return np.asarray(self._array[tuple(key)])

    def _blocks_of(self, spans: Sequence[range]) -> list[BlockPlace]:
        planes = product(*spans[: self._y])
        y, x = (
            range(span.start // self._side, -(-span.stop // self._side))
            for span in spans[self._y : self._y + 2]
        )
        return [BlockPlace(plane, row, column) for plane, row, column in product(planes, y, x)]

    def _put(
        self, pixels: NDArray[Any], spans: Sequence[range], block: BlockPlace, kept: NDArray[Any]
    ) -> None:
        """Put the pixels of a block where they belong in a part."""
        to = [
            slice(at - span.start, at - span.start + 1) for at, span in zip(block.plane, spans, strict=False)
        ]
        of = [slice(None)] * len(to)
        for axis, number in enumerate((block.y, block.x), self._y):
            at, span = number * self._side, spans[axis]
            start, stop = max(at, span.start), min(at + kept.shape[axis], span.stop)
            to.append(slice(start - span.start, stop - span.start))
            of.append(slice(start - at, stop - at))
        of += [slice(span.start, span.stop) for span in spans[self._y + 2 :]]
        pixels[tuple(to)] = kept[tuple(of)]


def _spans(part: Part) -> list[range]:
    """All places from the first to the last, along each axis."""
    return [range(along.start, along[-1] + 1) if along else along for along in part.ranges]
