"""Results that are written when they are complete, and wait on disk where memory is short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil

from napari_srgan.inference.upscale import memory_sink
from napari_srgan.storage.output import Output

MEMORY_SHARE = 0.25
"""A result that needs more of the free memory than this waits on disk until it is written."""


class ScratchOutput(Output):
    """A file of a format that is written in one go, from its first pixel to its last."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._scratch = self.partial.temporary.with_name(f"{self.partial.temporary.name}.scratch")

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if size <= MEMORY_SHARE * psutil.virtual_memory().available:
            return memory_sink(shape, dtype)
        return np.memmap(self._scratch, dtype, "w+", shape=shape)

    def discard(self) -> None:
        super().discard()
        self._scratch.unlink(missing_ok=True)
