"""A zarr store in a folder that somebody else made: only ordinary files, none larger than it should be."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

import zarr
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.sync import loop, sync
from zarr.storage import LocalStore

from napari_srgan.images.arrays import ArrayLike
from napari_srgan.images.reading import limits
from napari_srgan.images.zarr.chunk_limits import ChunkLimits, is_metadata

AT_THE_END = 5.0
"""Seconds that chunks still being read are waited for when a store is closed."""


class FolderStore(LocalStore):
    """Reads files within limits.

    Parameters
    ----------
    root
        The folder.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)
        self.limits = ChunkLimits(self.root.name)

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Bytes of a file; None if there is no such file.

        Raises
        ------
        UserError
            If it is no ordinary file, or larger than what the metadata says needs.
        """
        try:
            size = limits.check_file(self.root / key)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            if (broken := self._in_its_place(key)) is not None:
                raise self.limits.not_there(key, broken) from error
            return None
        self.limits.check_size(key, size)
        self.limits.check_part(key, byte_range)
        found = super().get_sync(key, prototype=prototype, byte_range=byte_range)
        if found is not None:
            self.limits.check_content(key, byte_range, memoryview(found.as_buffer_like()).cast("B"))
        return found

    def close(self) -> None:
        """Wait for what is still being read: a read that failed leaves the other chunks of it behind."""
        super().close()
        if loop[0] is not None and loop[0].is_running():  # there may have been no thread for it
            sync(_others_done())

    def _in_its_place(self, key: str) -> Path | None:
        """What is there instead of a file or a folder on the way to it, such as a link that leads nowhere.

        Only what is missing altogether may be taken for empty. Whether something holds metadata is asked of
        whatever lies in a folder, so that of metadata only the file itself is looked at.
        """
        *folders, _ = key.split("/")
        place = self.root
        for folder in folders:
            place /= folder
            if not os.path.lexists(place):
                return None
            if not place.is_dir():
                return None if is_metadata(key) else place
        return self.root / key if os.path.lexists(self.root / key) else None

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        return await asyncio.to_thread(self.get_sync, key, prototype=prototype, byte_range=byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return list(await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges)))


async def _others_done() -> None:
    """Let everything end that zarr's loop has begun."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=AT_THE_END)


def within_limits(array: ArrayLike, axes: str) -> ArrayLike:
    """Open a zarr array in a folder anew, so that whoever reads it, on whatever machine, keeps to the limits.

    Parameters
    ----------
    array
        An array of any shape and dtype; one that is no zarr array in a folder is given back as it is.
    axes
        One letter for each axis.

    Returns
    -------
    ArrayLike
        An array with the same pixels, shape and dtype.

    Raises
    ------
    UserError
        If its metadata asks for more than there is.
    """
    if not isinstance(array, zarr.Array) or not isinstance(root := getattr(array.store, "root", None), Path):
        return array
    store = FolderStore(root.absolute())  # machines have working directories of their own
    opened = zarr.open_array(store, path=array.path, mode="r")
    store.limits.expect(opened, axes)
    return opened
