"""Writing whole or not at all: under a temporary name, renamed at the end."""

from __future__ import annotations

import secrets
from pathlib import Path

from napari_srgan.disk.partial_folder import Unfinished
from napari_srgan.errors import UserError


class Partial:
    """A file that gets its name when it is complete.

    Until then it lies in a folder ``.partial-NAME`` beside its place, which is locked where it can
    be: of two processes, on whatever machines and in whatever containers, one writes a file.

    Parameters
    ----------
    path
        The final name. Its folder is made if missing.
    overwrite
        Whether to replace what has that name already.

    Raises
    ------
    UserError
        If something has that name and is not to be replaced, another process is writing it, or the folder
        cannot be written to.
    """

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        self.path = path
        self.overwrite = overwrite
        self._refuse_existing()
        # The ending stays, because writers go by it. No two names are alike, as some folders have no locks.
        name = f"{secrets.token_hex(4)}-{path.name}"
        self._place: Unfinished | None = Unfinished(path, must_lock=False)
        if self._place.locked:
            self._place.clear()  # what a process left that was killed
            self.temporary = self._place.folder / name
        else:
            self._place.discard()
            self._place = None
            self.temporary = path.with_name(f".partial-{name}")

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
        """Remove what is not complete, and let others write the file; nothing if that was done."""
        self.temporary.unlink(missing_ok=True)
        if self._place is not None:
            self._place.discard()
            self._place = None
