"""Where a trained model and its checkpoint go; what would go wrong there is said before the training."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_srgan.errors import UserError

if TYPE_CHECKING:
    from napari_srgan.models import Model

ENDING = ".safetensors"
COPIES = 10
"""Times the weights: network, average, best, two moments of Adam, a discriminator, and the checkpoint that
is being written beside the last one."""
LEAST_SPACE = 2**26
"""Bytes that a disk should have left however small the network is."""


@dataclass(frozen=True)
class Places:
    """The files a training writes."""

    out: Path
    """The model."""
    checkpoint: Path
    """Where the training goes on after it was stopped."""
    passing: bool
    """Whether the checkpoint has done its work when the model is written."""


def choose_places(out: Path, checkpoint: Path | None, *, overwrite: bool) -> Places:
    """Decide where to write, and make the folders.

    Raises
    ------
    UserError
        If a name is no good, the model exists, or a folder cannot be written to.
    """
    if out.suffix != ENDING:
        raise UserError(f"{out.name!r} is no name for a model: it ends in {ENDING}")
    if out.is_dir():
        raise UserError(f"{out} is a folder; give --out another name")
    if out.exists() and not overwrite:
        raise UserError(f"{out} exists; give another --out, or --overwrite")
    passing = checkpoint is None
    checkpoint = checkpoint or out.with_suffix(".checkpoint")
    if checkpoint == out:
        raise UserError(f"{out} is given as --out and as --checkpoint; give two names")
    if checkpoint.is_dir():
        raise UserError(f"{checkpoint} is a folder; give --checkpoint the name of a file")
    for folder in {out.parent, checkpoint.parent}:
        _try_to_write(folder)
    return Places(out, checkpoint, passing)


def check_space(places: Places, base: Model | None) -> None:
    """Make sure that model and checkpoint will fit on their disks.

    Parameters
    ----------
    places
        Where they go.
    base
        What the training starts from, which is as large as what it makes.

    Raises
    ------
    UserError
        If there is not room enough.
    """
    weights = sum(p.numel() * 4 for p in base.network.parameters()) if base else 0
    needed = max(COPIES * weights, LEAST_SPACE)
    for folder in {places.out.parent, places.checkpoint.parent}:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise UserError(
                f"the disk of {folder.resolve()} has {free / 1e6:.0f} MB left, and the training may write "
                f"{needed / 1e6:.0f} MB; make room, or give --out and --checkpoint on another disk"
            )


def name_of(out: Path) -> str:
    """What a model is called after its file."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", out.stem).lstrip("._+-") or "fine-tuned"


def _try_to_write(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"nothing can be written to {folder}: {error.strerror or error}") from error
