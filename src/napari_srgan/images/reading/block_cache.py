"""What was read or computed last, within a budget of memory; what several threads want is made by one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass
class Claim(Generic[KeyT]):
    """What a thread gets of the values it wants."""

    age: int
    """How often the cache had been cleared."""
    kept: dict[KeyT, Any] = field(default_factory=dict)
    """Values that are there, by key."""
    coming: dict[KeyT, Future[Any]] = field(default_factory=dict)
    """Values that other threads are making."""
    ours: list[KeyT] = field(default_factory=list)
    """Keys of those that this thread has to make now, for itself and for others."""


class BlockCache(Generic[KeyT]):
    """Values by key; those that nobody wanted for longest give way when the budget is full.

    Parameters
    ----------
    budget
        Number of bytes for all values together. A value that is larger is not kept.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._kept: OrderedDict[KeyT, tuple[Any, int]] = OrderedDict()
        self._coming: dict[KeyT, Future[Any]] = {}
        self._filled = 0
        self._age = 0
        # One may be taken by a thread that has it: where garbage is collected, arrays forget their blocks.
        self._lock = threading.RLock()

    @property
    def filled(self) -> int:
        """Bytes that are taken."""
        return self._filled

    def __contains__(self, key: KeyT) -> bool:
        with self._lock:
            return key in self._kept

    def peek(self, key: KeyT) -> Any:
        """Get a value if it is there now, or None."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def claim(self, keys: Iterable[KeyT]) -> Claim[KeyT]:
        """Split values that are wanted into those that are there, those that others make, and the rest.

        Whoever gets some to make ends with :meth:`settle` or :meth:`fail`: others wait for them.
        """
        with self._lock:
            claim: Claim[KeyT] = Claim(self._age)
            for key in keys:
                if (kept := self._kept.get(key)) is not None:
                    self._kept.move_to_end(key)
                    claim.kept[key] = kept[0]
                elif key in self._coming:
                    claim.coming[key] = self._coming[key]
                else:
                    self._coming[key] = Future()
                    claim.ours.append(key)
            return claim

    def settle(self, claim: Claim[KeyT], made: Mapping[KeyT, tuple[Any, int]]) -> None:
        """Give the values of a claim to all who wait, and keep them, unless the cache was cleared meanwhile.

        Parameters
        ----------
        claim
            The claim.
        made
            For each of its own keys the value, and the number of bytes that it takes.
        """
        with self._lock:
            waited = [(self._coming.pop(key), value) for key, (value, _) in made.items()]
            if claim.age == self._age:
                for key, (value, size) in made.items():
                    self._keep(key, value, size)
        for coming, value in waited:
            coming.set_result(value)

    def fail(self, claim: Claim[KeyT], error: BaseException) -> None:
        """Tell all who wait for the values of a claim that they do not come."""
        with self._lock:
            waited = [self._coming.pop(key) for key in claim.ours]
        for coming in waited:
            coming.set_exception(error)

    def _keep(self, key: KeyT, value: Any, size: int) -> None:
        if size > self.budget:
            return
        self.drop(key)
        self._kept[key] = value, size
        self._filled += size
        while self._filled > self.budget:
            self.drop(next(iter(self._kept)))

    def drop(self, key: KeyT) -> None:
        """Forget one value."""
        with self._lock:
            _, size = self._kept.pop(key, (None, 0))
            self._filled -= size

    def drop_all(self, of: Callable[[KeyT], bool]) -> None:
        """Forget the values of all keys for which a function says so."""
        with self._lock:
            for key in [key for key in self._kept if of(key)]:
                self.drop(key)

    def clear(self) -> None:
        """Forget all there is, and what is being made now when it is there."""
        with self._lock:
            self._kept.clear()
            self._filled = 0
            self._age += 1
