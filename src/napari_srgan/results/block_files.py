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
from napari_srgan.disk.disk_errors import disk_error
from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.errors import NoThreads, threads_told
from napari_srgan.images.writing.pyramid import halve
from napari_srgan.results.shard_layout import Block, LevelLayout, finer_indices, place_in_coarser
from napari_srgan.results.store_arrays import ResultImage

READ_AGAIN = 64
"""Shards written last that are decoded when a run goes on; for the others it is seen whether they are as long
as their index says."""
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
    def incoming(self) -> Path:
        """The folder in which files are written before they get their names."""
        return folder_of(self.path) / f"incoming-{self.opening}"

    @property
    def empty(self) -> Path:
        """The folder of the files that say which blocks have no shard, as all of their pixels are 0."""
        return folder_of(self.path) / "empty"

    def wanted(self) -> bool:
        """Whether the process that has opened the store still has it open."""
        return self.incoming.exists()

    def name_of(self, block: Block) -> str:
        """The key of a block's shard in the store, for example ``"0/c/1/3"``."""
        return "/".join(map(str, [*self._prefix(block.level), *block.index]))

    def shard(self, block: Block) -> Path:
        """The file of a block, whether it exists or not."""
        return self.content / self.name_of(block)

    def done_in(self, level: int) -> int:
        """How many blocks of a level are done; nothing is looked into."""
        begin = "/".join([*self._prefix(level), ""])
        names = {name for name, _ in self._shards()} | set(self._marked())
        return sum(name.startswith(begin) for name in names)

    def repair(self) -> set[str]:
        """Remove everything that is not a whole shard, and return the names of the blocks that are done."""
        shards: list[tuple[int, Block]] = []
        for name, file in list(self._shards()):
            block = self._block_named(name)
            if block is None:
                file.unlink()
            elif not _is_as_long_as_its_index_says(file, self.levels[block.level].chunks_per_shard):
                self.remove(block)
            else:
                shards.append((file.stat().st_mtime_ns, block))
        shards.sort(key=lambda written: written[0])
        for _, block in shards[max(len(shards) - READ_AGAIN, 0) :]:
            try:
                self.read(block)
            except Damaged:
                self.remove(block)
        return {name for name, _ in self._shards()} | set(self._marked())

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
        try:
            with threads_told():
                return np.asarray(zarr.open_array(self._array(block.level), mode="r")[block.stored])
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
        try:
            content = self._encoded(block, stored)
            if content is None:
                shard.unlink(missing_ok=True)
                self._put(b"", mark)
            else:  # a shard counts, whatever the mark says
                self._put(content, shard)
                mark.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self.path) from error

    def _encoded(self, block: Block, stored: NDArray[Any]) -> memoryview | None:
        """The bytes of a shard; None where zarr stores none, as all values are 0."""
        # In memory zarr finds no earlier shard to read, and leaves the file to us.
        as_buffer = default_buffer_prototype().buffer.from_bytes
        kept = {"zarr.json": as_buffer((self._array(block.level) / "zarr.json").read_bytes())}
        zarr.open_array(kept, mode="r+")[block.stored] = stored
        shard = kept.get("/".join(map(str, ["c", *block.index])))
        return None if shard is None else memoryview(shard.as_buffer_like())

    def _put(self, content: bytes | memoryview, place: Path) -> None:
        written = self.incoming / uuid4().hex
        write_settled(written, content)
        settled_folder(place.parent)
        written.replace(place)
        settle_folder(place.parent)

    def _prefix(self, level: int) -> tuple[str, ...]:
        return (str(level), "c") if self.image.ome else ("c",)

    def _array(self, level: int) -> Path:
        return self.content.joinpath(*self._prefix(level)[:-1])

    def _mark(self, block: Block) -> Path:
        return self.empty / self.name_of(block).replace("/", ".")

    def _marked(self) -> Iterator[str]:
        if self.empty.exists():
            yield from (mark.name.replace(".", "/") for mark in self.empty.iterdir())

    def _shards(self) -> Iterator[tuple[str, Path]]:
        """Everything that lies where shards do, whole or not, and what it is called in the store."""
        for level in range(len(self.levels)):
            for folder, _, files in os.walk(self.content.joinpath(*self._prefix(level))):
                inside = Path(folder).relative_to(self.content).as_posix()
                yield from ((f"{inside}/{file}", Path(folder, file)) for file in files)

    def _block_named(self, name: str) -> Block | None:
        """The block whose shard has a name; None if it is the name of none."""
        parts = name.split("/")
        level = int(parts[0]) if self.image.ome else 0
        numbers = parts[len(self._prefix(level)) :]
        grid = self.levels[level].grid
        if len(numbers) != len(grid) or not all(number.isdecimal() for number in numbers):
            return None
        index = tuple(map(int, numbers))
        block = self.levels[level].block(index)
        inside = all(at < count for at, count in zip(index, grid, strict=True))
        return block if inside and self.name_of(block) == name else None


def _is_as_long_as_its_index_says(shard: Path, chunks: int) -> bool:
    """Whether a shard was not cut off, nor left blank by a power failure.

    Its index stands at the end: for each chunk the offset and the length as 64-bit integers, and a checksum;
    https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/
    """
    size = shard.stat().st_size
    begin = size - 16 * chunks - _INDEX_CHECKSUM
    if begin < 0:
        return False
    with shard.open("rb") as file:
        file.seek(begin)
        index = np.frombuffer(file.read(16 * chunks), "<u8").reshape(chunks, 2)
    ends = index[index[:, 0] != _NO_CHUNK].sum(axis=1)
    return bool(ends.size) and int(ends.max()) == begin
