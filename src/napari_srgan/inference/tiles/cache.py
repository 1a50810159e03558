"""What was computed lately, within a budget of memory; what two threads want is computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import wait
from typing import TypeVar

import psutil

from napari_srgan.errors import UserError
from napari_srgan.images.reading.block_cache import BlockCache
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


class TileCache(BlockCache[Hashable]):
    """A cache whose values are computed where they are wanted; waiting for those of others can be ended."""

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
            claim = self.claim([key])
            if claim.ours:
                try:
                    value = compute()
                    made = {key: (value, size(value))}
                except BaseException:
                    # Not the error itself: its frames hold tensors.
                    self.fail(claim, Cancelled())
                    raise
                self.settle(claim, made)
                return value
            if claim.kept:
                found: ValueT = claim.kept[key]
                return found
            theirs = claim.coming[key]
            while not theirs.done():
                wait([theirs], LOOK)
                if watch is not None and watch.cancelled:
                    raise Cancelled
            # A thread that failed or was stopped leaves it to those who still want it.
            if theirs.exception() is None:
                shared: ValueT = theirs.result()
                return shared
