"""Files that are whole after a crash: with their old content or the new one, and on the disk."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO

from napari_srgan.errors import UserError

Content = bytes | memoryview | Callable[[BinaryIO], object]
"""What is in a file, or what writes it to an open file."""
ABANDONED = 3600.0
"""Seconds after which nobody is taken to be writing a file any more: all of them have some megabytes."""
_NO_SYNC = (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EACCES, errno.EPERM)
"""What the system says of folders that cannot be brought to the disk by themselves, or opened."""


def save_file(path: Path, content: Content) -> None:
    """Write a file that the user has named, as :func:`atomic_write` does.

    Parameters
    ----------
    path
        The file; replaced if it exists.
    content
        What is in it, or what writes it to an open file.

    Raises
    ------
    UserError
        If it cannot be written; a file that was there is then whole.
    """
    try:
        atomic_write(path, content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{str(path)[:300]} cannot be written: {reason}") from error


def atomic_write(path: Path, content: Content) -> None:
    """Write a file under a temporary name beside it, then give it its name.

    When this returns the file lasts through a power failure. Several that write one file do not disturb
    each other: the last one's content stays.

    Parameters
    ----------
    path
        The file; replaced if it exists. Its folder must exist.
    content
        What is in it, or what writes it to an open file.

    Raises
    ------
    OSError, ValueError
        If it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        write_settled(partial, content)
        partial.replace(path)
    finally:
        # A name that is too long cannot even be looked for.
        with suppress(OSError, ValueError):
            partial.unlink(missing_ok=True)
    settle_folder(path.parent)


def remove_abandoned(path: Path) -> None:
    """Remove what killed processes left of a file, unless it is so young that one may be writing it.

    Raises
    ------
    OSError
        If the folder cannot be looked at, or nothing removed from it.
    """
    for left in path.parent.glob(f".{escape(path.name)}.*.partial"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            left.unlink(missing_ok=True)


def write_settled(path: Path, content: Content) -> None:
    """Write a file so that what is in it lasts through a power failure; its name need not."""
    with path.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
        file.flush()
        os.fsync(file.fileno())


def settle_file(path: Path) -> None:
    """Make a file that was written last through a power failure."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
    settle_folder(path.parent)


def settled_folder(folder: Path) -> None:
    """Make a folder, and those it lies in, such that they last; nothing if it is there."""
    if not folder.is_dir():
        settled_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        settle_folder(folder.parent)


def settle_folder(folder: Path) -> None:
    """Make the names in a folder last through a power failure, where the system can."""
    if os.name != "posix":  # Windows opens no folders
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
