"""What the files of a zarr store may hold, by what its metadata says of their arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import ByteRequest, RangeByteRequest, SuffixByteRequest

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.reading import limits
from napari_srgan.images.reading.unpacked_size import PACKERS, Packed, is_raw_lzma, unpacks_beyond

METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
"""Names of files of metadata."""
_KEEPS_SIZE = frozenset({
    "bytes", "endian", "transpose", "shuffle", "delta", "fixedscaleoffset", "quantize", "bitround", "astype",
    "packbits", "crc32c", "crc32", "adler32", "fletcher32", "jenkins_lookup3",
})  # fmt: skip
"""Codecs of zarr and numcodecs that make a chunk at most eight times larger, and run nothing."""
_DTYPES = ("dtype", "astype", "encode_dtype", "decode_dtype")
"""Keys under which the settings of codecs have types of numbers."""
_EMPTY = 2**64 - 1
"""Offset and length of a chunk that is not in its shard."""
_CHECKSUM = 4
"""Bytes of a crc32c."""
_HEADER = 128
"""Bytes that packing adds to a small chunk at most."""


@dataclass(frozen=True)
class _Chunk:
    """A chunk as its metadata declares it."""

    size: int
    """Bytes when it is unpacked."""
    packer: str
    """The codec that made it smaller; empty if there is none."""
    checksum: int = 0
    """Bytes that follow what was packed."""
    inner: _Chunk | None = None
    """The chunks in it, where it is a shard."""
    count: int = 0
    """Number of chunks in it, where it is a shard."""
    index_size: int = 0
    """Bytes of its index, where it is a shard."""
    index_first: bool = False

    @property
    def most(self) -> int:
        """Bytes of its file."""
        return limits.chunk_file(self.size) + _HEADER * self.count + self.index_size


@dataclass
class ChunkLimits:
    """Says what is too large for a file of one store.

    Parameters
    ----------
    name
        Name of the image, for messages.
    """

    name: str
    arrays: dict[str, _Chunk] = field(default_factory=dict)
    """The chunks of each array, by its path in the store."""

    def expect(self, array: zarr.Array[Any], letters: str) -> None:
        """Learn from an array's metadata how large its chunks are.

        Parameters
        ----------
        array
            An array in the store.
        letters
            One letter for each of its axes.

        Raises
        ------
        UserError
            If no chunk of it can be read on this machine, or there are too many.
        """
        shape = array.shards or array.chunks
        if np.dtype(array.dtype).kind not in "biufc":
            raise UserError(
                f"{self.name} holds values of the type {array.dtype}, which are no brightness; give an array "
                "of numbers"
            )
        codecs = getattr(array.metadata, "codecs", None)
        if codecs is None:  # zarr 2
            metadata: Any = array.metadata
            packers = [one for one in (*(metadata.filters or ()), metadata.compressor) if one is not None]
            chunk = _Chunk(_bytes(shape, array), *self._packed([one.get_config() for one in packers]))
        else:
            chunk = self._declared(shape, codecs, array)
        largest, free = _bytes(array.chunks, array), limits.free_memory()
        if 2 * largest > free:
            raise UserError(
                f"a chunk of {self.name} has {largest / 2**30:.1f} GiB, of which two are needed in memory at "
                f"once, and {free / 2**30:.1f} GiB are free; save it in smaller chunks"
            )
        self._check_count(array, letters)
        self.arrays[array.path] = chunk

    def _declared(self, shape: Sequence[int], codecs: Sequence[Any], array: zarr.Array[Any]) -> _Chunk:
        size = _bytes(shape, array)
        sharding = next((codec for codec in codecs if hasattr(codec, "chunk_shape")), None)
        packer, checksum = self._packed([_config(codec) for codec in codecs if codec is not sharding])
        if sharding is None:
            return _Chunk(size, packer, checksum)
        count = math.prod(-(-side // part) for side, part in zip(shape, sharding.chunk_shape, strict=True))
        if count > limits.CHUNKS_OF_SHARD:
            raise UserError(
                f"a shard of {self.name} is divided into {count:,} chunks, and at most "
                f"{limits.CHUNKS_OF_SHARD:,} can be read; save it in larger chunks"
            )
        index = [_name(codec) for codec in sharding.index_codecs]
        if not set(index) <= {"bytes", "crc32c"}:
            raise UserError(
                f"the index of the shards of {self.name} is packed ({', '.join(index)}), which is not read "
                "here; save it with zarr's own settings"
            )
        return _Chunk(
            size,
            packer,
            checksum,
            inner=self._declared(sharding.chunk_shape, sharding.codecs, array),
            count=count,
            index_size=16 * count + _CHECKSUM * index.count("crc32c"),
            index_first=str(getattr(sharding.index_location, "value", "")) == "start",
        )

    def _packed(self, codecs: list[dict[str, Any]]) -> tuple[str, int]:
        """What unpacks a chunk, whose effect can be told beforehand only if it comes first."""
        names = [str(codec["id"]) for codec in codecs]
        unknown = [name for name in names if name not in _KEEPS_SIZE | PACKERS]
        unknown += [f"{codec['id']} as it is set" for codec in codecs if is_raw_lzma(codec) or _grows(codec)]
        packer = next((at for at, name in enumerate(names) if name in PACKERS), len(names))
        after = names[packer + 1 :]
        if unknown or not set(after) <= {"crc32c"}:
            raise UserError(
                f"the chunks of {self.name} are packed in a way that is not read here "
                f"({', then '.join(unknown or names)}), as nobody can tell beforehand how large they become; "
                f"save it with one of {', '.join(sorted(PACKERS))}"
            )
        return "".join(names[packer : packer + 1]), _CHECKSUM * len(after)

    def _check_count(self, array: zarr.Array[Any], letters: str) -> None:
        pieces = math.prod(
            -(-min(side, limits.LARGEST_TILE) // chunk)
            for letter, side, chunk in zip(letters, array.shape, array.chunks, strict=True)
            if letter in "YX"
        )
        if pieces > limits.CHUNKS_OF_TILE:
            raise UserError(
                f"{self.name} is stored in chunks of {' x '.join(map(str, array.chunks))} pixels, so "
                f"that {limits.LARGEST_TILE} x {limits.LARGEST_TILE} pixels lie in {pieces:,} of them, and "
                f"at most {limits.CHUNKS_OF_TILE:,} are read for that; save it in larger chunks"
            )

    def most(self, key: str) -> int:
        """Bytes that a file may have; nothing is known of one whose array was not expected."""
        if is_metadata(key):
            return limits.ZARR_METADATA
        chunk = self._chunk(key)
        return limits.ZARR_METADATA if chunk is None else chunk.most

    def _chunk(self, key: str) -> _Chunk | None:
        holders = [path for path in self.arrays if not path or key.startswith(f"{path}/")]
        return self.arrays[max(holders, key=len)] if holders else None

    def check_part(self, key: str, part: ByteRequest | None) -> None:
        """Refuse a part of a file that is larger than the file may be, as a broken index asks for.

        Raises
        ------
        UnreadablePart
            If it is.
        """
        most = self.most(key)
        if isinstance(part, RangeByteRequest) and not 0 <= part.end - part.start <= most:
            raise self._too_large(key, part.end - part.start, most)

    def check_size(self, key: str, size: int | None) -> None:
        """Refuse a file that is larger than it may be; its size is None if it is larger than was read.

        Raises
        ------
        UnreadablePart
            If it is.
        """
        most = self.most(key)
        if size is None or size > most:
            raise self._too_large(key, size, most)

    def not_there(self, key: str, instead: Path) -> UserError:
        """Say that a file is not to be had, though something has its name or that of its folder.

        Parameters
        ----------
        key
            Path of the file in the store.
        instead
            A link that leads nowhere, or what is a folder instead of a file, or the other way round.
        """
        found = "a link to something that is not there" if instead.is_symlink() else "not what it should be"
        return self._error(
            key,
            f"{key} of {self.name} cannot be read: {instead} is {found}; get the image again from where it "
            "was made, or connect the disk that it lies on",
        )

    def _error(self, key: str, words: str) -> UserError:
        """Metadata is about all of an image; of chunks others may be whole."""
        return UserError(words) if is_metadata(key) else UnreadablePart(words)

    def _too_large(self, key: str, size: int | None, most: int) -> UserError:
        return self._error(key, str(limits.too_large(f"{key} of {self.name}", size, most)))

    def check_content(self, key: str, part: ByteRequest | None, content: Packed) -> None:
        """Refuse bytes that unpack to more than their chunk was declared to have.

        Raises
        ------
        UnreadablePart
            If they do.
        """
        chunk = None if is_metadata(key) else self._chunk(key)
        if chunk is None:
            return
        if part is not None and chunk.inner is not None:
            if isinstance(part, SuffixByteRequest) or (
                chunk.index_first and part == RangeByteRequest(0, chunk.index_size)
            ):
                return
            chunk = chunk.inner
        if _unpacks_beyond(chunk, content):
            raise UnreadablePart(
                f"{key} of {self.name} unpacks to more than the {chunk.size:,} bytes of its chunk; "
                "it is damaged, get the image again from where it was made"
            )


def is_metadata(key: str) -> bool:
    """Whether a file of a store is one of metadata."""
    return key.rpartition("/")[2] in METADATA


def _name(codec: Any) -> str:
    return str(codec.to_dict()["name"]).removeprefix("numcodecs.")


def _config(codec: Any) -> dict[str, Any]:
    """The settings of a codec of zarr 3, as those of zarr 2 have them."""
    return {**(codec.to_dict().get("configuration") or {}), "id": _name(codec)}


def _grows(config: dict[str, Any]) -> bool:
    """Whether a codec is told to make something else than numbers, which may have any size."""
    return any(np.dtype(config[name]).kind not in "biufc" for name in _DTYPES if name in config)


def _bytes(shape: Sequence[int], array: zarr.Array[Any]) -> int:
    return math.prod(shape) * np.dtype(array.dtype).itemsize


def _unpacks_beyond(chunk: _Chunk, content: Packed) -> bool:
    content = content[: len(content) - chunk.checksum]
    if chunk.packer:
        return unpacks_beyond(chunk.packer, content, limits.chunk_file(chunk.size))
    return chunk.inner is not None and any(
        _unpacks_beyond(chunk.inner, content[start : start + size]) for start, size in _index(chunk, content)
    )


def _index(chunk: _Chunk, content: Packed) -> list[tuple[int, int]]:
    """Where the chunks of a whole shard lie."""
    if len(content) < chunk.index_size:
        return []
    begin = 0 if chunk.index_first else len(content) - chunk.index_size
    pairs = np.frombuffer(content, "<u8", 2 * chunk.count, begin).reshape(-1, 2)
    return [(int(start), int(size)) for start, size in pairs if start != _EMPTY]
