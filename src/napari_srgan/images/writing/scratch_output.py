"""Results that are written when they are complete, and wait on disk where memory is short."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from napari_srgan.disk.disk_errors import FULL
from napari_srgan.disk.disk_space import check_space, free_space
from napari_srgan.errors import UserError
from napari_srgan.images.writing.in_memory import memory_sink
from napari_srgan.images.writing.output import NewFile, Output

MEMORY_SHARE = 0.25
"""Share of the free memory from which on a result waits on disk until it is written."""
_PIECE = 2**24
"""Bytes of zeros that are written at a time where the system cannot reserve room."""
_CANNOT_RESERVE = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS)


class ScratchOutput(Output):
    """A file of a format that is written in one go, from its first pixel to its last.

    The room on the disk is looked at before the first tile, and that of pixels that wait on disk is
    reserved: of a file with holes that is mapped into memory, a full disk would end the process (SIGBUS).
    """

    def __init__(self, file: NewFile) -> None:
        super().__init__(file)
        self._scratch: list[Path] = []

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Make the array that a result is written into.

        Raises
        ------
        UserError
            If the disk has no room for the result.
        """
        waiting = _size(shape, dtype) + self.beside_size(shape, dtype) if _waits(shape, dtype) else 0
        needed = waiting + self.least_size(shape, dtype)
        check_space(self.path.parent, needed, lambda free: self._refusal(needed, free))
        return self.allocate(shape, dtype)

    def allocate(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Make an array in memory; on disk, where memory is short.

        Raises
        ------
        UserError
            If the disk has no room for it.
        """
        if not _waits(shape, dtype):
            return memory_sink(shape, dtype)
        temporary = self.partial.temporary
        scratch = temporary.with_name(f"{temporary.name}.scratch{len(self._scratch) or ''}")
        self._scratch.append(scratch)
        size = _size(shape, dtype)
        try:
            reserve(scratch, size)
        except OSError as error:
            self.discard()
            if error.errno in FULL:
                raise UserError(self._refusal(size, free_space(self.path.parent))) from error
            raise UserError(f"{self.path} cannot be written: {error.strerror or error}") from error
        return np.memmap(scratch, dtype, "r+", shape=shape)

    def beside_size(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        """Bytes of what else waits on disk while the file is written."""
        del shape, dtype
        return 0

    def least_size(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        """Bytes that the finished file will have at least; 0 where it is compressed, and nobody knows."""
        del shape, dtype
        return 0

    def _refusal(self, needed: int, free: int) -> str:
        return (
            f"there is no room for {self.path}: it needs {_in_words(needed)} on the disk while it is "
            f"made, and {_in_words(free)} are free; make room, write to another disk, or write a .zarr, "
            "which is compressed as it grows"
        )

    def discard(self) -> None:
        super().discard()
        for scratch in self._scratch:
            scratch.unlink(missing_ok=True)


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize


def _waits(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether memory is too short for an array that is there until the file is written."""
    return bool(_size(shape, dtype) > MEMORY_SHARE * psutil.virtual_memory().available)


def reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose room on the disk is its own, so that it can be mapped into memory.

    Parameters
    ----------
    path
        The file; it must not exist.
    size
        Number of bytes that it will have.

    Raises
    ------
    OSError
        If the disk has no room for it.
    """
    with path.open("xb", buffering=0) as file:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            except OSError as error:
                if error.errno not in _CANNOT_RESERVE:
                    raise
        zeros = memoryview(bytes(min(size, _PIECE)))
        left = size
        while left:
            left -= file.write(zeros[: min(left, _PIECE)])
        os.fsync(file.fileno())  # some disks find out only now


def _in_words(size: int) -> str:
    unit, name = next(((u, n) for u, n in ((2**30, "GiB"), (2**20, "MiB")) if size >= u), (2**10, "KiB"))
    return f"{size / unit:.1f} {name}"
