"""Files of models: given ones looked at first, new ones written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

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


def write_whole(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name beside it, then give it its name.

    Parameters
    ----------
    path
        The file; replaced if it exists.
    content
        What is in it, or what writes it to an open file.

    Raises
    ------
    UserError
        If it cannot be written; a file that was there is then as it was.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        with partial.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
        partial.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{str(path)[:300]} cannot be written: {reason}") from error
    finally:
        # A name that is too long cannot even be looked for.
        with suppress(OSError, ValueError):
            partial.unlink(missing_ok=True)
