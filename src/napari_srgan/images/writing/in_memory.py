"""Results in memory, where there is room for them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_srgan.errors import UserError


class SinkFactory(Protocol):
    """Makes the sink, once the shape and dtype of the result are known."""

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any: ...


class TooLarge(UserError):
    """A result is larger than the memory that is free.

    Parameters
    ----------
    size, free
        Bytes of the result, and of memory.
    """

    def __init__(self, size: int, free: int) -> None:
        self.reason = f"the result has {size / 2**30:.1f} GiB and {free / 2**30:.1f} GiB of memory are free"
        """Why, without what can be done about it."""
        super().__init__(
            f"{self.reason}; upscale a region, or write an array to a .zarr "
            "(in a script: out=...; in a shell: OUTPUT.zarr)"
        )


def memory_sink(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make an array in memory, if there is room for it.

    Parameters
    ----------
    shape, dtype
        Shape and dtype of the result.

    Returns
    -------
    NDArray
        An array whose values are not set yet.

    Raises
    ------
    TooLarge
        If the result is larger than the memory that is free.
    """
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    free = psutil.virtual_memory().available
    if size > free:
        raise TooLarge(size, free)
    return np.empty(shape, dtype)
