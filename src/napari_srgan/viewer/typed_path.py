"""A path that somebody types, letter by letter: anything may stand there before it is complete."""

from __future__ import annotations

import os
from pathlib import Path

from napari_srgan.errors import UserError


def typed_path(text: str) -> Path:
    """The whole path of a file or a folder that was typed.

    Raises
    ------
    UserError
        If it is empty, does not begin at the root of a disk, or begins with the home of a user that does not
        exist.
    """
    text = text.strip()
    if not text:
        raise UserError("no path is typed; type a whole one, or press Choose…")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # no such user
        raise UserError(
            f"{text!r} begins with the home of a user that does not exist; type the whole path"
        ) from error
    if not path.is_absolute():
        raise UserError(f"{text!r} does not say in which folder; press Choose…, or type the whole path")
    return path


def typed_file(text: str) -> Path:
    """The whole path of a file that was typed.

    Raises
    ------
    UserError
        As :func:`typed_path`; and if it is the path of a folder so far.
    """
    path = typed_path(text)
    if not path.name or text.rstrip().endswith((os.sep, os.altsep or os.sep)):
        raise UserError(f"{text.strip()!r} is a folder; type the name of a file behind it, or press Choose…")
    return path


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; not where nobody can know, as of a name that is too long."""
    try:
        return path.exists()
    except OSError:
        return False
