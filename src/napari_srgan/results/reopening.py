"""Opening a store again: whether what is there may be gone on with, and what of it is still good."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_srgan.disk.partial_folder import Unfinished
from napari_srgan.errors import UserError
from napari_srgan.results.begun import read_state
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.fingerprint import what_differs
from napari_srgan.results.journal import Journal
from napari_srgan.results.store_arrays import finished_fingerprint

_LOOKED_AT = 64
"""Files written last whose checksums are looked at when a run goes on; of the others the sizes."""


def is_finished(path: Path, fingerprint: Mapping[str, Any]) -> bool:
    """Whether something has the name of the store and is the finished store that is wanted.

    Raises
    ------
    UserError
        If something else has that name.
    """
    if not path.exists():
        return False
    found = finished_fingerprint(path)
    if found is None:
        raise UserError(f"{path} exists already; choose another name, or ask for it to be overwritten")
    if differs := what_differs(found, fingerprint):
        raise UserError(
            f"{path} exists already and was made otherwise ({differs}); choose another name, "
            "or ask for it to be overwritten"
        )
    return True


def state_before(path: Path, fingerprint: Mapping[str, Any], *, overwrite: bool) -> dict[str, Any] | None:
    """How the unfinished store was begun, if there is one that is gone on with.

    Raises
    ------
    UserError
        If it was begun with another fingerprint, and is not to be overwritten.
    """
    state = read_state(path)
    differs = what_differs(state["fingerprint"], fingerprint) if state else ""
    if differs and not overwrite:
        raise UserError(
            f"there is an unfinished {path} that was begun otherwise ({differs}); begin it "
            "in the same way to go on with it, choose another name, or ask for it to be overwritten"
        )
    return None if differs else state


def tidy(path: Path) -> None:
    """Remove what is left of a run that was killed when its store already had its name."""
    if read_state(path) is None:
        return
    with suppress(UserError):
        place = Unfinished(path)
        if place.content.exists():  # another one, that is to replace this
            place.close()
        else:
            place.discard()


def forget_what_is_broken(files: BlockFiles, journal: Journal) -> None:
    """Take what the run before left half done for not done, and remove it."""
    kept = journal.entries
    latest = set(list(kept)[-_LOOKED_AT:])
    for name, receipt in list(kept.items()):
        if not receipt.fits(files.content / name, look_inside=name in latest):
            del kept[name]
    for file in files.files():
        if file.relative_to(files.content).as_posix() not in kept:
            file.unlink()
    journal.rewrite(kept)
