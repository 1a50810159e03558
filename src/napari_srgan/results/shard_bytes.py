"""One shard of a zarr array as the bytes of its file, made and understood in memory.

zarr writes to a store. Here the store is a dictionary, so that whoever makes the bytes decides where and
under which name they are written, and whoever reads them has looked at their checksum before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype

_METADATA = "zarr.json"


def encode_shard(
    metadata: bytes, key: str, region: tuple[slice, ...], pixels: NDArray[Any]
) -> memoryview | None:
    """The bytes of one shard.

    Parameters
    ----------
    metadata
        ``zarr.json`` of the array.
    key
        Of the shard in its array, e.g. ``"c/0/3"``.
    region
        Of the array; that of the shard.
    pixels
        Its values.

    Returns
    -------
    memoryview or None
        None where all values are the array's fill value, and there is no file.
    """
    kept = _store(metadata)
    zarr.open_array(kept, mode="r+")[region] = pixels
    found = kept.get(key)
    return None if found is None else memoryview(found.as_buffer_like())


def decode_shard(metadata: bytes, key: str, region: tuple[slice, ...], content: bytes) -> NDArray[Any]:
    """The values of one shard; see :func:`encode_shard`."""
    kept = _store(metadata)
    kept[key] = default_buffer_prototype().buffer.from_bytes(content)
    return np.asarray(zarr.open_array(kept, mode="r")[region])


def _store(metadata: bytes) -> dict[str, Any]:
    return {_METADATA: default_buffer_prototype().buffer.from_bytes(metadata)}
