"""One writer for one file, among threads and among processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from napari_srgan.errors import UserError

_busy: set[Path] = set()
_guard = Lock()


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Keep a file that is being downloaded to oneself.

    Other processes are kept away where the system has ``flock``; a process that is killed
    leaves no lock behind.

    Parameters
    ----------
    file
        Made, empty, if there is none.

    Raises
    ------
    UserError
        If another thread or process has it.
    """
    file = file.absolute()
    with _guard:
        if file in _busy:
            raise _taken(file)
        _busy.add(file)
    try:
        with _locked(file):
            yield
    finally:
        _busy.discard(file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = None
    # Windows has no such locks, and lets nobody rename a file that another process has open.
    with suppress(OSError, ImportError):
        import fcntl

        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    if descriptor is None:
        yield  # a file that cannot be opened is told by whoever writes to it
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(file) from error
        except OSError:  # a file system without locks
            pass
        if not _is_still(file, descriptor):
            raise _taken(file)
        yield
    finally:
        os.close(descriptor)
        with suppress(OSError):
            if file.stat().st_size == 0:
                file.unlink()


def _is_still(file: Path, descriptor: int) -> bool:
    """Whether the file was not renamed, as a finished one is, before it was locked."""
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _taken(file: Path) -> UserError:
    name = file.name.rsplit(".", 2)[0]
    return UserError(f"{name} is being downloaded already; wait until that is done, or cancel it")
