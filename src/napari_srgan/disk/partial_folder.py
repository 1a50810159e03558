"""The folder an unfinished store lies in, and the one process it belongs to."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from napari_srgan.disk.atomic_write import settle_folder
from napari_srgan.disk.disk_errors import disk_errors_told
from napari_srgan.disk.file_lock import FileLock, LockHeldError
from napari_srgan.errors import UserError

ATTEMPTS = 20
"""Times a lock is tried on a folder that another process is just taking away."""


class Unfinished:
    """A store in the making, in a folder ``.partial-NAME`` beside its future place.

    In the folder lie the store under its final name, how it was begun, and a
    lock that the system takes away when its process dies, however it dies.

    Parameters
    ----------
    path
        The final name. Its folder is made if missing.
    must_lock
        Whether to refuse shared folders on which nothing can be locked; :attr:`locked` tells.

    Raises
    ------
    UserError
        If another process is writing the same store, or the folder cannot be written to.
    """

    def __init__(self, path: Path, *, must_lock: bool = True) -> None:
        self.path = path
        self.folder = folder_of(path)
        self.content = self.folder / path.name
        self.state = self.folder / "state.json"
        self._old = self.folder / "old"
        try:
            self._lock = self._locked(must_lock)
        except OSError as error:
            raise UserError(
                f"nothing can be written to {path.parent}: {error.strerror or error}; choose another folder"
            ) from error

    def _locked(self, must_lock: bool) -> FileLock:
        for _ in range(ATTEMPTS):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock = FileLock(self.folder / "lock")
            except FileNotFoundError:  # whoever finished has just taken the folder, or the file, away
                continue
            except LockHeldError as error:
                raise UserError(
                    f"{self.path} is being written by another process; wait until it has finished, or stop it"
                ) from error
            if lock.works or not must_lock:
                return lock
            lock.close()
            raise OSError(f"nothing can be locked in {self.folder}, and others could write there too")
        raise OSError(f"the folder {self.folder} cannot be locked")

    @property
    def locked(self) -> bool:
        """Whether others are kept away; False on shared folders on which nothing can be locked."""
        return self._lock.works

    def there(self) -> bool:
        """Whether the folder is still where it was."""
        return self.state.exists()

    def clear(self) -> None:
        """Remove all but the lock."""
        for entry in self.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()

    def clear_incoming(self) -> None:
        """Remove what was written and never put in its place, and let nobody put anything there any more."""
        for folder in self.folder.glob("incoming-*"):
            # In one step: a late worker, on whatever machine, has its folder or has it not. Windows renames
            # no folder with open files; then whoever wants to begin anew cannot, until that file is closed.
            with suppress(OSError):
                folder = folder.rename(folder.with_name(f"{folder.name}-{uuid4().hex[:8]}"))
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self) -> None:
        """Give the store its name, in place of what has it now, and remove the rest.

        Raises
        ------
        UserError
            If the folder cannot be written to.
        """
        with disk_errors_told(self.path):
            if self.path.exists():
                # A folder that is not empty cannot be replaced in one step: the old one steps aside.
                shutil.rmtree(self._old, ignore_errors=True)
                self.path.replace(self._old)
            self.content.replace(self.path)
            settle_folder(self.path.parent)
        self.discard()

    def discard(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()
        if self.folder.exists():  # Windows removes no file that is open
            shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Leave the folder as it is, to others or to a later run."""
        self._lock.close()


def folder_of(path: Path) -> Path:
    """Where the unfinished store of that name lies."""
    # The dot hides it from listings.
    return path.with_name(f".partial-{path.name}")
