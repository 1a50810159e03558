"""An array that is computed where it is read, copied into a store block by block."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_srgan.errors import NoThreads, UserError, threads_told, words_of
from napari_srgan.images.arrays import ArrayLike, SourceGone
from napari_srgan.progress import Job, Progress
from napari_srgan.results.block_reading import BlockReader
from napari_srgan.results.failures import Setbacks
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.threads import WorkThreads
from napari_srgan.results.writer import Damaged, RestartableStore

WRITERS = max(2, min(4, os.cpu_count() or 1))
"""Threads that compress and write, and wait until the disk has it."""
_PAUSE = 0.05
"""Seconds between two words of progress."""


def copy_job(
    source: ArrayLike,
    store: RestartableStore,
    *,
    workers: int = 2,
    still_there: Callable[[], None] | None = None,
) -> Job[Path]:
    """Copy an array into a store, and give the store its name.

    While one block is computed others are read, compressed and written; coarser levels grow
    with the finest one. What the store has already is not read.

    Parameters
    ----------
    source
        Of the store's shape and dtype. If it computes tiles (``missing`` and ``compute``, as
        :class:`~napari_srgan.inference.lazy.LazyUpscaling` does), they are stopped between two layers.
    store
        Open; closed by whoever opened it.
    workers
        Threads that read the source. At most `workers` + :data:`WRITERS` + 2 blocks are in memory.
    still_there
        Called after each block was read; raises UserError if the source has disappeared, where that would
        otherwise pass for empty parts.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within one tile and keeps what is done.

    Returns
    -------
    Path
        Of the finished store.

    Raises
    ------
    UserError
        If blocks could not be read (all others are done, and kept), or the disk does not take them.
    """
    if tuple(source.shape) != store.image.shape:
        raise ValueError(f"the source has shape {tuple(source.shape)}, the store {store.image.shape}")
    if store.finished:
        return store.path
    copy = _Copy(store, BlockReader(source, still_there), workers)
    try:
        yield copy.progress()
        with threads_told():  # by what the source or zarr needs
            while copy.step():
                yield copy.progress()
    finally:
        copy.stop()
    if copy.setbacks.left_out:
        raise UserError(copy.setbacks.sentence())
    yield copy.progress("Completing")
    return store.finish()


@dataclass
class _Copy:
    """The work in hand; touched only by the thread of the job."""

    store: RestartableStore
    reader: BlockReader
    workers: int

    def __post_init__(self) -> None:
        self.setbacks = Setbacks(self.store)
        self._readers = WorkThreads(self.workers, "read")
        self._writers = WorkThreads(WRITERS, "write")
        self._reading: dict[Future[NDArray[Any]], Block] = {}
        self._writing: dict[Future[None], Block] = {}
        self._missing: Iterator[Block] = self.store.missing()
        # A level that has all it needs from a run before.
        self._coarser: Iterator[Block] = iter(self._ready_already())
        self._total = sum(block.work for level in self.store.levels for block in level.blocks())
        missing = chain(self.store.missing(), self.store.coarser_missing())
        self._done = self._total - sum(block.work for block in missing)
        self._next_word = 0.0

    def _ready_already(self) -> list[Block]:
        return [block for block in self.store.coarser_missing() if self.store.ready(block)]

    def progress(self, doing: str = "Writing") -> Progress:
        begun = sum(self.reader.share_of(block) * block.work for block in self._reading.values())
        done = min(int(self._done + begun), self._total)
        return Progress(done, self._total, f"{doing} {self.store.path.name}")

    def step(self) -> bool:
        """Work until it is time to say a word; False when there is nothing left to do."""
        self._next_word = time.monotonic() + _PAUSE
        while True:
            self._hand_out()
            if not self._reading and not self._writing:
                return False
            left = self._next_word - time.monotonic()
            if left <= 0:
                return True
            running: list[Future[Any]] = [*self._reading, *self._writing]
            done, _ = wait(running, left, FIRST_COMPLETED)
            for future in done:
                if future in self._reading:
                    self._was_read(future)
                else:
                    self._was_written(future)

    def _hand_out(self) -> None:
        while len(self._writing) <= WRITERS and (block := next(self._coarser, None)):
            self._shrink(block)
        # One more than there are workers, so that none waits for us.
        while len(self._reading) <= self.workers and len(self._writing) <= WRITERS:
            block = next((one for one in self._missing if one not in self.setbacks.damaged), None)
            if block is None:
                return
            self._read(block)

    def _was_read(self, future: Future[NDArray[Any]]) -> None:
        block = self._reading.pop(future)
        error = future.exception()
        if error is None:
            self.setbacks.made()
            self._writing[self._writers.submit(self.store.write, block, future.result())] = block
        elif isinstance(error, Exception) and not isinstance(error, MemoryError | SourceGone | NoThreads):
            self.setbacks.leave_out(block, words_of(error))
        else:
            raise error

    def _was_written(self, future: Future[None]) -> None:
        block = self._writing.pop(future)
        try:
            future.result()
        except Damaged as error:
            self._do_again(error.block)
            return
        self._done += block.work
        above = self.store.ready_above(block)
        if above is not None and above not in self._writing.values():
            self._shrink(above)

    def _shrink(self, block: Block) -> None:
        self._writing[self._writers.submit(self.store.shrink, block)] = block

    def _do_again(self, block: Block) -> None:
        self.setbacks.do_again(block)
        self._done -= block.work
        if block.level:
            self._shrink(block)
        else:
            self._read(block)

    def _read(self, block: Block) -> None:
        self._reading[self._readers.submit(self.reader.read, block)] = block

    def stop(self) -> None:
        """End all threads within a tile; blocks that are being written are written to the end."""
        self.reader.stop()
        self._readers.shutdown()
        self._writers.shutdown()
