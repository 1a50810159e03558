"""Writing whole or not at all: under a temporary name, renamed at the end."""

from __future__ import annotations

import os
from pathlib import Path

from napari_srgan.errors import UserError


class Partial:
    """A file that gets its name when it is complete.

    Parameters
    ----------
    path
        The final name. Its folder is made if missing.
    overwrite
        Replace what has that name already.

    Raises
    ------
    UserError
        If something has that name and is not to be replaced, or the folder cannot be
        written to.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self.overwrite = overwrite
        # The ending stays, because writers go by it; the dot hides it from listings.
        self.temporary = path.with_name(f".partial-{os.getpid()}-{path.name}")
        self._refuse_existing()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.temporary.touch()
            self.temporary.unlink()
        except OSError as error:
            raise UserError(f"nothing can be written to {path.parent}: {error.strerror}") from error

    def _refuse_existing(self) -> None:
        if not self.path.exists():
            return
        if not self.overwrite:
            raise UserError(
                f"{self.path} exists already; choose another name, or ask for it to be overwritten"
            )
        if self.path.is_dir():
            raise UserError(f"{self.path} is a folder, and is not overwritten by a file")

    def commit(self) -> None:
        """Give the file its name."""
        self._refuse_existing()
        self.temporary.replace(self.path)

    def discard(self) -> None:
        """Remove what is not complete; nothing if there is nothing."""
        self.temporary.unlink(missing_ok=True)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup", ".zattrs"))
