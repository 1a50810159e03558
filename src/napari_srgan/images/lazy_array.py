"""Arrays whose pixels are read, or computed, where they are indexed."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_srgan.images.indexing import Part, part_of


class LazyArray(ABC):
    """An array without pixels of its own: a subclass says how a part of it is read.

    It is indexed as numpy is, with whole numbers, slices with steps above 0, and ``...``; ``numpy.asarray``
    reads all of it.

    Parameters
    ----------
    shape, dtype
        Shape and dtype of the array.
    """

    def __init__(self, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self.shape: tuple[int, ...] = tuple(int(size) for size in shape)
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        IndexError
            If there is no such part.
        UserError
            If it cannot be read or computed.
        """
        part = part_of(key, self.shape)
        return self.read(part) if 0 not in part.shape else np.empty(part.answer_shape, self.dtype)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all of it.

        Raises
        ------
        ValueError
            If `copy` is False: pixels that are read are always new ones.
        """
        if copy is False:
            raise ValueError(
                f"{type(self).__name__} has no pixels in memory; it cannot be had without a copy"
            )
        return np.array(self[...], dtype, copy=copy)

    @abstractmethod
    def read(self, part: Part) -> NDArray[Any]:
        """Read a part that is not empty.

        Parameters
        ----------
        part
            Places along every axis.

        Returns
        -------
        NDArray
            Their pixels, of :attr:`Part.answer_shape` and the dtype of the array.
        """


class BoxArray(LazyArray):
    """A lazy array that is read in boxes: of what is asked for with steps, all between is read too."""

    def read(self, part: Part) -> NDArray[Any]:
        return part.answer(self.read_box(part.box)[part.steps])

    @abstractmethod
    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        """Read a box that is not empty.

        Parameters
        ----------
        box
            A slice for each axis, with a start and a stop inside the array and no step.

        Returns
        -------
        NDArray
            Its pixels, with all axes, in the dtype of the array.
        """


class LazyWindow(LazyArray):
    """A part of a lazy array, as a lazy array.

    Parameters
    ----------
    whole
        The array.
    part
        What is seen of it; dropped axes are left out.
    """

    def __init__(self, whole: LazyArray, part: Part) -> None:
        super().__init__(part.answer_shape, whole.dtype)
        self.whole = whole
        self.part = part

    def read(self, part: Part) -> NDArray[Any]:
        return self.whole.read(self.part.within(part.key))
