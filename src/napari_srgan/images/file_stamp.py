"""Whether a file is still the one that was opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_srgan.errors import UserError


def unchanged(path: Path) -> Callable[[], None]:
    """Give a function that raises UserError if the file has disappeared or changed since now."""
    before = _look(path)

    def look() -> None:
        if _look(path) != before:
            raise UserError(
                f"{path} has been changed while it was read; wait until whatever writes it has finished"
            )

    return look


def _look(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(f"{path} has disappeared ({error.strerror or error})") from error
    return found.st_size, found.st_mtime_ns
