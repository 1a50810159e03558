"""The few things about looks that magicgui and napari have no one word for."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Label
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy

ERROR_STYLE = "color: #e8554e"
"""Readable on napari's dark and light themes."""
NARROWEST = 120
"""Pixels; a label that was not laid out yet has a width of its own fancy."""


def make_elastic(label: Label) -> None:
    """Wrap the label's text, and never let it widen the widget."""
    native = label.native
    native.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    native.setSizePolicy(policy)
    native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def say(label: Label, text: str, *, wrong: bool = False) -> None:
    """Show a text of any length in an elastic label, in red if it tells of an error."""
    native = label.native
    tell(native, text, wrong=wrong)
    # magicgui's rows do not pass on that a narrower text is a higher one.
    # Without text it has no height for any width.
    native.setMinimumHeight(max(native.heightForWidth(max(native.width(), NARROWEST)), 0))


def tell(label: QLabel, text: str, *, wrong: bool = False) -> None:
    """Show a sentence, in red if it tells of an error. It is text, whatever stands in it."""
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setStyleSheet(ERROR_STYLE if wrong else "")


def as_sentence(text: str) -> str:
    """A message with a capital letter, unless it begins with a name, which has its own spelling."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def grid_of(viewer: Any) -> Any:
    """The viewer's grid, which napari 0.9 moved to the canvas."""
    return getattr(viewer, "canvas", viewer).grid


def camera_of(viewer: Any) -> Any:
    """The viewer's camera, which napari 0.9 moved to the scene."""
    return getattr(viewer, "scene", viewer).camera
