"""Building a network no larger than the weights it is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_FACTORIES = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
_RANDOM = (Tensor.uniform_, Tensor.normal_)


class NetworkTooLarge(ValueError):
    """What is being built is much larger than it can rightly be."""


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Build networks whose weights are set afterwards, and stop at so many bytes.

    A few bytes in a file can ask for a network of gigabytes: a width on a card, a number in a
    tensor's name. Nothing is filled with random numbers here.

    Parameters
    ----------
    size
        Number of bytes of all tensors together; those made from other tensors do not count.

    Raises
    ------
    NetworkTooLarge
        If tensors have more bytes: as soon as they do, before any of it is written to.
    """
    with _Counted(size):
        yield


class _Counted(TorchFunctionMode):
    """Counts the bytes of tensors that are made from nothing, in this thread."""

    # Not a TorchDispatchMode, which brings torch's compiler and Triton with it.
    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in _FACTORIES:
            dtype = given.get("dtype") or torch.get_default_dtype()
            self._left -= _elements(args or (given.get("size"),)) * dtype.itemsize
            if self._left < 0:
                raise NetworkTooLarge("its weights would be much larger than the file that they are for")
        if func in _RANDOM:
            return args[0]
        return func(*args, **given)


def _elements(shape: Any) -> int:
    """Elements of a tensor by the arguments of what makes it: numbers, or one tuple of them."""
    sides = shape[0] if isinstance(shape[0], tuple | list) else shape
    return prod(side for side in sides if isinstance(side, int))
