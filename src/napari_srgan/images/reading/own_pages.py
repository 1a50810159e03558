"""Memory outside the allocator's heap, for what is kept long while much else comes and goes."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 2**18
"""Bytes from which an array is worth pages of its own."""
# Shared pages, the default, would be one with those of every process forked later.
_OURS: dict[str, int] = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}


def copy_to_own_pages(array: NDArray[Any]) -> NDArray[Any]:
    """Copy a large array to pages of its own; a small one is given back as it is.

    A network's layers take and free megabytes a thousand times while a cached tile stays. In one heap
    tiles come to lie between what is freed, and it never can be given back: the longer a run, the
    more memory it had (1.3 GiB at first, 1.7 GiB after 100 gigapixels, half of it free).

    Parameters
    ----------
    array
        An array of any shape and dtype.

    Returns
    -------
    NDArray
        An array of the same values, shape and dtype. Its pages go back to the system when nobody refers to it
        any more.
    """
    if array.nbytes < LEAST:
        return array
    copy: NDArray[Any] = np.frombuffer(mmap.mmap(-1, array.nbytes, **_OURS), array.dtype).reshape(array.shape)
    copy[...] = array
    return copy
