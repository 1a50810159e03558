"""A model as a file of one's own: to give away, or to keep elsewhere."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_srgan.models import save_copy
from napari_srgan.viewer.qt import dialogs


def ask_and_save_copy(parent: QWidget, name: str) -> str:
    """Ask where a copy of a model goes, and write it.

    Parameters
    ----------
    parent
        The widget that asks.
    name
        Name of the model in the library.

    Returns
    -------
    str
        What was done, in a sentence; empty if the question was cancelled.

    Raises
    ------
    UserError
        If there is no such model, or the file cannot be written.
    """
    wanted = dialogs.ask_where_to_save_model(parent, Path.home() / f"{name}.safetensors")
    if wanted is None:
        return ""
    # The question came before the ending: what has the whole name may be another file.
    path = wanted if wanted.suffix == ".safetensors" else wanted.with_name(f"{wanted.name}.safetensors")
    if path.exists() and not dialogs.ask_to_overwrite(parent, path):
        return ""
    save_copy(name, path)
    return f"A copy of {name} is in {path}."
