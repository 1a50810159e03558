"""Reading blocks of an array that may have to be computed, so that it can be stopped and shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import NoThreads, UserError, threads_told, words_of
from napari_srgan.images.arrays import ArrayLike, SourceGone
from napari_srgan.results.shard_layout import Block


class Stopped(Exception):
    """Nobody waits any more for what is being read."""


class Unreadable(Exception):
    """A part of the source could not be read or computed; says why."""


class BlockReader:
    """Reads blocks, on several threads at once.

    Parameters
    ----------
    source
        An array; or one that can say which tiles of a part are not computed yet (``missing``) and compute
        one of them under a watch (``compute``), as :class:`~napari_srgan.inference.lazy.LazyUpscaling`.
    still_there
        Called after each block; raises UserError if the source has disappeared: missing chunks of zarr read
        as zeros, also where all of them are missing.
    wanted
        Asked before each tile whether to go on.
    """

    def __init__(
        self,
        source: ArrayLike,
        still_there: Callable[[], None] | None = None,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source: Any = source
        self._still_there = still_there or (lambda: None)
        self._wanted = wanted
        self._lock = threading.Lock()
        self._stopped = False
        self._watches: dict[Block, Any] = {}
        self._shares: dict[Block, float] = {}

    def read(self, block: Block) -> NDArray[Any]:
        """Read a block.

        Raises
        ------
        Stopped
            If :meth:`stop` was called, or it is not wanted any more.
        Unreadable
            If this part of the source cannot be read or computed.
        SourceGone
            If the whole source has disappeared.
        MemoryError, NoThreads
            If the system gives too little of either; trying other blocks is of no use then.
        """
        try:
            pixels = self._pixels(block)
            self._check_wanted()
            self._check_source()
            return pixels
        except SourceGone as error:
            raise SourceGone(f"{error}; what is done is kept: start the same again to go on") from error
        finally:
            self._shares.pop(block, None)

    def share_of(self, block: Block) -> float:
        """How much of a block is computed, from 0 to 1."""
        return self._shares.get(block, 0.0)

    def stop(self) -> None:
        """Stop reading: within a layer of the network, where there is one."""
        with self._lock:
            self._stopped = True
            for watch in self._watches.values():
                watch.cancel()
        if hasattr(self._source, "stop"):  # a server may keep it waiting
            self._source.stop()

    def _pixels(self, block: Block) -> NDArray[Any]:
        try:
            self._check_wanted()
            with threads_told():
                if hasattr(self._source, "missing") and hasattr(self._source, "compute"):
                    self._compute(block)
                return np.asarray(self._source[block.slices])
        except (MemoryError, NoThreads, SourceGone, Stopped):
            raise
        except Exception as error:  # each codec has errors of its own, and not all can be sent
            self._check_source()
            raise Unreadable(words_of(error)) from None

    def _compute(self, block: Block) -> None:
        """Put the tiles of a block into the source's cache, from where it is then read."""
        from napari_srgan.inference.devices.cancellation import Cancelled, Watch

        places = self._source.missing(block.slices)
        for number, place in enumerate(places, start=1):
            watch = Watch()
            with self._lock:
                self._check_wanted()
                self._watches[block] = watch
            try:
                self._source.compute(place, watch)
            except Cancelled:
                raise Stopped from None
            finally:
                with self._lock:
                    self._watches.pop(block, None)
            self._shares[block] = number / len(places)

    def _check_wanted(self) -> None:
        if self._stopped or not self._wanted():
            raise Stopped

    def _check_source(self) -> None:
        try:
            self._still_there()
        except UserError as error:
            raise SourceGone(str(error)) from error
