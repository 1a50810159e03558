"""One row in the list of what a training learns from."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_srgan.viewer.qt.labels import tell

LAY = "Lay them on each other"
LAY_TOOLTIP = (
    "The high-resolution layer has no pixel size, so that it does not lie on the other one on the canvas. "
    "This scales and moves it onto the other; no pixel is changed"
)


class PairRow(QWidget):
    """One pair: its layers, what is known about it, and buttons that take it out or lay it right."""

    def __init__(self, name: str, about: str, *, wrong: bool, can_be_laid: bool = False) -> None:
        super().__init__()
        self.name, self.about, self.remove = QLabel(), QLabel(), QToolButton()
        self.lay = QPushButton(LAY)
        self.lay.setToolTip(LAY_TOOLTIP)
        self.lay.setVisible(can_be_laid)
        tell(self.name, name)
        self.name.setStyleSheet("font-weight: bold")
        tell(self.about, about, wrong=wrong)
        for label in (self.name, self.about):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.remove.setText("✕")
        self.remove.setToolTip("Leave this pair out")
        first = QHBoxLayout()
        first.addWidget(self.name, 1)
        first.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 0, 2)
        layout.setSpacing(0)
        layout.addLayout(first)
        layout.addWidget(self.about)
        layout.addWidget(self.lay)
