"""One thread that computes what is looked at, and stops when nobody looks any more."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from napari_srgan.inference.devices.cancellation import Cancelled, Watch
from napari_srgan.viewer.jobs.worker import lower_thread_priority
from napari_srgan.viewer.lazy.level_window import Filling, SliceKey

TILE_THREAD = "napari-srgan lazy tiles"
LONGEST_LAYER = 5.0
"""Seconds that one layer of a network is waited for when Python ends."""


@dataclass(frozen=True)
class VisibleLevel:
    """A part of a level that is looked at."""

    level: Filling
    key: SliceKey


@dataclass
class _Work:
    part: VisibleLevel
    place: Any
    watch: Watch


class BackgroundTiles:
    """Computes the missing tiles of the parts that are wanted, nearest the middle first.

    There is a thread only while there is something to compute. No tile is computed twice for one look,
    also if not all can be kept. A tile that failed is not tried again before :meth:`retry_failed`.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._wanted: tuple[VisibleLevel, ...] = ()
        self._work: _Work | None = None
        self._thread: threading.Thread | None = None
        self._done: set[tuple[int, Any]] = set()
        self._failed: set[tuple[int, Any]] = set()
        self._errors: list[Exception] = []
        self._arrived = False
        _ALL.add(self)

    @property
    def busy(self) -> bool:
        """Whether anything is computed, or about to be."""
        return self._thread is not None

    def want(self, parts: Sequence[VisibleLevel]) -> None:
        """Compute these parts, in this order, and nothing else: what is computed for others is stopped."""
        with self._changing:
            if self._wanted != tuple(parts):
                self._wanted = tuple(parts)
                self._done.clear()
            if self._work is not None and not self._is_wanted(self._work):
                self._work.watch.cancel()
            if self._thread is None and self._next() is not None:
                self._thread = threading.Thread(target=self._run, name=TILE_THREAD, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop within one layer of the network."""
        self._wanted = ()  # without the lock: it may be called while an object is deleted, anywhere
        if (work := self._work) is not None:
            work.watch.cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until nothing is computed."""
        if (thread := self._thread) is not None:
            thread.join(seconds)

    def take_arrived(self) -> bool:
        """Whether anything came since the last time."""
        with self._changing:
            arrived, self._arrived = self._arrived, False
        return arrived

    def take_errors(self) -> list[Exception]:
        """What went wrong since the last time."""
        with self._changing:
            errors, self._errors = self._errors, []
        return errors

    def report(self, error: Exception) -> None:
        """Something went wrong that belongs to what is looked at."""
        with self._changing:
            self._errors.append(error)

    def retry_failed(self) -> None:
        """Try failed tiles again when they are wanted next."""
        with self._changing:
            self._failed.clear()

    def _run(self) -> None:
        lower_thread_priority()
        while True:
            with self._changing:
                self._work = work = self._next()
                if work is None:
                    self._thread = None
                    return
            try:
                work.part.level.compute(work.place, work.watch)
            except Cancelled:
                continue
            except Exception as error:
                with self._changing:
                    self._failed.add(_name(work.part.level, work.place))
                    self._errors.append(error)
                continue
            with self._changing:
                self._done.add(_name(work.part.level, work.place))
                self._arrived = True

    def _next(self) -> _Work | None:
        for part in self._wanted:
            with suppress(StopIteration):
                return _Work(part, next(self._to_do(part)), Watch())
        return None

    def _to_do(self, part: VisibleLevel) -> Any:
        over = self._failed | self._done
        return (place for place in part.level.missing(part.key) if _name(part.level, place) not in over)

    def _is_wanted(self, work: _Work) -> bool:
        same = (part for part in self._wanted if part.level is work.part.level)
        return any(work.place in part.level.missing(part.key) for part in same)


def _name(level: Filling, place: Any) -> tuple[int, Any]:
    return id(level), place


_ALL: WeakSet[BackgroundTiles] = WeakSet()


@atexit.register
def _stop_all() -> None:
    # A thread that is inside torch while Python is taken down crashes the process.
    for tiles in list(_ALL):
        tiles.stop()
        tiles.wait(LONGEST_LAYER)
