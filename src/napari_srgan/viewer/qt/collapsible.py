"""A heading that shows and hides what is below it."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

OPEN, CLOSED = "▾", "▸"
"""Before a heading: what is below is shown, or hidden."""
FLAT = (
    "QPushButton, QPushButton:checked "
    "{ border: none; background: transparent; text-align: left; padding: 2px; }"
)
"""A button that looks like a heading; a tool button does not follow napari's size of letters."""


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
        self.title = title
        self.heading = QPushButton()
        self.heading.setCheckable(True)
        self.heading.setToolTip("Shows or hides what is below")
        self.heading.setStyleSheet(f"{FLAT} QPushButton {{ font-weight: bold; }}")
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
        self.heading.setText(f"{OPEN if opened else CLOSED} {self.title}")
        self._content.setVisible(opened)
