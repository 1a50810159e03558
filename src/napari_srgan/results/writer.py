"""A zarr store that is written block by block, can be killed at any moment, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from numpy.typing import NDArray

from napari_srgan.disk.atomic_write import atomic_write, settle_folder, settled_folder
from napari_srgan.disk.disk_errors import disk_error, gone
from napari_srgan.disk.partial_folder import Unfinished
from napari_srgan.errors import UserError
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.results.block_files import BlockFiles, Damaged, Delivery
from napari_srgan.results.fingerprint import as_json
from napari_srgan.results.journal import Journal, Receipt
from napari_srgan.results.reopening import forget_what_is_broken, is_finished, state_before, tidy
from napari_srgan.results.shard_layout import Block, LevelLayout, Sides, coarser_index, finer_indices
from napari_srgan.results.store_arrays import (
    begin,
    complete,
    open_level_arrays,
    result_image,
    settle_metadata,
)

__all__ = ["Damaged", "RestartableStore"]


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
    look
        What is known of the image beside its pixels; OME-Zarr shows its name.
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
        look: ImageLook | None = None,
        sides: Sides | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = path
        self.image = result_image(path, shape, dtype, axes, spacings, provenance, look)
        self.fingerprint = as_json(
            {"shape": self.image.shape, "dtype": self.image.dtype.name, "axes": axes} | dict(fingerprint)
        )
        self._place: Unfinished | None = None
        self._sides = sides or Sides()
        self._overwrite = overwrite
        self.finished = not overwrite and is_finished(path, self.fingerprint)
        self.files = BlockFiles(path, self.image, self.image.levels(self._sides), uuid4().hex)
        if self.finished:
            tidy(path)
            return
        self._place = Unfinished(path)
        try:
            self._open(self._place)
        except OSError as error:
            self.close()
            raise disk_error(error, path) from error
        except BaseException:
            self.close()
            raise

    def _open(self, place: Unfinished) -> None:
        if not self._overwrite and is_finished(self.path, self.fingerprint):
            # Since the last look: another process has just finished it.
            place.discard()
            self._place, self.finished = None, True
            return
        state = state_before(self.path, self.fingerprint, overwrite=self._overwrite)
        if state:
            self._sides = Sides(**state["sides"])
            self.files = replace(self.files, levels=self.image.levels(self._sides))
        if not state or not place.content.exists():
            self._begin(place)
        try:
            self._arrays = open_level_arrays(place.content, self.image, self.levels)
        except Exception as error:  # whatever zarr says of metadata that is broken
            if not self._overwrite:
                raise UserError(
                    f"the unfinished {self.path} is damaged ({error}); "
                    "ask for it to be overwritten to begin anew"
                ) from error
            self._begin(place)
            self._arrays = open_level_arrays(place.content, self.image, self.levels)
        self._journal = Journal(place.journal)
        forget_what_is_broken(self.files, self._journal)
        place.clear_incoming()
        self.files.incoming.mkdir()

    def _begin(self, place: Unfinished) -> None:
        place.clear()
        begin(place.content, self.image, self.levels)
        settle_metadata(place.content)
        # Last, so that a store is begun as a whole or not at all.
        state = {"fingerprint": self.fingerprint, "sides": asdict(self._sides)}
        atomic_write(place.state, json.dumps(state).encode())

    @property
    def _in_place(self) -> Unfinished:
        if self._place is None:
            raise ValueError(f"the store {self.path} is closed")
        return self._place

    @property
    def levels(self) -> tuple[LevelLayout, ...]:
        """How it is cut into blocks, the finest level first."""
        return self.files.levels

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
        return self.finished or self.files.name_of(block) in self._journal

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
        self.put(self.files.write(block, pixels))

    def shrink(self, block: Block) -> None:
        """Make a block of a coarser level from the level below it, file by file.

        Raises
        ------
        Damaged
            If a file below is not what was written.
        UserError
            If the disk does not take it, or has disappeared.
        """
        try:
            self.put(self.files.shrink(block, self.below(block)))
        except Damaged as error:
            self.mark_missing(error.block)
            raise

    def below(self, block: Block) -> list[tuple[Block, Receipt]]:
        """What a block of a coarser level is made from; all of it is done."""
        return [(finer, self._journal[self.files.name_of(finer)]) for finer in self._below(block)]

    def put(self, *deliveries: Delivery) -> None:
        """Put blocks that were written by any process in their places; they are done when this returns.

        Many at once wait for the disk hardly longer than one.

        Raises
        ------
        UserError
            If the disk does not take it, or has disappeared.
        """
        place = self._in_place
        named = {self.files.name_of(delivery.block): delivery for delivery in deliveries}
        try:
            if not place.there():  # a folder that has vanished is not made anew
                raise gone(self.path)
            for name, delivery in named.items():
                self._put(delivery, place.content / name)
            for folder in {(place.content / name).parent for name, one in named.items() if one.file}:
                settle_folder(folder)
            self._journal.add({name: delivery.receipt for name, delivery in named.items()})
        except OSError as error:
            raise disk_error(error, self.path) from error

    def _put(self, delivery: Delivery, file: Path) -> None:
        if delivery.file:
            settled_folder(file.parent)
            (self.files.incoming / delivery.file).replace(file)
        else:
            file.unlink(missing_ok=True)

    def mark_missing(self, block: Block) -> None:
        """Take a block for missing that turned out to be damaged.

        Raises
        ------
        UserError
            If not the block has disappeared, but the whole store.
        """
        if not self._in_place.there():
            raise gone(self.path)
        self._journal.remove(self.files.name_of(block))

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

    def close(self) -> None:
        """Let another process go on with it; nothing is removed."""
        if self._place is not None:
            self._place.clear_incoming()
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
