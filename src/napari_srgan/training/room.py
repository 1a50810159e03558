"""Whether a training can be kept, found out before it starts."""

from __future__ import annotations

import secrets
import shutil
import time
from glob import escape
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.networks import Generator

ABANDONED = 3600.0
"""Seconds after which what another run was writing is taken for left by one that was killed: all that is
written is of some megabytes."""
COPIES = 12
"""Times the weights: network, average, best, the optimiser's moments, a second player; and the file
that is written while the one before is still there."""


def check_room(checkpoint: Path, network: Generator) -> None:
    """Make the folder of a checkpoint, and see whether it can be written to.

    Raises
    ------
    UserError
        If it cannot be made or written to, or the disk has too little room.
    """
    folder = checkpoint.parent
    trial = folder / f".{checkpoint.name}.{secrets.token_hex(6)}.writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        for left in folder.glob(f".{escape(checkpoint.name)}.*.partial"):
            if time.time() - left.stat().st_mtime > ABANDONED:  # by a run that was killed
                left.unlink(missing_ok=True)
        trial.unlink()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UserError(
            f"the training cannot be kept: nothing can be written to {folder} ({error.strerror}); "
            "choose another folder"
        ) from error
    needed = COPIES * sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if free < needed:
        raise UserError(
            f"the training cannot be kept: it needs {needed / 2**20:.0f} MiB and {folder} has "
            f"{free / 2**20:.0f} MiB left; make room, or choose another folder"
        )
