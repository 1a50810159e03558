"""Reading blocks of an array that may have to be computed, so that it can be stopped and shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError, threads_told
from napari_srgan.images.arrays import ArrayLike, SourceGone
from napari_srgan.results.shard_layout import Block


class Stopped(Exception):
    """The reading was stopped."""


class BlockReader:
    """Reads blocks, on several threads at once.

    Parameters
    ----------
    source
        An array; or one that can say which tiles of a part are not computed yet (``missing``) and compute
        one of them under a watch (``compute``), as :class:`~napari_srgan.inference.lazy.LazyUpscaling`.
    still_there
        Called after each block; raises UserError if the source has disappeared.
    """

    def __init__(self, source: ArrayLike, still_there: Callable[[], None] | None = None) -> None:
        self._source: Any = source
        self._still_there = still_there
        self._computes = hasattr(source, "missing") and hasattr(source, "compute")
        self._lock = threading.Lock()
        self._stopped = False
        self._watches: dict[Block, Any] = {}
        self._shares: dict[Block, float] = {}

    def read(self, block: Block) -> NDArray[Any]:
        """Read a block.

        Raises
        ------
        Stopped
            If :meth:`stop` was called.
        SourceGone
            If the source has disappeared.
        Exception
            Whatever the source raises.
        """
        self._go_on()
        try:
            with threads_told():
                if self._computes:
                    self._compute(block)
                pixels = np.asarray(self._source[block.slices])
            self._go_on()
            self._make_sure()
            return pixels
        except SourceGone as error:
            raise SourceGone(f"{error}; what is done is kept: start the same again to go on") from error
        finally:
            self._shares.pop(block, None)

    def _make_sure(self) -> None:
        """Missing chunks of zarr read as zeros; see that it is not all of them that are missing."""
        if self._still_there is None:
            return
        try:
            self._still_there()
        except UserError as error:
            raise SourceGone(str(error)) from error

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

    def _go_on(self) -> None:
        if self._stopped:
            raise Stopped

    def _compute(self, block: Block) -> None:
        """Put the tiles of a block into the source's cache, from where it is then read."""
        from napari_srgan.inference.devices.cancellation import Cancelled, Watch

        places = self._source.missing(block.slices)
        for number, place in enumerate(places):
            watch = Watch()
            with self._lock:
                self._go_on()
                self._watches[block] = watch
            try:
                self._source.compute(place, watch)
            except Cancelled as error:
                raise Stopped from error
            finally:
                with self._lock:
                    self._watches.pop(block, None)
            self._shares[block] = (number + 1) / len(places)
