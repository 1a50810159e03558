"""The few things about looks that magicgui and napari have no one word for."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Label
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy

ERROR_STYLE = "color: #e8554e"
"""Readable on napari's dark and light themes."""


def make_elastic(label: Label) -> None:
    """Wrap the label's text, and never let it widen the widget."""
    native = label.native
    native.setWordWrap(True)
    native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def show_as_error(label: Label, wrong: bool) -> None:
    """Colour a label by whether it tells of an error."""
    label.native.setStyleSheet(ERROR_STYLE if wrong else "")


def show_grid(viewer: Any) -> None:
    """Show the layers of a viewer side by side; they move together."""
    # napari 0.9 moved the grid to the canvas.
    getattr(viewer, "canvas", viewer).grid.enabled = True
