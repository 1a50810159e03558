"""The input as workers get it: opened by each itself, or sent to them."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, read_block
from napari_srgan.images.formats import open_image
from napari_srgan.images.image import Image, Origin
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.synchronous_dask import readable_here

MOST_SENT = 2**28
"""Bytes of an array in memory that is sent to workers."""
_SAMPLE_SIDE, SAMPLE_PLACES = 32, 8
"""Pixels along each side of what is compared, and places along each axis where it may lie."""


@dataclass(frozen=True)
class FileSource:
    """An image that every worker opens itself."""

    origin: Origin

    def open(self) -> tuple[ArrayLike, Callable[[], None]]:
        """The array, and what raises UserError if it has disappeared."""
        image: StoredImage = open_image(self.origin.place, self.origin.axes, self.origin.part)
        return image.data, image.still_there


@dataclass(frozen=True)
class ArraySource:
    """An array that is sent to every worker."""

    array: ArrayLike

    def open(self) -> tuple[ArrayLike, Callable[[], None]]:
        """The array, and what has no reason to raise anything."""
        return readable_here(self.array), lambda: None


def source_of(image: Image) -> FileSource | ArraySource:
    """How workers get an image: they open it where it was opened here, or its pixels are sent.

    Raises
    ------
    UserError
        If it is too large to be sent, or cannot be.
    """
    if image.origin is not None:
        return FileSource(image.origin.absolute())  # workers have working directories of their own
    if (size := _size_sent(image.pixels)) > MOST_SENT:
        raise UserError(
            f"an array of {size / 2**20:.0f} MiB in memory is too large to be sent to every worker "
            f"({MOST_SENT // 2**20} MiB are sent at most); write it to a .zarr that they see, and give that"
        )
    return ArraySource(image.pixels)


def _size_sent(array: ArrayLike) -> int:
    """Bytes that go to each worker; few for an array that is opened there."""
    if isinstance(array, np.ndarray):
        return array.nbytes
    from distributed.protocol.pickle import dumps
    from distributed.utils import silence_logging_cmgr

    with silence_logging_cmgr(logging.CRITICAL):
        try:
            return len(dumps(array))
        except Exception as error:  # whatever an array of any kind says when it is pickled
            raise UserError(
                f"an array of the type {type(array).__name__} cannot be sent to workers ({error}); write it "
                "to a .zarr that they see, and give that"
            ) from error


@dataclass(frozen=True)
class InputSample:
    """A small part of the input, by which a worker sees that it has the same one.

    Where a folder is missing zarr reads zeros and says nothing.
    """

    key: tuple[int | slice, ...]
    checksum: int

    def agrees(self, array: ArrayLike) -> bool:
        """Whether an array has the same values there."""
        return _checksum(read_block(array, self.key)) == self.checksum


def take_sample(array: ArrayLike, axes: str) -> InputSample | None:
    """Find a place with contrast; None if there is none among those looked at, or none can be read."""
    y = axes.index("Y")
    first = tuple(size // 2 for size in array.shape[:y])
    starts = (
        [(2 * n + 1) * size // (2 * SAMPLE_PLACES) for n in range(SAMPLE_PLACES)]
        for size in array.shape[y : y + 2]
    )
    for row, column in product(*starts):
        key: tuple[int | slice, ...] = (
            *first,
            slice(row, row + _SAMPLE_SIDE),
            slice(column, column + _SAMPLE_SIDE),
        )
        try:
            pixels = read_block(array, key)
        except Exception:  # a chunk that does not decode is told when its block is made
            continue
        if pixels.size and bool((pixels != pixels.flat[0]).any()):
            return InputSample(key, _checksum(pixels))
    return None


def _checksum(pixels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).tobytes())
