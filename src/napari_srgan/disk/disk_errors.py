"""What to say when the disk does not take or keep what is written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_srgan.disk.disk_space import free_space
from napari_srgan.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)
"""What the system says where there is no room, or none left for this user."""
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_GONE = (errno.ENOENT, errno.ENOTDIR, *((errno.ESTALE,) if hasattr(errno, "ESTALE") else ()))


def disk_error(error: OSError, path: Path) -> UserError:
    """A sentence for what went wrong while a result was written.

    Parameters
    ----------
    error
        The error as the system gave it.
    path
        The name that the result will have.
    """
    kept = "what is done is kept; {} and start the same again, and it goes on from there"
    if error.errno in FULL:
        return UserError(f"the disk of {path} is full{_free(path)}: {kept.format('make room')}")
    if error.errno in _CLOSED:
        reason = error.strerror or error
        return UserError(
            f"{path} can no longer be written to ({reason}): "
            + kept.format("let its folder be written to again")
        )
    if error.errno in _GONE:
        return gone(path)
    return UserError(
        f"{path} cannot be written ({error.strerror or error}): " + kept.format("put that right")
    )


@contextmanager
def disk_errors_told(path: Path) -> Iterator[None]:
    """Raise a UserError, see :func:`disk_error`, in place of what the system says within."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def gone(path: Path) -> UserError:
    """What to say when the folder of an unfinished result is not there any more."""
    return UserError(
        f"the unfinished result of {path} has disappeared from {path.parent}; bring the folder or the drive "
        "back and start the same again: it goes on from what is found there"
    )


def _free(path: Path) -> str:
    try:
        return f" ({free_space(path.parent) / 2**20:.0f} MiB are free)"
    except OSError:
        return ""
