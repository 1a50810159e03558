"""The button with a question mark."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QWidget

_WIDTH = 28
"""Pixels."""


def make_help_button(button: QPushButton) -> QPushButton:
    """Make a button one that opens the documentation."""
    button.setText("?")
    button.setToolTip("Opens the documentation of this widget, and what a report of an error needs")
    button.setAccessibleName("Help")
    button.setFixedWidth(_WIDTH)
    return button


def help_button(parent: QWidget | None = None) -> QPushButton:
    """A new one."""
    return make_help_button(QPushButton(parent))
