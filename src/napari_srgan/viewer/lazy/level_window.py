"""A part of a level, indexed as napari does it, and read only when an array is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import NDArray

from napari_srgan.images.indexing import Part, part_of
from napari_srgan.inference.devices.cancellation import Watch

SliceKey = tuple[int | slice, ...]


class Filling(Protocol):
    """A level whose pixels take long, so that some are there and others are not yet."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...

    def peek(self, key: Any, *, alike: bool = False) -> tuple[NDArray[Any], bool]:
        """Get a part without waiting: what is there, and something quick elsewhere.

        Parameters
        ----------
        key
            An index of the level, as numpy understands it.
        alike
            Whether all of it shall be quick as long as not all of it is there, so that no border is seen.

        Returns
        -------
        pixels, complete
            The part in the shape of the index and the dtype of the level, and whether all of it was there.
        """
        ...

    def missing(self, key: Any) -> list[Any]:
        """Places of a part that are not there yet, nearest the middle first."""
        ...

    def compute(self, place: Any, watch: Watch | None = None) -> None:
        """Compute one of these places, and keep it."""
        ...


class LevelWindow:
    """A part of a level; indexing makes it smaller.

    Parameters
    ----------
    level
        The whole level.
    read
        A function that gives the pixels of a part by its key in the whole level: one integer or slice for
        each axis.
    part
        Places of the level that are in it; all of them by default.
    """

    def __init__(
        self, level: Filling, read: Callable[[SliceKey], NDArray[Any]], part: Part | None = None
    ) -> None:
        self._level = level
        self._read = read
        self._part = part_of(..., level.shape) if part is None else part

    @property
    def shape(self) -> tuple[int, ...]:
        return self._part.answer_shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self._level.dtype

    def __getitem__(self, key: Any) -> LevelWindow:
        """Make the part smaller; see :class:`~napari_srgan.images.lazy_array.LazyArray` for the index."""
        return LevelWindow(self._level, self._read, self._part.within(key))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        pixels = self._read(self.key)
        return pixels if dtype is None else pixels.astype(dtype, copy=bool(copy))

    @property
    def key(self) -> SliceKey:
        """What it is of the whole level."""
        return self._part.key
