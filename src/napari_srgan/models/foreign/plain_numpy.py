"""numpy's numbers and arrays in checkpoints, rebuilt without calling numpy's own constructors.

Training scripts put a best score or a random state beside the weights, as numpy keeps them. A file that
may call ``numpy.ndarray``, ``numpy.dtype`` or numpy's helpers of pickling decides what memory an array lies
on and what its bytes are taken for: bytes of the file taken for a Python object are a way to run code. What
is here answers to numpy's names instead, and copies plain numbers out of bytes whose count it has checked.
"""

from __future__ import annotations

import math
import sys
from argparse import Namespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PLAIN = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
"""Types of numbers that are rebuilt; no objects, structures, sub-arrays, text or dates."""
_STATE_OF_DTYPE = 8
"""Parts of the state of a dtype without metadata: version, byte order, three that only structures and
sub-arrays have, and three of text."""
_MOST_AXES = 32


class NotPlain(ValueError):
    """Something of numpy's in a checkpoint is more than plain numbers."""


class PlainDtype:
    """Stands for ``numpy.dtype``: one of :data:`PLAIN`, and a byte order.

    Raises
    ------
    NotPlain
        If it is of another type.
    """

    __slots__ = ("_kind", "_order")
    _kind: str
    _order: Literal["<", ">", "=", "|"]

    def __new__(cls, kind: object, *_: object) -> PlainDtype:
        if not isinstance(kind, str) or kind not in PLAIN:
            raise NotPlain(f"values of the type {kind!r:.40}")
        made = super().__new__(cls)
        made._kind, made._order = kind, "="
        return made

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != _STATE_OF_DTYPE:
            raise NotPlain("a type of numbers in an unknown form")
        _, order, subarray, names, fields, *_ = state
        if not (subarray is names is fields is None):
            raise NotPlain("values that are structures")
        match order:
            case "<" | ">" | "=" | "|":
                self._order = order
            case _:
                raise NotPlain(f"values in the byte order {order!r:.40}")

    def numbers(self, content: object, count: int) -> NDArray[Any]:
        """Copy numbers out of bytes.

        Parameters
        ----------
        content
            The bytes as they are stored.
        count
            How many numbers they must hold.

        Returns
        -------
        NDArray
            ``(count,)`` of this dtype, in the byte order of this machine.

        Raises
        ------
        NotPlain
            If there are fewer or more bytes, or something else than bytes.
        """
        dtype = np.dtype(self._kind).newbyteorder(self._order)
        if not isinstance(content, bytes) or len(content) != count * dtype.itemsize:
            raise NotPlain(f"an array of {count} numbers in another number of bytes")
        return np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))


class PlainArray:
    """Stands for ``numpy.ndarray``: filled with numbers by its state, and in no other way.

    Raises
    ------
    NotPlain
        If a file tries to make one with a shape, a buffer or strides of its own.
    """

    __slots__ = ("values",)
    values: NDArray[Any]

    def __new__(cls, *arguments: object) -> PlainArray:
        if arguments:
            raise NotPlain("an array on memory of its own choice")
        made = super().__new__(cls)
        made.values = np.empty(0)
        return made

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), tuple() as shape, PlainDtype() as dtype, fortran, content):
                pass
            case _:
                raise NotPlain("an array in an unknown form")
        if len(shape) > _MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
            raise NotPlain(f"an array of the shape {shape!r:.60}")
        numbers = dtype.numbers(content, math.prod(shape))
        # NumPy counts an empty array's other axes too.
        if math.prod(size for size in shape if size) * numbers.itemsize > sys.maxsize:
            raise NotPlain(f"an array of the shape {shape!r:.60}")
        self.values = numbers.reshape(shape, order="F" if fortran else "C")


def _array(kind: object, shape: object, *_: object) -> PlainArray:
    """Stands for ``numpy.core.multiarray._reconstruct``, which makes an empty array for its state."""
    if kind is not PlainArray or shape != (0,):
        raise NotPlain("an array that is made in another way than numpy makes it")
    return PlainArray()


def _scalar(dtype: object, content: object) -> bool | int | float:
    """Stands for ``numpy.core.multiarray.scalar``; gives Python's own number."""
    if not isinstance(dtype, PlainDtype):
        raise NotPlain("a number without a type")
    number: bool | int | float = dtype.numbers(content, 1)[0].item()
    return number


def _no_bytes() -> bytes:
    """Stands for ``bytes``, by which pickles say that an array is empty."""
    return b""


class _Settings:
    """Stands for ``argparse.Namespace``: settings of a training script, of which nothing is used."""

    __slots__ = ()

    def __new__(cls, *arguments: object) -> _Settings:
        if arguments:
            raise NotPlain("settings in an unknown form")
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        pass


STAND_INS: tuple[tuple[Any, str], ...] = (
    (_no_bytes, "builtins.bytes"),
    (PlainDtype, "numpy.dtype"),
    (PlainArray, "numpy.ndarray"),
    *((_array, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *((_scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    (_Settings, f"{Namespace.__module__}.{Namespace.__qualname__}"),
)
"""What answers to which name in a file."""
