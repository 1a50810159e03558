"""Settings of the whole process, changed for a moment by one thread at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()


@contextmanager
def process_wide() -> Iterator[None]:
    """Hold what is here to one thread, and keep warnings in it to itself.

    Python's warning filters, torch's list of types that may be unpickled and the modules that
    can be imported belong to the whole process: two threads that change and restore them at
    the same time would each undo what the other needs.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages about themselves, and about protocols
        yield
