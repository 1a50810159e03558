"""Which files a layer's pixels are read from, and by what they can be told from other pixels."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from napari.layers import Image
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.indexing import Part
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.images.origins import zarr_place
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.zarr.markers import is_zarr
from napari_srgan.viewer.layers.provenance import made_of
from napari_srgan.viewer.layers.upscale_layer import finest_data

FILE_KEY = "file"
"""Where the metadata of a result that is read from disk says which file it is, under the plugin's key."""
_COPY = re.compile(r" \[\d+\]$")
"""What napari adds to the name of a layer that is opened twice."""


def files_of(layer: Image) -> list[Path]:
    """The files and folders on this computer that a layer's pixels come from, as far as they are known."""
    found = [_local(layer.source.path), _local(made_of(layer).get(FILE_KEY)), *_behind(finest_data(layer))]
    there = [path.absolute() for path in found if path is not None and path.exists()]
    return list(dict.fromkeys(there))


def _local(path: str | None) -> Path | None:
    return Path(path) if path and "://" not in path else None


def _behind(data: Any) -> Iterator[Path]:
    """Folders of zarr arrays, also of those that a dask array reads."""
    for array in [data, *_held(data)]:
        if (place := zarr_place(array)) is not None:
            yield place


def _held(data: Any) -> Iterator[Any]:
    """What a dask array was made from: dask holds that in parts of its own."""
    for part in getattr(getattr(data, "dask", None), "layers", {}).values():
        held = getattr(part, "mapping", None)
        if held is not None and len(held) == 1:
            yield from held.values()


def layer_pixels(layer: Image, axes: str) -> Any:
    """A layer's pixels as they are; where they cannot be read it is told in a sentence.

    Parameters
    ----------
    layer
        The layer; of a pyramid its finest level is meant.
    axes
        One letter for each axis of its data.

    Returns
    -------
    array
        Something with the shape and dtype of the layer's data that is read by slices.
    """
    data = finest_data(layer)
    if isinstance(data, np.ndarray):
        return data
    array = _as_stored(data)
    if isinstance(array, zarr.Array):
        return FileArray(array, str(next(_behind(array), array.store_path)), axes)
    return _Readable(data, layer.name)


def _as_stored(data: Any) -> Any:
    """The zarr array that a dask array only reads, as napari opens them: chunks are then read once."""
    held = list(_held(data))
    only_reads = len(held) == 1 and len(data.dask.layers) == 2
    if only_reads and (held[0].shape, held[0].dtype) == (data.shape, data.dtype):
        return held[0]
    return data


class _Readable(LazyArray):
    """An array of which nobody knows what happens when it is read."""

    def __init__(self, array: Any, name: str) -> None:
        super().__init__(array.shape, array.dtype)
        self._array = array
        self._name = name

    def read(self, part: Part) -> NDArray[Any]:
        try:
            return np.asarray(self._array[part.key])
        except (MemoryError, UserError):
            raise
        except Exception as error:  # of any library
            raise UserError(
                f"a part of {self._name!r} cannot be read ({str(error) or type(error).__name__}); "
                "put that right and start the same again"
            ) from error


def watch_over(files: Sequence[Path]) -> Callable[[], None]:
    """A look whether files are still there; missing chunks of zarr would be read as zeros.

    Returns
    -------
    Callable
        Raises UserError if one of them has disappeared.
    """
    images = [path for path in files if is_zarr(path)]

    def look() -> None:
        for path in files:
            if not (is_zarr(path) if path in images else path.exists()):
                raise UserError(f"{path} has disappeared")

    return look


def identity_of(layer: Image) -> Callable[[], str]:
    """What tells a layer's pixels from others, also tomorrow.

    For pixels in memory this is a checksum; for others it is the place where they lie, and the layer's name,
    for a file may hold several images.

    Returns
    -------
    callable
        A function that gives the identity. Call it on another thread: it may read all pixels.
    """
    data = finest_data(layer)
    if isinstance(data, np.ndarray):
        return lambda: f"pixels with the checksum {_checksum(data):08x}"
    files = files_of(layer)
    name = _COPY.sub("", layer.name)
    place = layer.source.path or (str(files[0]) if files else "")
    said = f"{place} ({name})" if place else name
    return lambda: said


def _checksum(pixels: NDArray[Any]) -> int:
    found = 0
    if not pixels.size:
        return found
    for plane in pixels.reshape(-1, *pixels.shape[-2:]) if pixels.ndim > 2 else [pixels]:
        found = zlib.crc32(np.ascontiguousarray(plane).data, found)
    return found
