"""Ctrl-C and a cluster's SIGTERM as a wish that is granted at the next good place."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Wish:
    """Whether somebody has asked to stop."""

    number: int = 0
    """Number of the signal that asked; 0 if nobody has asked."""

    @property
    def status(self) -> int:
        """Exit status of a process that ends by that signal, as shells have it."""
        return 128 + self.number


@contextmanager
def stop_wishes(*, heard: bool = True) -> Iterator[Wish]:
    """Take signals as wishes; a second Ctrl-C stops at once.

    Parameters
    ----------
    heard
        False for processes that stop when another one says so: they let signals pass.
    """
    wish = Wish()

    def take(number: int, frame: Any) -> None:
        del frame
        if not heard:
            return
        if wish.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        wish.number = number

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
