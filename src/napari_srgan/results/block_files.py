"""The files of a store's blocks, written into their places by any process that sees the store's folder.

zarr makes the bytes of a shard, with a CRC-32C behind each chunk and behind the index, and finds out by them
whether a file still holds what was written. Putting a file into its place is not left to zarr's own store: a
file is written under another name, in a folder that exists only while one process has the store open, is
brought to the disk, and is renamed. So a shard is whole or absent, also after a power failure; a folder that
was taken away is not made anew; and a worker which comes late, for a run that nobody waits for any more,
finds no folder to write to. One that writes a block of this run twice writes the same values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype

from napari_srgan.disk.atomic_write import settle_folder, settled_folder, write_settled
from napari_srgan.disk.disk_errors import disk_errors_told
from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.errors import NoThreads, threads_told
from napari_srgan.images.writing.pyramid import halve
from napari_srgan.results.shard_layout import (
    Block,
    LevelLayout,
    coarser_index,
    finer_indices,
    place_in_coarser,
)
from napari_srgan.results.store_arrays import ResultImage

READ_AGAIN = 64
"""Shards written last that are decoded when a run goes on; of the others it is seen whether they are as
long as their index says."""
_NO_CHUNK = np.iinfo(np.uint64).max
_INDEX_CHECKSUM = 4


class Damaged(Exception):
    """A file of the store does not hold what was written; its block has to be made again."""

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.block = block

    def __str__(self) -> str:
        return f"block {self.block} of level {self.block.level}"


@dataclass(frozen=True)
class BlockFiles:
    """The files of an unfinished store; can be sent to other processes.

    A block is done when its shard exists or, where all of its pixels are 0 and zarr stores no shard, an empty
    file that says so.
    """

    path: Path
    """The final name of the store."""
    image: ResultImage
    levels: tuple[LevelLayout, ...]
    opening: str
    """A name that this opening of the store has and no other."""

    @property
    def content(self) -> Path:
        """The store itself, as long as it is unfinished."""
        return folder_of(self.path) / self.path.name

    @property
    def empty(self) -> Path:
        """The folder of the files that say which blocks have no shard."""
        return folder_of(self.path) / "empty"

    @property
    def incoming(self) -> Path:
        """The folder in which files are written before they get their names."""
        return folder_of(self.path) / f"incoming-{self.opening}"

    def wanted(self) -> bool:
        """Whether the process that has opened the store still has it open."""
        return self.incoming.exists()

    def name_of(self, block: Block) -> str:
        """The key of a block's shard in the store, for example ``"0/c/1/3"``."""
        return "/".join(map(str, [*self._array_name(block.level), "c", *block.index]))

    def shard(self, block: Block) -> Path:
        """The file of a block, whether it exists or not."""
        return self.content / self.name_of(block)

    def done(self) -> set[str]:
        """The names of the blocks that are done; nothing is looked into."""
        marks = self.empty.iterdir() if self.empty.exists() else ()
        marked = (mark.name.replace(".", "/") for mark in marks)
        return {*self._files(), *(name for name in marked if name.startswith(self._prefixes()))}

    def repair(self) -> set[str]:
        """Remove everything that is not a whole shard, and return the names of the blocks that are done."""
        blocks = {self.name_of(block): block for level in self.levels for block in level.blocks()}
        whole: list[tuple[int, Block]] = []
        for name in list(self._files()):
            file, block = self.content / name, blocks.get(name)
            if block is None:
                file.unlink()
            elif not self._is_whole(block):
                self.remove(block)
            else:
                whole.append((file.stat().st_mtime_ns, block))
        whole.sort(key=lambda written: written[0], reverse=True)
        for _, block in whole[:READ_AGAIN]:
            try:
                self.read(block)
            except Damaged:
                self.remove(block)
        return self.done()

    def write(self, block: Block, pixels: NDArray[Any]) -> None:
        """Write a block; when this returns it lasts through a power failure.

        Parameters
        ----------
        block
            Any block of the store.
        pixels
            An array of :attr:`Block.shape`, in the order of the result's axes.

        Raises
        ------
        UserError
            If the disk does not take it, if the folder has disappeared, or if the store was closed.
        """
        if pixels.shape != block.shape:
            raise ValueError(f"block {block} has shape {block.shape}, not {pixels.shape}")
        self._write(block, pixels.astype(self.image.dtype, copy=False).transpose(self.image.order))

    def shrink(self, block: Block) -> None:
        """Make a block of a coarser level from the blocks below it.

        Raises
        ------
        Damaged
            If a block below is missing, or does not hold what was written.
        UserError
            As :meth:`write`.
        """
        y, x = (self.image.letters.index(letter) for letter in "YX")
        pixels = np.empty(block.stored_shape, self.image.dtype)
        for finer in self.below(block):
            place = place_in_coarser(finer, block, self.image.letters)
            pixels[place] = halve(self.read(finer), (y, x))
        self._write(block, pixels)

    def below(self, block: Block) -> list[Block]:
        """The blocks of the next finer level that a block is the mean of."""
        finer = self.levels[block.level - 1]
        return [finer.block(index) for index in finer_indices(block, finer, self.image.letters)]

    def above(self, block: Block) -> list[Block]:
        """The block of the next coarser level that a block is part of, if there is a coarser level."""
        coarser = self.levels[block.level + 1 : block.level + 2]
        return [level.block(coarser_index(block, level, self.image.letters)) for level in coarser]

    def read(self, block: Block) -> NDArray[Any]:
        """Read the pixels of a block that is done, in the order of the stored axes.

        Raises
        ------
        Damaged
            If it is missing, or does not hold what was written.
        """
        if not self.shard(block).exists():
            if not self._mark(block).exists():
                raise Damaged(block)
            return np.zeros(block.stored_shape, self.image.dtype)
        if not self._is_whole(block):  # zarr takes a file without content for zeros
            raise Damaged(block)
        try:
            with threads_told():
                return np.asarray(zarr.open_array(self._array(block), mode="r")[block.stored])
        except (MemoryError, NoThreads):
            raise
        except Exception as error:  # whatever codecs say of bytes that are broken
            raise Damaged(block) from error

    def remove(self, block: Block) -> None:
        """Remove the files of a block."""
        self.shard(block).unlink(missing_ok=True)
        self._mark(block).unlink(missing_ok=True)

    def _write(self, block: Block, stored: NDArray[Any]) -> None:
        shard, mark = self.shard(block), self._mark(block)
        with disk_errors_told(self.path):
            content = self._encoded(block, stored)
            if content is None:
                shard.unlink(missing_ok=True)
                self._put(b"", mark)
            else:  # a shard counts, whatever the mark says
                self._put(content, shard)
                mark.unlink(missing_ok=True)

    def _is_whole(self, block: Block) -> bool:
        """Whether a shard is as long as it says: neither cut off, nor left blank by a power failure.

        Its index stands at the end: for each chunk the offset and the length as 64-bit integers, and a
        checksum; https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/
        """
        chunks = self.levels[block.level].chunks_per_shard
        try:
            with self.shard(block).open("rb") as file:
                begin = file.seek(0, os.SEEK_END) - 16 * chunks - _INDEX_CHECKSUM
                file.seek(max(begin, 0))
                index = np.frombuffer(file.read(16 * chunks), "<u8").reshape(chunks, 2)
        except (OSError, ValueError):  # too short for an index
            return False
        ends = index[index[:, 0] != _NO_CHUNK].sum(axis=1)
        return bool(ends.size) and int(ends.max()) == begin

    def _encoded(self, block: Block, stored: NDArray[Any]) -> memoryview | None:
        """The bytes of a shard; None where zarr stores none, as all values are 0."""
        # In memory zarr finds no earlier shard to read, and leaves the file to us.
        as_buffer = default_buffer_prototype().buffer.from_bytes
        kept = {"zarr.json": as_buffer((self._array(block) / "zarr.json").read_bytes())}
        zarr.open_array(kept, mode="r+")[block.stored] = stored
        shard = kept.get("/".join(map(str, ["c", *block.index])))
        return None if shard is None else memoryview(shard.as_buffer_like())

    def _put(self, content: bytes | memoryview, place: Path) -> None:
        written = self.incoming / uuid4().hex
        write_settled(written, content)
        settled_folder(place.parent)
        written.replace(place)
        settle_folder(place.parent)

    def _prefixes(self) -> tuple[str, ...]:
        return tuple("/".join([*self._array_name(level.level), "c", ""]) for level in self.levels)

    def _array_name(self, level: int) -> list[str]:
        return [str(level)] if self.image.ome else []

    def _array(self, block: Block) -> Path:
        return self.content.joinpath(*self._array_name(block.level))

    def _mark(self, block: Block) -> Path:
        return self.empty / self.name_of(block).replace("/", ".")

    def _files(self) -> Iterator[str]:
        """Everything that lies where shards do, whole or not, by its name in the store."""
        for begin in self._prefixes():
            for folder, _, files in os.walk(self.content / begin):
                inside = Path(folder).relative_to(self.content).as_posix()
                yield from (f"{inside}/{file}" for file in files)
