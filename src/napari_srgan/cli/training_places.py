"""Where a trained model and its checkpoint go; what would go wrong there is said before the training."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from napari_srgan.errors import UserError

ENDING = ".safetensors"


@dataclass(frozen=True)
class OutputFiles:
    """The files a training writes."""

    out: Path
    """The model."""
    checkpoint: Path
    """Where the training goes on after it was stopped."""
    passing: bool
    """Whether the checkpoint has done its work when the model is written."""


def choose_places(out: Path, checkpoint: Path | None, *, overwrite: bool) -> OutputFiles:
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
    return OutputFiles(out, checkpoint, passing)


def model_name(out: Path) -> str:
    """What a model is called after its file."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", out.stem).lstrip("._+-") or "fine-tuned"


def _try_to_write(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"nothing can be written to {folder}: {error.strerror or error}") from error
