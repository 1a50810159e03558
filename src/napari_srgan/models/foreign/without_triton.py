"""Importing what imports torch's compiler, without Triton."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils import _triton


@contextmanager
def without_triton() -> Iterator[None]:
    """Import packages here whose imports look for Triton, as torchvision's do, without loading it.

    Triton brings an LLVM of its own, which crashes a process that draws through Mesa's: a
    napari on a virtual machine or a remote desktop. Nothing here compiles. Whoever needs Triton
    afterwards can import it.
    """
    if "triton" in sys.modules:
        yield
        return
    sys.modules["triton"] = None  # type: ignore[assignment]  # the import system's way to say no
    try:
        yield
    finally:
        del sys.modules["triton"]
        forget = getattr(getattr(_triton, "has_triton_package", None), "cache_clear", None)
        if forget is not None:
            forget()
