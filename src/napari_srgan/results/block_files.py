"""The files of a store's blocks, read and written by any process that sees its folder.

A process that makes a block needs nothing else of the store: it writes a file under a name that
nobody else has, and tells what is in it. The process the store belongs to puts it in its place
(:meth:`napari_srgan.results.writer.RestartableStore.take`). So what comes too late, or twice, or from
a process that was taken for dead, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_srgan.disk.atomic_write import write_settled
from napari_srgan.disk.disk_errors import disk_error
from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.images.writing.pyramid import halve
from napari_srgan.results.journal import EMPTY, Receipt
from napari_srgan.results.shard_bytes import decode_shard, encode_shard
from napari_srgan.results.shard_layout import Block, LevelLayout, place_in_coarser
from napari_srgan.results.store_arrays import ResultImage


class Damaged(Exception):
    """A file of the store is not what was written; its block is missing again."""

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.block = block

    def __str__(self) -> str:
        return f"block {self.block} of level {self.block.level}"


@dataclass(frozen=True)
class Delivery:
    """A block that is on the disk, but not in its place yet."""

    block: Block
    receipt: Receipt
    file: str
    """Its name in :attr:`BlockFiles.incoming`; empty where no file is needed."""


@dataclass(frozen=True)
class BlockFiles:
    """What has to be known of a store to make its blocks; can be sent to other processes."""

    path: Path
    """The final name of the store."""
    image: ResultImage
    levels: tuple[LevelLayout, ...]
    run: str
    """Of this opening of the store and no other."""

    @property
    def content(self) -> Path:
        """The store itself, as long as it is unfinished."""
        return folder_of(self.path) / self.path.name

    @property
    def incoming(self) -> Path:
        """Where files are written to; it is there as long as this opening of the store lasts."""
        return folder_of(self.path) / f"incoming-{self.run}"

    def name_of(self, block: Block) -> str:
        """Of a block's file in :attr:`content`."""
        return "/".join([*self._folder(self.levels[block.level]), _key(block)])

    def files(self) -> list[Path]:
        """All that lies where blocks have their files, complete or not."""
        folders = (self.content.joinpath(*self._folder(level), "c") for level in self.levels)
        return [file for folder in folders for file in folder.rglob("*") if file.is_file()]

    def _folder(self, level: LevelLayout) -> tuple[str, ...]:
        return (str(level.level),) if self.image.ome else ()

    @cached_property
    def _metadata(self) -> tuple[bytes, ...]:
        return tuple(
            self.content.joinpath(*self._folder(level), "zarr.json").read_bytes() for level in self.levels
        )

    def write(self, block: Block, pixels: NDArray[Any]) -> Delivery:
        """Write a block; its file stays so through a power failure when this returns.

        Parameters
        ----------
        block
            Any of the store.
        pixels
            Of :attr:`Block.shape`, in the order of the result's axes.

        Raises
        ------
        UserError
            If the disk does not take it, or has disappeared.
        """
        if pixels.shape != block.shape:
            raise ValueError(f"block {block} has shape {block.shape}, not {pixels.shape}")
        return self._deliver(block, pixels.astype(self.image.dtype, copy=False).transpose(self.image.order))

    def shrink(self, block: Block, below: Sequence[tuple[Block, Receipt]]) -> Delivery:
        """Make a block of a coarser level from those below it, file by file.

        Parameters
        ----------
        block
            Of a coarser level.
        below
            What it is the mean of.

        Raises
        ------
        Damaged
            If a file below is not what was written.
        UserError
            If the disk does not take it, or has disappeared.
        """
        y, x = (self.image.letters.index(letter) for letter in "YX")
        pixels = np.empty(tuple(part.stop - part.start for part in block.stored), self.image.dtype)
        for finer, receipt in below:
            place = place_in_coarser(finer, block, self.image.letters)
            pixels[place] = halve(self.read_back(finer, receipt), (y, x))
        return self._deliver(block, pixels)

    def read_back(self, block: Block, receipt: Receipt) -> NDArray[Any]:
        """The pixels of a block that is in its place, in the order of the stored axes.

        Raises
        ------
        Damaged
            If they are not what was written.
        """
        content = receipt.content(self.content / self.name_of(block))
        if content is None:
            raise Damaged(block)
        if receipt.size == EMPTY:
            return np.zeros(tuple(part.stop - part.start for part in block.stored), self.image.dtype)
        return decode_shard(self._metadata[block.level], _key(block), block.stored, content)

    def _deliver(self, block: Block, stored: NDArray[Any]) -> Delivery:
        try:
            content = encode_shard(self._metadata[block.level], _key(block), block.stored, stored)
            if content is None:
                return Delivery(block, Receipt(EMPTY), "")
            name = uuid4().hex
            write_settled(self.incoming / name, content)
            return Delivery(block, Receipt.of(content), name)
        except OSError as error:
            raise disk_error(error, self.path) from error


def _key(block: Block) -> str:
    return "/".join(["c", *map(str, block.index)])
