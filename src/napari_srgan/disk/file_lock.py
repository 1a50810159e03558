"""One writer for one file, among threads and among processes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from filelock import lock_descriptor

from napari_srgan.errors import UserError

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What the system says of shared folders in which nothing can be locked."""
_WINDOWS = os.name == "nt"

_busy: set[Path] = set()
_guard = Lock()


class LockHeldError(Exception):
    """Another process, or another part of this one, has locked the file."""


class FileMovedError(FileNotFoundError):
    """The file was renamed or removed before it was locked, and locking it keeps nobody away."""


class FileLock:
    """A file that is locked until it is closed or the process ends, however it ends.

    The lock belongs to the file, not to a process number: two containers that share a folder are
    kept apart.

    Parameters
    ----------
    path
        The file; made, empty, if there is none.

    Raises
    ------
    LockHeldError
        If it is locked already.
    FileMovedError
        If it does not have its name any more.
    OSError
        If it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self.works = True
        """Whether the file is locked; False in a folder in which nothing can be locked."""
        try:
            self._acquire(path)
        except BaseException:
            self.close()
            raise

    def _acquire(self, path: Path) -> None:
        try:
            if not lock_descriptor(self._file.fileno(), blocking=False):
                raise LockHeldError(path)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self.works = False
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._file.fileno()), path.stat()):
                return
        raise FileMovedError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))

    def close(self) -> None:
        """Let others lock the file."""
        self._file.close()


@contextmanager
def locked(file: Path, refusal: str) -> Iterator[None]:
    """Keep a file to oneself while a block runs; where nothing can be locked, from other threads only.

    Parameters
    ----------
    file
        The file; made, empty, if there is none, and removed if it is still empty at the end. One that cannot
        be opened is not locked: whoever writes to it finds that out.
    refusal
        The sentence that the user is told if somebody else has the file.

    Raises
    ------
    UserError
        If another thread or process has the file.
    """
    file = file.absolute()
    with _guard:
        if file in _busy:
            raise UserError(refusal)
        _busy.add(file)
    try:
        with _locked_among_processes(file, refusal):
            yield
    finally:
        _busy.discard(file)


@contextmanager
def _locked_among_processes(file: Path, refusal: str) -> Iterator[None]:
    # Windows lets nobody read what is locked, nor rename what is open: there another file is locked.
    name = file.with_name(f"{file.name}.lock") if _WINDOWS else file
    try:
        lock = FileLock(name)
    except (LockHeldError, FileMovedError) as error:
        raise UserError(refusal) from error
    except OSError:
        yield
        return
    try:
        yield
    finally:
        # Before others can lock it, as it would vanish under them. Windows removes no file that is open,
        # and none that others have opened.
        if not _WINDOWS:
            _remove_empty(name)
        lock.close()
        if _WINDOWS:
            _remove_empty(name)


def _remove_empty(file: Path) -> None:
    with suppress(OSError):
        if file.stat().st_size == 0:
            file.unlink()
