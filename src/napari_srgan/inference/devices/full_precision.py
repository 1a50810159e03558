"""float32 that is float32, and kernels that are not looked for anew for every tile.

By torch's default convolutions of float32 run in TF32 on NVIDIA's devices, with products
of ten bits, and programs around may have allowed the same for matrices. They may have asked cuDNN, too,
to try all its kernels on every new shape, and tiles have several.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

_lock = threading.Lock()
_inside = {"shapes": 0, "precision": 0}
_put_back: dict[str, list[Callable[[], None]]] = {"shapes": [], "precision": []}


@contextmanager
def full_precision(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Keep a float32 run on a CUDA device exact; the user's settings are as before afterwards.

    They belong to the process: the first that comes in changes them, the last that leaves
    puts them back.
    """
    if device.type != "cuda":
        yield
    elif dtype != torch.float32:
        with _changed("shapes", _try_no_kernels):
            yield
    else:
        with _changed("shapes", _try_no_kernels), _changed("precision", _forbid_short_products):
            yield


@contextmanager
def _changed(what: str, change: Callable[[list[Callable[[], None]]], None]) -> Iterator[None]:
    """Change settings for as long as anybody is inside; `change` notes how they are put back."""
    put_back = _put_back[what]
    with _lock:
        if not _inside[what]:
            try:
                change(put_back)
            except BaseException:
                _undo(put_back)
                raise
        _inside[what] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[what] -= 1
            if not _inside[what]:
                _undo(put_back)


def _undo(put_back: list[Callable[[], None]]) -> None:
    while put_back:
        put_back.pop()()


def _try_no_kernels(put_back: list[Callable[[], None]]) -> None:
    _set(torch.backends.cudnn, "benchmark", False, put_back)


def _forbid_short_products(put_back: list[Callable[[], None]]) -> None:
    cudnn: Any = torch.backends.cudnn
    matmul: Any = torch.backends.cuda.matmul
    # Torch has two sets of names for this, and refuses to read by the older what was set by the newer.
    with suppress(RuntimeError):
        before = torch.get_float32_matmul_precision()
        if before != "highest":
            torch.set_float32_matmul_precision("highest")
            put_back.append(lambda: torch.set_float32_matmul_precision(before))
    with suppress(RuntimeError):
        _set(cudnn, "allow_tf32", False, put_back)
    # What is set for all libraries at once counts in spite of the older names.
    for owner in (matmul, getattr(cudnn, "conv", None)):
        if getattr(owner, "fp32_precision", "ieee") not in ("ieee", "none"):
            _set(owner, "fp32_precision", "ieee", put_back)


def _set(owner: Any, name: str, value: Any, put_back: list[Callable[[], None]]) -> None:
    before = getattr(owner, name)
    setattr(owner, name, value)
    put_back.append(lambda: setattr(owner, name, before))
