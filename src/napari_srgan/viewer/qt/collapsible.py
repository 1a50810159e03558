"""A heading that shows and hides what is below it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Collapsible(QWidget):
    """Something under a heading that can be clicked.

    Parameters
    ----------
    title
        The heading.
    content
        The widget below the heading.
    opened
        Whether it is shown at first.
    """

    def __init__(self, title: str, content: QWidget, *, opened: bool) -> None:
        super().__init__()
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setCheckable(True)
        self.heading.setToolTip("Shows or hides what is below")
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.heading.setStyleSheet("QToolButton { border: none; text-align: left; font-weight: bold; }")
        self._content = content
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.heading)
        layout.addWidget(content)
        self.heading.toggled.connect(self._show)
        self.heading.setChecked(opened)
        self._show(opened)

    def open(self, opened: bool) -> None:
        """Show what is below, or hide it."""
        self.heading.setChecked(opened)

    def _show(self, opened: bool) -> None:
        self.heading.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self._content.setVisible(opened)
