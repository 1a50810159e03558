"""A dask array that is computed on the thread that reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part
from napari_srgan.images.lazy_array import LazyArray


class ComputedHere(LazyArray):
    """Computes what is read of a dask array on the thread that reads it.

    In a worker of a cluster dask would send the parts to the cluster, and the reading worker would wait for
    them with its place given away; and readers of files share one open file.

    Parameters
    ----------
    array
        An array of dask, or of xarray around one.
    """

    def __init__(self, array: Any) -> None:
        super().__init__(array.shape, np.dtype(array.dtype))
        self._array = array
        self.chunks = tuple(max(sizes) for sizes in array.chunks)

    def read(self, part: Part) -> NDArray[Any]:
        return np.asarray(self._array[part.key].compute(scheduler="synchronous"))


def readable_here(array: Any) -> Any:
    """An array as a worker reads it: as it is, unless it is computed by dask."""
    return ComputedHere(array) if hasattr(array, "__dask_graph__") and array.__dask_graph__() else array
