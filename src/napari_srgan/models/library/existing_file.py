"""A file that the user gives, looked at before it is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from napari_srgan.errors import UserError


def existing_file(path: str | os.PathLike[str]) -> Path:
    """The path of an ordinary file.

    Raises
    ------
    UserError
        If there is none, or it is a folder or something that would be waited for, such as a pipe.
    """
    path = Path(path)
    shown = str(path) if len(str(path)) < 300 else f"{str(path)[:300]}..."
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"there is no model file {shown}") from error
    except OSError as error:
        raise UserError(f"{shown} cannot be read: {error.strerror or error}; check its name") from error
    except ValueError as error:
        raise UserError(f"{shown!r} is no name of a file ({error}); check it") from error
    if stat.S_ISDIR(mode):
        raise UserError(f"{shown} is a folder, not a model file; choose a file in it")
    if not stat.S_ISREG(mode):
        raise UserError(f"{shown} is a pipe or a device, not a model file; choose a file")
    return path
