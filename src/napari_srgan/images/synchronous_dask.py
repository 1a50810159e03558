"""A dask array that is read inside a worker of a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class ComputedHere:
    """Computes what is read of a dask array on the thread that reads it.

    Left to itself dask would send the parts to the cluster, and the reading worker would wait for them with
    its place given away.

    Parameters
    ----------
    array
        An array of dask, or of xarray around one.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape = tuple(int(size) for size in array.shape)
        self.dtype = array.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        return np.asarray(self._array[key].compute(scheduler="synchronous"))


def readable_here(array: Any) -> Any:
    """An array as a worker reads it: as it is, unless it is computed by dask."""
    return ComputedHere(array) if hasattr(array, "__dask_graph__") and array.__dask_graph__() else array
