"""Blocks that are made by threads of this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Semaphore

from napari_srgan.errors import NoThreads, threads_told
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.block_reading import BlockReader
from napari_srgan.results.shard_layout import Block

WRITERS = max(2, min(4, os.cpu_count() or 1))
"""Threads beyond those that read: they compress and write, and wait until the disk has it."""


class ThreadBlockExecutor:
    """Makes blocks of a store on threads; see :class:`~napari_srgan.results.schedule.BlockExecutor`.

    Parameters
    ----------
    files
        Where blocks are written to.
    reader
        Reads the pixels of a block of the finest level.
    readers
        Blocks that are read at a time. At most `readers` + :data:`WRITERS` are in memory.
    """

    where = ""

    def __init__(self, files: BlockFiles, reader: BlockReader, readers: int) -> None:
        self._files = files
        self._reader = reader
        self._reading = Semaphore(readers)
        self._threads = _Threads(readers + WRITERS, "block")

    def capacity(self) -> int:
        """One more than there are threads, so that none waits for us."""
        return self._threads.most + 1

    def submit(self, block: Block) -> Future[None]:
        return self._threads.submit(self._make if block.level == 0 else self._files.shrink, block)

    def result(self, future: Future[None]) -> None:
        future.result()

    def share_of(self, block: Block) -> float:
        return self._reader.share_of(block)

    def stop(self) -> None:
        """End all threads within a tile; blocks that are being written are written to the end."""
        self._reader.stop()
        self._threads.shutdown()

    def _make(self, block: Block) -> None:
        with self._reading:
            pixels = self._reader.read(block)
        self._files.write(block, pixels)


class _Threads:
    """A thread pool that goes on with fewer threads where the system gives no more."""

    def __init__(self, most: int, name: str) -> None:
        self.most = most
        self._pool = ThreadPoolExecutor(most, name)
        self._begun = False

    def submit(self, make: Callable[[Block], None], block: Block) -> Future[None]:
        """Have a block made on one of them; raises NoThreads if the system gives not even one."""
        future: Future[None] = Future()

        def work() -> None:
            try:
                make(block)
                future.set_result(None)
            except BaseException as error:
                future.set_exception(error)

        try:
            with threads_told():
                self._pool.submit(work)
            self._begun = True
        except NoThreads:
            # The pool has taken the work before it asked for a thread: another one will do it.
            if not self._begun:
                raise
        return future

    def shutdown(self) -> None:
        """Wait for what is being done, and do nothing of the rest."""
        self._pool.shutdown(cancel_futures=True)
