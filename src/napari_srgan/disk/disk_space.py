"""Whether a folder takes what will be written, found out before hours of work."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from napari_srgan.errors import UserError


def free_space(folder: Path) -> int:
    """Bytes that are free on the disk of a folder.

    Raises
    ------
    OSError
        If the folder cannot be looked at.
    """
    return shutil.disk_usage(folder).free


def check_space(folder: Path, needed: int, refusal: Callable[[int], str]) -> None:
    """Look whether the disk of a folder has room.

    Parameters
    ----------
    folder
        The folder that will be written to.
    needed
        Number of bytes that will be written.
    refusal
        A function that takes the number of free bytes and gives what the user is told if they are too few.

    Raises
    ------
    UserError
        If there is no room.
    OSError
        If the folder cannot be looked at.
    """
    free = free_space(folder)
    if free < needed:
        raise UserError(refusal(free))


def check_writable(folder: Path) -> None:
    """Write a file into a folder and remove it.

    Raises
    ------
    OSError
        If that cannot be done.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
