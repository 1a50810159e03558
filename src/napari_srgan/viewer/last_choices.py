"""What was chosen last, so that it is there again in the next session."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_srgan.disk.atomic_write import atomic_write

FILE_VARIABLE = "NAPARI_SRGAN_CHOICES"
"""Environment variable that names another file."""
_LARGEST = 2**20
"""Bytes; a file of ours is far smaller."""


class LastChoices(BaseModel):
    """What the user chose; nothing is set before the first run."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    models: dict[str, str] = Field(default_factory=dict)
    """Name of the model, by the kind of image it was chosen for; see :func:`image_kind`."""
    way: str = ""
    """Where results go: in memory, lazily, on disk."""
    minutes: float | None = Field(default=None, gt=0, le=10_000)
    """How long a training lasts."""


def image_kind(*, rgb: bool, movie: bool, noisy: bool) -> str:
    """Say what kind of image a model was chosen for, e.g. ``"gray, noisy"``.

    A model that suits clean images is not proposed for noisy ones because it was chosen once.
    """
    return ", ".join(
        ["colour" if rgb else "gray", *(["time-lapse"] if movie else []), *(["noisy"] if noisy else [])]
    )


def choices_file() -> Path:
    """The file in which choices are kept."""
    chosen = os.environ.get(FILE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_state_path("napari-srgan", appauthor=False) / "choices.json"


def last_choices() -> LastChoices:
    """Read what was chosen last; of a file that cannot be read nothing is known."""
    with suppress(OSError, ValueError, ValidationError):
        file = choices_file()
        if file.stat().st_size <= _LARGEST:
            return LastChoices.model_validate_json(file.read_bytes())
    return LastChoices()


def remember(**chosen: Any) -> None:
    """Keep what was chosen, beside what is kept already.

    That it cannot be written is no reason to disturb anybody: it will be chosen again.

    Parameters
    ----------
    **chosen
        Some of the fields of :class:`LastChoices`.
    """
    before = last_choices()
    now = before.model_copy(update=chosen)
    if now == before:
        return
    file = choices_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(file, now.model_dump_json(indent=1).encode())


def remember_model(kind: str, name: str | None) -> None:
    """Keep which model was chosen for a kind of image; None forgets it."""
    models = {key: value for key, value in last_choices().models.items() if key != kind}
    remember(models=models if name is None else {**models, kind: name})
