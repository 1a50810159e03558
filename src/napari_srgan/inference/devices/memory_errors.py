"""Too little memory, which every device says in words of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

ResultT = TypeVar("ResultT")

MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cudnn_status_alloc_failed",
    "cudnn_status_internal_error_device_allocation_failed",
    "cublas_status_alloc_failed",
    "ur_result_error_out_of_device_memory",
    "ur_result_error_out_of_host_memory",
    "invalid buffer size",  # of Metal: larger than any buffer may be
)
"""What devices say that do not raise an error of their own for it."""

UNCLEAR_WORDS = (
    # cuDNN, where no plan fits into what is free, or none exists for this GPU
    "unable to find an engine to execute this computation",
    "unable to find a valid cudnn algorithm to run convolution",
    # a SYCL kernel that wants more registers than there are says the same
    "out_of_resources",
    # oneDNN
    "could not create a memory object",
)
"""What is said for want of memory, and for other reasons too."""


class OutOfMemory(Exception):
    """A tile did not fit into the device's memory; what it had taken is free again."""


class PerhapsOutOfMemory(OutOfMemory):
    """An error that may mean this, or something else: then it comes with the smallest tile, too."""


class SampleTooLarge(OutOfMemory):
    """Not the tile did not fit, but what its plane's statistics are gathered from."""


def memory_errors_named(call: Callable[[], ResultT]) -> ResultT:
    """Make a call; each device says it has no memory in its own words: turn them into one error.

    Raises
    ------
    OutOfMemory
        If there was too little.
    PerhapsOutOfMemory
        If what was said can mean this.
    """
    try:
        return call()
    except (torch.OutOfMemoryError, MemoryError) as error:
        named: OutOfMemory = OutOfMemory(str(error))
    except RuntimeError as error:
        said = str(error).lower()
        if any(words in said for words in MEMORY_WORDS):
            named = OutOfMemory(str(error))
        elif any(words in said for words in UNCLEAR_WORDS):
            named = PerhapsOutOfMemory(str(error))
        else:
            raise
    # Outside of any handler: the first error, and the tensors its frames hold, must not be its context.
    raise named
