"""The original, seen in the quantities of its upscaled image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.indexing import part_of
from napari_srgan.inference.lazy import LazyUpscaling


class AsResult:
    """The pixels that a lazy upscaling was made from, as bright as those that it gives.

    A model that was trained on pairs of two microscopes gives the brightness of the second; what is shown
    from afar must not be another.

    Parameters
    ----------
    lazy
        The lazy upscaling. Where tiles of it are there already, their pixels are seen.
    """

    def __init__(self, lazy: LazyUpscaling) -> None:
        self._lazy = lazy
        self.shape: tuple[int, ...] = tuple(lazy.array.shape)
        self.dtype = lazy.dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; nothing is computed."""
        part = part_of(key, self.shape)
        finer = [slice(along.start, along.stop, along.step) for along in part.ranges]
        y, factor = self._lazy.axes.index("Y"), self._lazy.factor
        for axis in (y, y + 1):
            along = part.ranges[axis]
            finer[axis] = slice(along.start * factor, along.stop * factor, along.step * factor)
        return part.answer(self._lazy.peek(tuple(finer))[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Make an array of the whole level."""
        return np.asarray(self[...], dtype)
