"""float32 that is float32: without the shorter products that CUDA takes for it.

By torch's default convolutions of float32 run in TF32 on NVIDIA's devices, with products
of ten bits, and programs around may have allowed the same for matrices.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

_lock = threading.Lock()
_inside = 0
_put_back: list[Callable[[], None]] = []


@contextmanager
def full_precision(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Keep a float32 run on a CUDA device exact; the user's settings are as before afterwards.

    They belong to the process: the first that comes in changes them, the last that leaves
    puts them back.
    """
    if device.type != "cuda" or dtype != torch.float32:
        yield
        return
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _forbid()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            while not _inside and _put_back:
                _put_back.pop()()


def _forbid() -> None:
    before = torch.get_float32_matmul_precision()
    if before != "highest":
        _put_back.append(lambda: torch.set_float32_matmul_precision(before))
        torch.set_float32_matmul_precision("highest")
    cudnn: Any = torch.backends.cudnn
    try:
        _set(cudnn, "allow_tf32", False)
    except RuntimeError:  # set by the newer names already, after which the older one is refused
        _set(cudnn.conv, "fp32_precision", "ieee")


def _set(owner: Any, name: str, value: Any) -> None:
    before = getattr(owner, name)
    _put_back.append(lambda: setattr(owner, name, before))
    setattr(owner, name, value)
