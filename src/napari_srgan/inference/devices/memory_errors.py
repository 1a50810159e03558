"""Too little memory, which every device says in words of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

ResultT = TypeVar("ResultT")

MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")
"""What devices say that do not raise an error of their own for it."""


class OutOfMemory(Exception):
    """A tile did not fit into the device's memory; what it had taken is free again."""


class SampleTooLarge(OutOfMemory):
    """Not the tile did not fit, but what its plane's statistics are gathered from."""


def memory_errors_named(call: Callable[[], ResultT]) -> ResultT:
    """Make a call; each device says it has no memory in its own words: turn them into one error.

    Raises
    ------
    OutOfMemory
        If there was too little.
    """
    try:
        return call()
    except (torch.OutOfMemoryError, MemoryError) as error:
        reason = str(error)
    except RuntimeError as error:
        reason = str(error)
        if not any(words in reason.lower() for words in MEMORY_WORDS):
            raise
    # Outside of any handler: the first error, and the tensors its frames hold, must not be its context.
    raise OutOfMemory(reason)
