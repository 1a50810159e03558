"""Writing whole or not at all: under a temporary name, renamed at the end."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from napari_srgan.errors import UserError

ATTEMPTS = 20
PAUSE = 0.1
"""Times, and seconds between them, that a folder is removed while it is still written to."""


class Partial:
    """A file or folder that gets its name when it is complete.

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
        if self.path.is_dir() and not is_zarr(self.path):
            raise UserError(f"{self.path} is a folder with other things in it and is not overwritten")

    def commit(self) -> None:
        """Give the file its name."""
        self._refuse_existing()
        if self.path.is_dir():
            # A folder that is not empty cannot be replaced in one step: the old one steps aside.
            aside = self.temporary.with_name(f"{self.temporary.name}.old")
            self.path.replace(aside)
            self.temporary.replace(self.path)
            shutil.rmtree(aside)
        else:
            self.temporary.replace(self.path)

    def discard(self) -> None:
        """Remove what is not complete; nothing if there is nothing."""
        if self.temporary.is_dir():
            # A thread of zarr may be in the middle of a chunk, and makes its folder anew for it.
            for _ in range(ATTEMPTS):
                shutil.rmtree(self.temporary, ignore_errors=True)
                time.sleep(PAUSE)
                if not self.temporary.exists():
                    break
        else:
            self.temporary.unlink(missing_ok=True)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup", ".zattrs"))
