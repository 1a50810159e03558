"""A zarr store that is written block by block, can be killed at any moment, and goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.storage.begun import read_state
from napari_srgan.storage.disk_errors import disk_error, gone
from napari_srgan.storage.fingerprint import plain, what_differs
from napari_srgan.storage.journal import Journal, Receipt, write_whole
from napari_srgan.storage.pyramid import halve
from napari_srgan.storage.shard_layout import (
    Block,
    LevelLayout,
    Sides,
    coarser_index,
    finer_indices,
    place_in_coarser,
)
from napari_srgan.storage.spacing import Spacing
from napari_srgan.storage.store_arrays import (
    begin,
    complete,
    finished_fingerprint,
    open_levels,
    result_image,
    settle_metadata,
)
from napari_srgan.storage.unfinished import Unfinished

LOOKED_AT = 64
"""Files written last whose checksums are looked at when a run goes on; of the others the sizes."""


class Damaged(Exception):
    """A file of the store is not what was written; its block is missing again."""

    def __init__(self, block: Block) -> None:
        super().__init__(f"block {block} of level {block.level}")
        self.block = block


class RestartableStore:
    """A result on disk that grows block by block.

    While it grows it lies beside its place in a folder ``.partial-NAME``; it has its name
    when it is finished. Whoever opens it again with the same fingerprint goes on where it was;
    what was cut off or damaged in the last moments of the run before is found and done again.
    The finished store is the same, whatever happened in between.

    Parameters
    ----------
    path
        A name in ``.zarr`` for a plain array, in ``.ome.zarr`` for OME-Zarr 0.5 with coarser levels.
    shape, dtype, axes
        Of the result.
    spacings
        Of the result, one for each axis; plain pixels if unsaid.
    fingerprint
        What decides every value of the result: weights, parameters, the identity of the input.
        Plain values that JSON can hold; shown to the user where they differ.
    provenance
        Kept in the store.
    name
        Of the image in OME-Zarr; that of the file if unsaid.
    sides
        Of chunks and shards, for a store that is new. One that is gone on with keeps its own.
    overwrite
        Replace what has that name, and an unfinished one with another fingerprint.

    Raises
    ------
    UserError
        If the name is taken; if what is there, finished or not, has another fingerprint; if another
        process is writing it; if zarr cannot hold it; if the folder cannot be written to.
    """

    def __init__(
        self,
        path: Path,
        *,
        shape: Sequence[int],
        dtype: Any,
        axes: str,
        spacings: Sequence[Spacing] | None = None,
        fingerprint: Mapping[str, Any],
        provenance: Mapping[str, Any],
        name: str | None = None,
        sides: Sides | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = path
        self.image = result_image(path, shape, dtype, axes, spacings, provenance, name)
        self.fingerprint = plain(
            {"shape": self.image.shape, "dtype": self.image.dtype.name, "axes": axes} | dict(fingerprint)
        )
        self._place: Unfinished | None = None
        self._sides = sides or Sides()
        self._overwrite = overwrite
        self.finished = self._has_name_already()
        self.levels = self.image.levels(self._sides)
        if self.finished:
            self._tidy()
            return
        self._place = Unfinished(path)
        try:
            self._open()
        except OSError as error:
            self.close()
            raise disk_error(error, path) from error
        except BaseException:
            self.close()
            raise

    def _has_name_already(self) -> bool:
        """Whether the finished store is there and is the one that is wanted."""
        if self._overwrite or not self.path.exists():
            return False
        found = finished_fingerprint(self.path)
        if found is None:
            raise UserError(
                f"{self.path} exists already; choose another name, or ask for it to be overwritten"
            )
        if differs := what_differs(found, self.fingerprint):
            raise UserError(
                f"{self.path} exists already and was made otherwise ({differs}); choose another name, "
                "or ask for it to be overwritten"
            )
        return True

    def _tidy(self) -> None:
        """Remove what is left of a run that was killed when its store already had its name."""
        if read_state(self.path) is None:
            return
        with suppress(UserError):
            place = Unfinished(self.path)
            if place.content.exists():  # another one, that is to replace this
                place.close()
            else:
                place.discard()

    def _open(self) -> None:
        place = self._in_place
        if self._has_name_already():  # since the last look: another process has just finished it
            place.discard()
            self._place, self.finished = None, True
            return
        state = read_state(self.path)
        if state and (differs := what_differs(state["fingerprint"], self.fingerprint)):
            if not self._overwrite:
                raise UserError(
                    f"there is an unfinished {self.path} that was begun otherwise ({differs}); begin it "
                    "in the same way to go on with it, choose another name, or ask for it to be overwritten"
                )
            state = None
        if state:
            self._sides = Sides(**state["sides"])
            self.levels = self.image.levels(self._sides)
        if not state or not place.content.exists():
            self._begin()
        try:
            self._arrays = open_levels(place.content, self.image, self.levels)
        except Exception as error:  # whatever zarr says of metadata that is broken
            if not self._overwrite:
                raise UserError(
                    f"the unfinished {self.path} is damaged ({error}); "
                    "ask for it to be overwritten to begin anew"
                ) from error
            self._begin()
            self._arrays = open_levels(place.content, self.image, self.levels)
        self._journal = Journal(place.journal)
        self._forget_what_is_broken()

    def _begin(self) -> None:
        place = self._in_place
        place.clear()
        begin(place.content, self.image, self.levels)
        settle_metadata(place.content)
        sides = {"chunk": self._sides.chunk, "shard": self._sides.shard}
        # Last, so that a store is begun as a whole or not at all.
        write_whole(place.state, json.dumps({"fingerprint": self.fingerprint, "sides": sides}).encode())

    def _forget_what_is_broken(self) -> None:
        """Take what the run before left half done for not done, and remove it."""
        kept = self._journal.entries
        latest = set(list(kept)[-LOOKED_AT:])
        content = self._in_place.content
        for name, receipt in list(kept.items()):
            if not receipt.fits(content / name, look_inside=name in latest):
                del kept[name]
        for level in self.levels:
            chunks = content / self._level_folder(level) / "c"
            for folder, _, files in os.walk(chunks):
                for file in files:
                    at = Path(folder, file)
                    if at.relative_to(content).as_posix() not in kept:
                        at.unlink()
        self._journal.rewrite(kept)

    @property
    def _in_place(self) -> Unfinished:
        if self._place is None:
            raise ValueError(f"the store {self.path} is closed")
        return self._place

    @property
    def total(self) -> int:
        """Blocks of the finest level."""
        return len(self.levels[0])

    def missing(self) -> Iterator[Block]:
        """Blocks of the finest level that are not done yet, the last axis first."""
        return self._missing_of(self.levels[0])

    def coarser_missing(self) -> Iterator[Block]:
        """Blocks of coarser levels that are not done yet, finer levels first."""
        for level in self.levels[1:]:
            yield from self._missing_of(level)

    def _missing_of(self, level: LevelLayout) -> Iterator[Block]:
        if not self.finished:
            yield from (block for block in level.blocks() if not self.has(block))

    def has(self, block: Block) -> bool:
        """Whether a block is done."""
        return self.finished or self._file_of(block) in self._journal

    def ready_above(self, block: Block) -> Block | None:
        """The block of the next coarser level that can be made now that this one is done, if any."""
        if block.level + 1 == len(self.levels):
            return None
        coarser = self.levels[block.level + 1]
        above = coarser.block(coarser_index(block, coarser, self.image.letters))
        return above if self.ready(above) and not self.has(above) else None

    def ready(self, block: Block) -> bool:
        """Whether all that a block of a coarser level is made from is done."""
        return all(self.has(below) for below in self._below(block))

    def _below(self, block: Block) -> Iterator[Block]:
        finer = self.levels[block.level - 1]
        for index in finer_indices(block, finer, self.image.letters):
            yield finer.block(index)

    def write(self, block: Block, pixels: NDArray[Any]) -> None:
        """Write a block; it is done, and stays so through a power failure, when this returns.

        Writing one again is allowed. Different blocks may be written by several threads.

        Parameters
        ----------
        block
            Of :meth:`missing`.
        pixels
            Of :attr:`Block.shape`, in the order of the result's axes.

        Raises
        ------
        UserError
            If the disk does not take it, or has disappeared.
        """
        if pixels.shape != block.shape:
            raise ValueError(f"block {block} has shape {block.shape}, not {pixels.shape}")
        self._put(block, pixels.astype(self.image.dtype, copy=False).transpose(self.image.order))

    def shrink(self, block: Block) -> None:
        """Make a block of a coarser level from the level below it, file by file.

        Raises
        ------
        Damaged
            If a file below is not what was written.
        UserError
            If the disk does not take it, or has disappeared.
        """
        y, x = (self.image.letters.index(letter) for letter in "YX")
        pixels = np.empty(tuple(part.stop - part.start for part in block.stored), self.image.dtype)
        for below in self._below(block):
            pixels[place_in_coarser(below, block, self.image.letters)] = halve(self._read_back(below), (y, x))
        self._put(block, pixels)

    def _put(self, block: Block, stored: NDArray[Any]) -> None:
        place, name = self._in_place, self._file_of(block)
        file = place.content / name
        try:
            if not place.there():  # zarr would make a folder that has vanished anew
                raise gone(self.path)
            # zarr would put the new pixels beside what it finds in the file, which may be broken.
            file.unlink(missing_ok=True)
            self._arrays[block.level][block.stored] = stored
            self._journal.add(name, Receipt.of(file))
        except OSError as error:
            raise disk_error(error, self.path) from error

    def _read_back(self, block: Block) -> NDArray[Any]:
        place, name = self._in_place, self._file_of(block)
        if not self._journal[name].fits(place.content / name, look_inside=True):
            if not place.there():
                raise gone(self.path)
            self._journal.remove(name)
            raise Damaged(block)
        return np.asarray(self._arrays[block.level][block.stored])

    def finish(self) -> Path:
        """Make the coarser levels that are missing, complete the metadata, and give the store its name.

        Raises
        ------
        UserError
            If blocks are missing, or the disk does not take it.
        """
        if self.finished:
            return self.path
        if (left := sum(1 for _ in self.missing())) > 0:
            raise UserError(
                f"{self.path} is not complete: {left} of {self.total} blocks are missing; "
                "start the same again to go on"
            )
        try:
            for block in self.coarser_missing():
                self.shrink(block)
            complete(self._in_place.content, self.image, self._arrays, self.fingerprint)
            settle_metadata(self._in_place.content)
        except Damaged as error:
            raise UserError(
                f"a part of the unfinished {self.path} is damaged ({error}); start the same again, "
                "and that part is done again"
            ) from error
        except OSError as error:
            raise disk_error(error, self.path) from error
        if self.path.exists() and not self._overwrite:
            raise UserError(
                f"{self.path} has come to exist while it was written; move that away and start the same "
                "again: nothing has to be computed again"
            )
        self._in_place.commit()
        self.finished, self._place = True, None
        return self.path

    def _file_of(self, block: Block) -> str:
        folder = self._level_folder(self.levels[block.level])
        return "/".join([*([folder] if folder else []), "c", *map(str, block.index)])

    def _level_folder(self, level: LevelLayout) -> str:
        return str(level.level) if self.image.ome else ""

    def close(self) -> None:
        """Let another process go on with it; nothing is removed."""
        if self._place is not None:
            self._place.close()
            self._place = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
