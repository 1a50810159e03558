"""The few things about looks that magicgui has no words for."""

from __future__ import annotations

from magicgui.widgets import Label, SpinBox
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


def use_special_value(field: SpinBox, text: str) -> None:
    """Show a text in place of the lowest number."""
    field.native.setSpecialValueText(text)
