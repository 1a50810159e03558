"""A zarr store that somebody else made, whose files are read within limits, each on a thread."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from napari_srgan.images.zarr.chunk_limits import ChunkLimits


class ReadOnlyStore(Store):
    """What zarr wants of a store, for those that say how a file is fetched.

    Parameters
    ----------
    name
        Name of the image, for messages.
    """

    supports_writes = False
    supports_deletes = False

    def __init__(self, name: str) -> None:
        super().__init__(read_only=True)
        self.limits = ChunkLimits(name)

    @abstractmethod
    def has(self, key: str) -> bool:
        """Whether there is a file."""

    @abstractmethod
    def fetch(self, key: str, part: ByteRequest | None = None) -> bytes | None:
        """Bytes of a file, or of a part of it; None if there is no such file.

        Raises
        ------
        UserError
            If it is larger than what the metadata says needs, damaged, or not to be had.
        """

    def _get(self, key: str, prototype: BufferPrototype, part: ByteRequest | None) -> Buffer | None:
        self.limits.check_part(key, part)
        found = self.fetch(key, part)
        if found is None:
            return None
        self.limits.check_content(key, part, found)
        return prototype.buffer.from_bytes(found)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return await asyncio.to_thread(self._get, key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.has, key)

    async def set(self, key: str, value: Buffer) -> None:
        raise NotImplementedError(f"{self.limits.name} is only read")

    async def delete(self, key: str) -> None:
        raise NotImplementedError(f"{self.limits.name} is only read")


def bytes_of(part: ByteRequest | None) -> slice:
    """A part of a file as an index of its bytes."""
    match part:
        case None:
            return slice(None)
        case RangeByteRequest(start=start, end=end):
            return slice(start, end)
        case OffsetByteRequest(offset=offset):
            return slice(offset, None)
        case SuffixByteRequest(suffix=suffix):
            return slice(-suffix, None)
    raise ValueError(f"no such part of a file: {part}")
