"""A model from an index into the user's folder: whole, verified, or not at all."""

from __future__ import annotations

from pathlib import Path

from napari_srgan.disk.disk_space import check_space
from napari_srgan.disk.file_lock import locked
from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.files import read_card, sha256_of
from napari_srgan.models.library.index import RemoteModel
from napari_srgan.models.library.transfer import TIMEOUT, transfer
from napari_srgan.models.library.transfer_errors import shown
from napari_srgan.models.library.user_models import check_free, own_file
from napari_srgan.progress import Job, Progress


def download_job(remote: RemoteModel, *, timeout: float = TIMEOUT) -> Job[ModelCard]:
    """Download a model into the user's folder.

    What has come is kept in a ``.part`` file when the job is closed, fails or is killed, and
    the next job for the same file goes on there. The file gets its name when its size, its
    SHA-256 and its card are what the index says.

    Parameters
    ----------
    remote
        The index's entry.
    timeout
        Number of seconds without a byte after which to give up.

    Yields
    ------
    Progress
        The progress, in bytes of the file.

    Returns
    -------
    ModelCard
        The card of the model, now in the library.

    Raises
    ------
    UserError
        If the name is taken, the file is being downloaded by another job, cannot be fetched or
        stored, or turns out to be another one than promised; the sentence says how to place it
        by hand.
    """
    check_free(remote.name)
    target = own_file(remote.name)
    # By its name a part belongs to one content: another version starts anew.
    part = target.with_name(f"{remote.name}.{remote.sha256[:12]}.part")
    by_hand = f"try again, or get the file by other means and place it as {target.name} in {target.parent}"
    busy = f"{remote.name} is being downloaded already; wait until that is done, or cancel it"
    with locked(part, busy):
        yield from _fetch(remote, part, by_hand, timeout)
        yield Progress(remote.size, remote.size, f"checking {remote.name}")
        # It may have come by another way meanwhile.
        check_free(remote.name)
        _check_bytes(remote, part)
        card = _check_card(remote, part)
        try:
            part.replace(target)
        except OSError as error:
            raise UserError(
                f"{part} cannot be renamed to {target.name}: {error}; rename it by hand"
            ) from error
    return card


def _fetch(remote: RemoteModel, part: Path, by_hand: str, timeout: float) -> Job[None]:
    try:
        have = part.stat().st_size if part.exists() else 0
        if have > remote.size:
            part.unlink()
            have = 0
        needed = remote.size - have
        check_space(
            part.parent,
            needed,
            lambda free: (
                f"{part.parent} has room for {free / 1e6:.1f} MB, the download needs "
                f"{needed / 1e6:.1f} MB; make room and {by_hand}"
            ),
        )
        if have == remote.size:
            return
        with part.open("r+b" if have else "w+b") as file:
            yield from transfer(
                remote.address,
                file,
                remote.size,
                message=f"downloading {remote.name}",
                advice=by_hand,
                timeout=timeout,
            )
    except OSError as error:
        raise UserError(f"{part} cannot be written: {error}; {by_hand}") from error
    finally:
        if part.is_file() and part.stat().st_size == 0:
            part.unlink()


def _check_bytes(remote: RemoteModel, part: Path) -> None:
    got = part.stat().st_size if part.exists() else 0
    if got != remote.size:
        part.unlink(missing_ok=True)
        raise UserError(
            f"{shown(remote.address)} has {got} bytes, the index says {remote.size}; the file was "
            "deleted: try again, and tell whoever keeps the index if it stays so"
        )
    digest = sha256_of(part)
    if digest != remote.sha256:
        part.unlink()
        raise UserError(
            f"{shown(remote.address)} is another file than the index promises: its SHA-256 is {digest}, "
            f"expected {remote.sha256}; it was deleted: try again, and tell whoever keeps the index if "
            "it stays so"
        )


def _check_card(remote: RemoteModel, part: Path) -> ModelCard:
    try:
        card = read_card(part)
    except UserError as error:
        part.unlink()
        raise UserError(f"{remote.name} was downloaded but is no model, and was deleted: {error}") from error
    for field in ("name", "scale_factor", "channels"):
        got, expected = getattr(card, field), getattr(remote.card, field)
        if got != expected:
            part.unlink()
            raise UserError(
                f"{remote.name} was downloaded, but its card has {field.replace('_', ' ')} {got} where the "
                f"index has {expected}; it was deleted: tell whoever keeps the index"
            )
    return card
