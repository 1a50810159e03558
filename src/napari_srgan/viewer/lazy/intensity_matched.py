"""The original, seen in the quantities of its upscaled image."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from napari_srgan.images.indexing import Part
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.inference.lazy import LazyUpscaling


class AsResult(LazyArray):
    """The pixels that a lazy upscaling was made from, as bright as those that it gives.

    A model that was trained on pairs of two microscopes gives the brightness of the second; what is shown
    from afar must not be another.

    Parameters
    ----------
    lazy
        The lazy upscaling. Where all tiles of a part are there already, their pixels are seen.
    """

    def __init__(self, lazy: LazyUpscaling) -> None:
        super().__init__(lazy.array.shape, lazy.dtype)
        self._lazy = lazy

    def read(self, part: Part) -> NDArray[Any]:
        """See :class:`LazyArray`; nothing is computed."""
        finer = list(part.slices)
        y, factor = self._lazy.axes.index("Y"), self._lazy.factor
        for axis in (y, y + 1):
            along = part.ranges[axis]
            finer[axis] = slice(along.start * factor, along.stop * factor, along.step * factor)
        return part.answer(self._lazy.peek(tuple(finer), alike=True)[0])
