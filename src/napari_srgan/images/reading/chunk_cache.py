"""Chunks of an array that were read last, kept for the neighbours that want them too."""

from __future__ import annotations

import math
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import SourceGone
from napari_srgan.images.reading.own_pages import copy_to_own_pages

BUDGET = 2**29
"""Number of bytes for the chunks of all arrays together."""
SIDE = 256
"""Side up to about which smaller chunks are read and kept together."""

Box = tuple[slice, ...]
ChunkIndex = tuple[int, ...]


class ChunkMemory:
    """Chunks of any number of arrays; those that were wanted last are kept, within a budget."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.lock = threading.RLock()
        self._kept: OrderedDict[tuple[int, ChunkIndex], NDArray[Any]] = OrderedDict()
        self._bytes = 0

    def get(self, owner: int, unit: ChunkIndex) -> NDArray[Any] | None:
        """Get a chunk, if it is kept.

        Parameters
        ----------
        owner
            Number of the array that it belongs to.
        unit
            Place of the chunk: its number along each axis.

        Returns
        -------
        NDArray or None
            The chunk in the shape and dtype in which it was put there; None if it is not kept.
        """
        with self.lock:
            found = self._kept.get((owner, unit))
            if found is not None:
                self._kept.move_to_end((owner, unit))
            return found

    def put(self, owner: int, unit: ChunkIndex, pixels: NDArray[Any]) -> None:
        """Keep a chunk; those that nobody wanted for longest give way.

        Parameters
        ----------
        owner
            Number of the array that it belongs to.
        unit
            Place of the chunk: its number along each axis.
        pixels
            The chunk, of any shape and dtype.
        """
        with self.lock:
            before = self._kept.pop((owner, unit), None)
            self._bytes += pixels.nbytes - (0 if before is None else before.nbytes)
            self._kept[owner, unit] = pixels
            while self._bytes > self.budget:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes

    def forget(self, owner: int) -> None:
        """Give back the memory of one array."""
        with self.lock:
            for key in [key for key in self._kept if key[0] == owner]:
                self._bytes -= self._kept.pop(key).nbytes


SHARED = ChunkMemory()
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
        memory: ChunkMemory = SHARED,
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
        weakref.finalize(self, memory.forget, self._owner)
        self._coming: dict[ChunkIndex, Future[NDArray[Any]]] = {}

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
        units = list(product(*places))
        have, waiting, mine = self._claim(units)
        if mine:
            try:
                have |= self._fetch(mine)
            except SourceGone:
                raise
            except Exception:
                # What is asked for may be whole though a chunk beside it is not.
                return self._read(box)
        try:
            have |= {unit: coming.result() for unit, coming in waiting.items()}
        except SourceGone:
            raise
        except Exception:
            return self._read(box)
        return self._put_together(box, have)

    def _claim(
        self, units: list[ChunkIndex]
    ) -> tuple[dict[ChunkIndex, NDArray[Any]], dict[ChunkIndex, Future[NDArray[Any]]], list[ChunkIndex]]:
        """Split chunks into those that are there, those that others are reading, and those that are ours to
        read."""
        have, waiting, mine = {}, {}, []
        with self._memory.lock:
            for unit in units:
                kept = self._memory.get(self._owner, unit)
                if kept is not None:
                    have[unit] = kept
                elif unit in self._coming:
                    waiting[unit] = self._coming[unit]
                else:
                    self._coming[unit] = Future()
                    mine.append(unit)
        return have, waiting, mine

    def _fetch(self, units: list[ChunkIndex]) -> dict[ChunkIndex, NDArray[Any]]:
        """Read units in one go, as the box around them, so that servers are asked for many chunks at once."""
        try:
            around = tuple(
                slice(self._span(min(along), axis).start, self._span(max(along), axis).stop)
                for axis, along in enumerate(zip(*units, strict=True))
            )
            pixels = self._read(around)
            found = {}
            for unit in units:
                spans = [self._span(place, axis) for axis, place in enumerate(unit)]
                inside = tuple(
                    slice(span.start - whole.start, span.stop - whole.start)
                    for span, whole in zip(spans, around, strict=True)
                )
                found[unit] = copy_to_own_pages(np.ascontiguousarray(pixels[inside]))
        except BaseException as error:
            with self._memory.lock:
                for unit in units:
                    self._coming.pop(unit).set_exception(error)
            raise
        with self._memory.lock:
            for unit, part in found.items():
                self._memory.put(self._owner, unit, part)
                self._coming.pop(unit).set_result(part)
        return found

    def _span(self, place: int, axis: int) -> slice:
        start = place * self._unit[axis]
        return slice(start, min(start + self._unit[axis], self._shape[axis]))

    def _put_together(self, box: Box, units: dict[ChunkIndex, NDArray[Any]]) -> NDArray[Any]:
        result = np.empty([part.stop - part.start for part in box], self._dtype)
        for unit, pixels in units.items():
            into, of = [], []
            for axis, part in enumerate(box):
                span = self._span(unit[axis], axis)
                start, stop = max(part.start, span.start), min(part.stop, span.stop)
                into.append(slice(start - part.start, stop - part.start))
                of.append(slice(start - span.start, stop - span.start))
            result[tuple(into)] = pixels[tuple(of)]
        return result

    def forget(self) -> None:
        """Give back the memory."""
        self._memory.forget(self._owner)
