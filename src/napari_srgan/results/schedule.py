"""All blocks of a store, handed out to whoever makes them: threads of this process, or a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from napari_srgan.errors import UserError, threads_told
from napari_srgan.images.arrays import ArrayLike
from napari_srgan.progress import Job, Progress
from napari_srgan.results.block_files import Damaged
from napari_srgan.results.block_reading import BlockReader, Unreadable
from napari_srgan.results.failures import Failures
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.threads import ThreadBlockExecutor
from napari_srgan.results.writer import RestartableStore

PAUSE = 0.05
"""Seconds between two words of progress."""


class BlockExecutor(Protocol):
    """Whoever makes blocks of a store and writes them; used by the thread of the job alone."""

    @property
    def where(self) -> str:
        """Words for the progress, after the name of the store."""

    def capacity(self) -> int:
        """How many blocks it can have at the moment, those included that wait for their turn."""

    def submit(self, block: Block) -> Future[Any]:
        """Have a block made: of the finest level from the source, of others from the level below."""

    def result(self, future: Future[Any]) -> None:
        """Return if the block was written; raise Damaged, Unreadable, or what ends the run."""

    def share_of(self, block: Block) -> float:
        """How much of a block that is being made is computed, from 0 to 1."""

    def stop(self) -> None:
        """End what was begun within a tile, and make nothing of the rest."""


def copy_job(
    source: ArrayLike,
    store: RestartableStore,
    *,
    workers: int = 2,
    still_there: Callable[[], None] | None = None,
) -> Job[Path]:
    """Fill a store from an array, on threads: while one block is computed others are written.

    Parameters
    ----------
    source, still_there
        As for :class:`~napari_srgan.results.block_reading.BlockReader`; of the store's shape and type.
    store
        As for :func:`fill_job`, which tells also what is yielded, returned and raised.
    workers
        Blocks that are read at a time.
    """
    if tuple(source.shape) != store.image.shape:
        raise ValueError(f"the source has shape {tuple(source.shape)}, the store {store.image.shape}")
    if store.finished:
        return store.path
    reader = BlockReader(source, still_there)
    return (yield from fill_job(store, ThreadBlockExecutor(store.files, reader, workers)))


def fill_job(store: RestartableStore, executor: BlockExecutor) -> Job[Path]:
    """Have all blocks of a store made that are missing, and give the store its name.

    Coarser levels grow with the finest one.

    Parameters
    ----------
    store
        Open; closed by whoever opened it.
    executor
        Stopped in the end.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within one tile and keeps what is done.

    Returns
    -------
    Path
        The path of the finished store.

    Raises
    ------
    UserError
        If blocks could not be made (all others are done, and kept), or the disk does not take them.
    """
    try:
        run = _Run(store, executor)
        yield run.progress()
        with threads_told():  # by what the source or zarr needs
            while run.step():
                yield run.progress()
    finally:
        executor.stop()
    if run.failures.left_out:
        raise UserError(run.failures.sentence())
    yield replace(run.progress(), message=f"Completing {store.path.name}")
    return store.finish()


class _Run:
    """The work in hand."""

    def __init__(self, store: RestartableStore, executor: BlockExecutor) -> None:
        self.failures = Failures(store)
        self._store = store
        self._executor = executor
        self._running: dict[Future[Any], Block] = {}
        self._missing = store.missing()
        # What comes before that; at first what has all it needs from a run before.
        self._urgent = list(store.coarser_missing())
        self._total = sum(block.work for level in store.levels for block in level.blocks())
        self._done = self._total - sum(block.work for block in chain(store.missing(), self._urgent))

    def progress(self) -> Progress:
        """How much of the work is done, begun blocks included."""
        begun = sum(self._executor.share_of(block) * block.work for block in self._running.values())
        done = min(int(self._done + begun), self._total)
        return Progress(done, self._total, f"Writing {self._store.path.name}{self._executor.where}")

    def step(self) -> bool:
        """Work until it is time to say a word; False when there is nothing left to do."""
        word = time.monotonic() + PAUSE
        while (left := word - time.monotonic()) > 0:
            self._hand_out()
            if self._running:
                for future in wait(self._running, left, FIRST_COMPLETED).done:
                    self._collect(future)
            elif self._something_left():  # and nobody there to make it
                time.sleep(left)
            else:
                return False
        return True

    def _something_left(self) -> bool:
        self._urgent += islice(self._missing, 0 if self._urgent else 1)
        return bool(self._urgent)

    def _hand_out(self) -> None:
        capacity = self._executor.capacity()
        while len(self._running) < capacity and self._something_left():
            block = self._urgent.pop()
            begun = self._store.has(block) or block in self._running.values()
            # What is not ready comes again after the last that it is made from.
            if not begun and self._store.ready(block):
                self._running[self._executor.submit(block)] = block

    def _collect(self, future: Future[Any]) -> None:
        block = self._running.pop(future)
        try:
            self._executor.result(future)
        except Damaged as error:
            self._done -= error.block.work if self._store.has(error.block) else 0
            self._store.mark_missing(error.block)
            self.failures.make_again(error.block)
            self._urgent.append(error.block)
        except Unreadable as error:
            if block.level == 0:  # what is missing of the others is made at the end
                self.failures.leave_out(block, str(error))
        else:
            self._store.mark_done(block)
            self._done += block.work
            self._urgent += self._store.files.above(block)
            if block.level == 0:
                self.failures.in_a_row = 0
