"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from napari_srgan.errors import UserError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside it, then give it its name.

    Raises
    ------
    UserError
        If it cannot be written; a file that was there is then as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
