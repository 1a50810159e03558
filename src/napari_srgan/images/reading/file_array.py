"""An array in a file or on a server, that may turn out to be damaged when it is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_srgan.errors import UserError, threads_told, words_of
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.lazy_array import BoxArray
from napari_srgan.images.reading.chunk_cache import ChunkCache

LOOKED_THROUGH = 1000
"""Chunks that are read one by one to name the one that is damaged."""


class FileArray(BoxArray):
    """An array in a file; its chunks that were read last are kept.

    Values come in the byte order of this machine.

    Parameters
    ----------
    array
        An array of numpy or zarr, or anything that is read by slices.
    name
        Name of the file, for messages.
    axes
        One letter for each axis of this array.
    order
        For each axis of this array, the number of that axis in `array`; the same order by default.
    """

    def __init__(self, array: Any, name: str, axes: str, order: tuple[int, ...] | None = None) -> None:
        self.order = tuple(range(array.ndim)) if order is None else order
        super().__init__([array.shape[axis] for axis in self.order], np.dtype(array.dtype).newbyteorder("="))
        self.array = array
        self.name = name
        self._axes = axes
        self._cache = self._cached()

    def _cached(self) -> ChunkCache | None:
        chunks = getattr(self.array, "chunks", None)
        if chunks is None or 0 in self.shape or len(self.shape) < 2:
            return None
        plane = [self.order[self._axes.index(letter)] for letter in "YX" if letter in self._axes]
        # Not a method of ours: whoever refers to itself stays in memory for longer than it is wanted.
        return ChunkCache(partial(_load, self.array, self.dtype), self.array.shape, self.dtype, chunks, plane)

    def transposed(self, order: tuple[int, ...], axes: str) -> FileArray:
        """The same array with its axes in another order, and other letters for them."""
        return FileArray(self.array, self.name, axes, tuple(self.order[axis] for axis in order))

    def stop(self) -> None:
        """End what is waited for, on other threads."""
        stop = getattr(getattr(self.array, "store", None), "stop", None)
        if stop is not None:
            stop()

    def __reduce__(self) -> tuple[Any, ...]:
        return FileArray, (self.array, self.name, self._axes, self.order)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if isinstance(self.array, np.ndarray):  # without a copy
            return np.asarray(self.array.transpose(self.order)[key]).astype(self.dtype, copy=False)
        return super().__getitem__(key)

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        of = dict(zip(self.order, box, strict=True))
        stored = tuple(of[axis] for axis in range(self.ndim))
        try:
            with threads_told():
                pixels = self._cache(stored) if self._cache else _load(self.array, self.dtype, stored)
        except (MemoryError, KeyboardInterrupt, UserError):
            raise
        except Exception as error:  # each codec has errors of its own
            raise unreadable(self._damaged_in(stored), error) from error
        return pixels.transpose(self.order)

    def _damaged_in(self, box: tuple[slice, ...]) -> str:
        """Name of the first chunk of a box that cannot be read, if there is such a name."""
        if not isinstance(self.array, zarr.Array) or not hasattr(self.array.metadata, "encode_chunk_key"):
            return self.name
        files = self.array.shards or self.array.chunks
        places = [range(s.start // size, -(-s.stop // size)) for s, size in zip(box, files, strict=True)]
        if math.prod(map(len, places)) > LOOKED_THROUGH:
            return self.name
        return next(self._that_fail(files, product(*places)), self.name)

    def _that_fail(self, files: tuple[int, ...], places: Iterator[tuple[int, ...]]) -> Iterator[str]:
        for place in places:
            try:
                _ = self.array[tuple(slice(at * s, (at + 1) * s) for at, s in zip(place, files, strict=True))]
            except UserError:
                raise
            except Exception:
                key = self.array.metadata.encode_chunk_key(place)
                yield f"chunk {'/'.join(filter(None, (self.array.path, key)))} of {self.name}"


def _load(array: Any, dtype: np.dtype[Any], box: tuple[slice, ...]) -> NDArray[Any]:
    return np.asarray(array[box]).astype(dtype, copy=False)


_UNSUPPORTED = (
    "not supported",
    "unsupported",
    "not implemented",
    "not available",
    "unknown codec",
    "no codec",
)
"""What libraries say of files that are whole, and that they cannot read."""


def unreadable(name: str, error: Exception) -> Exception:
    """What to say of a file that a library did not read: it is damaged, or of a kind that is not supported.

    An error of our own says nothing about the file and is given back as it is.

    Parameters
    ----------
    name
        Name of the file, or of a part of it.
    error
        The error as the library raised it.
    """
    words = str(error)
    if isinstance(error, NotImplementedError) or any(told in words.lower() for told in _UNSUPPORTED):
        return unsupported(name, words_of(error))
    return error if _is_ours(error) else damaged(name, error)


def unsupported(name: str, reason: str) -> UnreadablePart:
    """What to say of a file that is whole, and stored in a way that cannot be read here."""
    return UnreadablePart(
        f"{name} is stored in a way that cannot be read here ({reason}); save it in another way, e.g. as "
        "OME-TIFF without compression, in the program it comes from"
    )


def _is_ours(error: Exception) -> bool:
    """Whether an error of programming was raised in this package, and not in what it called."""
    if not isinstance(error, TypeError | AttributeError | NameError | IndexError | AssertionError):
        return False
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and str(at.tb_frame.f_globals.get("__name__", "")).startswith("napari_srgan.")


def damaged(name: str, error: object) -> UnreadablePart:
    """What to say of a file that cannot be read to its end."""
    words = str(error).strip().splitlines()
    reason = f" ({words[0].rstrip('.')})" if words else ""
    return UnreadablePart(f"{name} is damaged or cut off{reason}; get the file again from where it was made")
