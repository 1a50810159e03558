"""Asking in windows where a result goes, and whether it takes the place of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari import Viewer
from napari.utils.history import update_save_history

from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.upscale.output_path import can_replace, refuse_shown, with_ending


@dataclass(frozen=True)
class ChosenFile:
    """The file of a result."""

    path: Path
    replaces: bool
    """Whether it takes the place of what has that name."""


def ask_for_file(viewer: Viewer, suggested: Path, axes: str) -> ChosenFile | None:
    """Ask for the file of a result; None if a question was cancelled.

    Parameters
    ----------
    viewer
        In front of whose window is asked.
    suggested
        A name that is shown at first.
    axes
        One letter for each axis of the result.

    Raises
    ------
    UserError
        If a layer is shown from what would be replaced.
    """
    window = viewer.window._qt_window
    path = dialogs.ask_where_to_write(window, suggested)
    if path is None:
        return None
    path = with_ending(path, axes)
    replaces = can_replace(path)
    if replaces:
        if not dialogs.ask_to_overwrite(window, path):
            return None
        refuse_shown(path, viewer.layers)
    update_save_history(str(path))
    return ChosenFile(path, replaces)
