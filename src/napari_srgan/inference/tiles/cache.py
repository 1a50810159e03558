"""What was computed lately, within a budget of memory; what two threads want is computed once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

import psutil

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.cancellation import Cancelled, Watch

ValueT = TypeVar("ValueT")

FREE_SHARE = 1 / 8
"""Share of the memory free at the start that a cache takes by default."""
_LEAST, _MOST = 2**28, 2**32
"""Least and largest number of bytes that it takes by default: some screens full of tiles, and some
hundred."""
LOOK = 0.05
"""Seconds between two looks at whether a thread that waits for another is still to wait."""


def cache_budget(given: int | None) -> int:
    """Bytes for a cache: those given, or an eighth of the free memory, 256 MiB at least and 4 GiB at most.

    Raises
    ------
    UserError
        If it is no whole number from 0 on.
    """
    if given is None:
        return int(min(max(psutil.virtual_memory().available * FREE_SHARE, _LEAST), _MOST))
    if not hasattr(given, "__index__") or given < 0:
        raise UserError(f"the memory for tiles is a whole number of bytes, 0 for none; got {given!r}")
    return int(given)


class TileCache:
    """Values by key; those used longest ago go when the budget is full.

    Parameters
    ----------
    budget
        Number of bytes for all values together. A value that is larger is given, but not kept.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}
        self._filled = 0
        self._age = 0
        self._lock = threading.Lock()

    @property
    def filled(self) -> int:
        """Bytes that are taken."""
        return self._filled

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def peek(self, key: Hashable) -> Any:
        """What is there now, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(
        self,
        key: Hashable,
        compute: Callable[[], ValueT],
        size: Callable[[ValueT], int],
        watch: Watch | None = None,
    ) -> ValueT:
        """What is there, or what is computed now, by this thread or by another that is at it.

        Parameters
        ----------
        key
            The key of the value.
        compute
            A function that makes the value.
        size
            A function that tells how many bytes the value takes.
        watch
            If it is cancelled, the waiting for another thread ends.

        Raises
        ------
        Cancelled
            If the watch was cancelled.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found: ValueT = self._kept[key][0]
                    return found
                theirs = self._running.get(key)
                if theirs is None:
                    ours = self._running[key] = Future[Any]()
                    age = self._age
            if theirs is None:
                return self._compute(key, compute, size, ours, age)
            while not theirs.done():
                wait([theirs], LOOK)
                if watch is not None and watch.cancelled:
                    raise Cancelled
            # A thread that failed or was stopped leaves it to those who still want it.
            if theirs.exception() is None:
                shared: ValueT = theirs.result()
                return shared

    def _compute(
        self,
        key: Hashable,
        compute: Callable[[], ValueT],
        size: Callable[[ValueT], int],
        ours: Future[Any],
        age: int,
    ) -> ValueT:
        try:
            value = compute()
        except BaseException:
            with self._lock:
                del self._running[key]
            # Not the error itself: its frames hold tensors.
            ours.set_exception(Cancelled())
            raise
        with self._lock:
            del self._running[key]
            if age == self._age:
                self._keep(key, value, size(value))
        ours.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Any, size: int) -> None:
        if size > self.budget:
            return
        self._kept[key] = value, size
        self._filled += size
        while self._filled > self.budget:
            self._filled -= self._kept.popitem(last=False)[1][1]

    def drop(self, key: Hashable) -> None:
        """Forget one value."""
        with self._lock:
            self._filled -= self._kept.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Forget all there is, and what is being computed now when it is there."""
        with self._lock:
            self._kept.clear()
            self._filled = 0
            self._age += 1
