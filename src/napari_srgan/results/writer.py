"""A zarr store that is written block by block, can be killed at any moment, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from numpy.typing import NDArray

from napari_srgan.disk.atomic_write import atomic_write
from napari_srgan.disk.disk_errors import disk_errors_told, gone
from napari_srgan.disk.partial_folder import Unfinished
from napari_srgan.errors import UserError
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.results.block_files import BlockFiles, Damaged
from napari_srgan.results.existing_result import finished_fingerprint, read_state
from napari_srgan.results.fingerprint import as_json, what_differs
from napari_srgan.results.shard_layout import Block, LevelLayout, Sides
from napari_srgan.results.store_arrays import begin, complete, open_level_arrays, result_image


class RestartableStore(AbstractContextManager["RestartableStore"]):
    """A result on disk that grows block by block.

    While it grows it lies beside its place in a folder ``.partial-NAME``; it has its name
    when it is finished. Whoever opens it again with the same fingerprint goes on where it was: shards are
    whole or absent, and what has been damaged since is found and done again. The finished store is the same,
    whatever happened in between.

    Parameters
    ----------
    path
        A name in ``.zarr`` for a plain array, in ``.ome.zarr`` for OME-Zarr 0.5 with coarser levels.
    shape, dtype, axes
        Shape, type and axes (one letter each) of the result.
    spacings
        Spacings of the result, one for each axis; plain pixels by default.
    fingerprint
        Everything that decides a value of the result: weights, parameters, the identity of the input.
        Plain values that JSON can hold; shown to the user where they differ.
    provenance
        Kept in the store.
    look
        What is known of the image beside its pixels; OME-Zarr shows its name.
    sides
        Sides of chunks and shards, for a store that is new. One that is gone on with keeps its own.
    overwrite
        Replace what has that name, and an unfinished store with another fingerprint.

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
        self._overwrite = overwrite
        self._sides = sides or Sides()
        self._done: set[str] = set()
        self._place: Unfinished | None = None
        self.files = BlockFiles(path, self.image, self.image.levels(self._sides), uuid4().hex)
        if self._is_finished():
            _remove_remains(path)
            return
        self._place = Unfinished(path)
        try:
            with disk_errors_told(path):
                self._open(self._place)
        except BaseException:
            self.close()
            raise

    def _open(self, place: Unfinished) -> None:
        if self._is_finished():  # since the last look: another process has just finished it
            place.discard()
            self._place = None
            return
        place.clear_incoming()  # first, so that no worker of an earlier run writes any more
        state = self._state_before()
        if state:
            self._sides = Sides(**state["sides"])
            self.files = replace(self.files, levels=self.image.levels(self._sides))
        if not state or not place.content.exists():
            self._begin(place)
        try:
            open_level_arrays(place.content, self.image, self.levels)
        except Exception as error:  # whatever zarr says of metadata that is broken
            if not self._overwrite:
                raise UserError(
                    f"the unfinished {self.path} is damaged ({error}); "
                    "ask for it to be overwritten to begin anew"
                ) from error
            self._begin(place)
        self._done = self.files.repair()
        self.files.incoming.mkdir()

    def _is_finished(self) -> bool:
        """Whether the store that is wanted has its name; something else of that name is refused."""
        self.finished = False
        if self._overwrite or not self.path.exists():
            return False
        taken = f"{self.path} exists already{{}}; choose another name, or ask for it to be overwritten"
        found = finished_fingerprint(self.path)
        if found is None:
            raise UserError(taken.format(""))
        if differs := what_differs(found, self.fingerprint):
            raise UserError(taken.format(f" and was made otherwise ({differs})"))
        self.finished = True
        return True

    def _state_before(self) -> dict[str, Any] | None:
        """How the unfinished store was begun, if it is gone on with; another one is refused."""
        state = read_state(self.path)
        differs = what_differs(state["fingerprint"], self.fingerprint) if state else ""
        if differs and not self._overwrite:
            raise UserError(
                f"there is an unfinished {self.path} that was begun otherwise ({differs}); begin it "
                "in the same way to go on with it, choose another name, or ask for it to be overwritten"
            )
        return None if differs else state

    def _begin(self, place: Unfinished) -> None:
        place.clear()
        begin(place.content, self.image, self.levels)
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
        """The number of blocks of the finest level."""
        return len(self.levels[0])

    def missing(self) -> Iterator[Block]:
        """Blocks of the finest level that are not done yet, the last axis first."""
        return (block for block in self.levels[0].blocks() if not self.has(block))

    def coarser_missing(self) -> Iterator[Block]:
        """Blocks of coarser levels that are not done yet, finer levels first."""
        return (block for level in self.levels[1:] for block in level.blocks() if not self.has(block))

    def has(self, block: Block) -> bool:
        """Whether a block is done."""
        return self.finished or self.files.name_of(block) in self._done

    def ready(self, block: Block) -> bool:
        """Whether everything is done that a block is made from in the store."""
        return block.level == 0 or all(map(self.has, self.files.below(block)))

    def write(self, block: Block, pixels: NDArray[Any]) -> None:
        """Write a block; it is done, and stays so through a power failure, when this returns.

        Writing one again is allowed. Different blocks may be written by several threads; for parameters and
        errors see :meth:`BlockFiles.write`.
        """
        self.files.write(block, pixels)
        self.mark_done(block)

    def shrink(self, block: Block) -> None:
        """Make a block of a coarser level from the level below it; see :meth:`BlockFiles.shrink`."""
        self.files.shrink(block)
        self.mark_done(block)

    def mark_done(self, block: Block) -> None:
        """Take a block for done that any process has written."""
        self._done.add(self.files.name_of(block))

    def mark_missing(self, block: Block) -> None:
        """Remove a block that turned out to be damaged; raises UserError if the whole store is gone."""
        if not self._in_place.there():
            raise gone(self.path)
        self._done.discard(self.files.name_of(block))
        self.files.remove(block)

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
        except Damaged as error:
            self.mark_missing(error.block)
            raise UserError(
                f"a part of the unfinished {self.path} is damaged ({error}); start the same again, "
                "and that part is done again"
            ) from error
        with disk_errors_told(self.path):
            complete(self._in_place.content, self.image, self.levels, self.fingerprint)
        if self.path.exists() and not self._overwrite:
            raise UserError(
                f"{self.path} has come to exist while it was written; move that away and start the same "
                "again: nothing has to be computed again"
            )
        self._in_place.clear_incoming()  # a late worker would make folders in what is being taken away
        self._in_place.commit()
        self.finished, self._place = True, None
        return self.path

    def close(self) -> None:
        """Let another process go on with it; nothing is removed."""
        if self._place is not None:
            self._place.clear_incoming()
            self._place.close()
            self._place = None

    def __exit__(self, *_: object) -> None:
        self.close()


def _remove_remains(path: Path) -> None:
    """Remove what is left of a run that was killed when its store already had its name."""
    if read_state(path) is None:
        return
    with suppress(UserError):
        place = Unfinished(path)
        if place.content.exists():  # another one, that is to replace this
            place.close()
        else:
            place.discard()
