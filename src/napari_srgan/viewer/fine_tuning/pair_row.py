"""One row in the list of what a training learns from."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_srgan.viewer.qt.labels import tell


class PairRow(QWidget):
    """One pair: its layers, what is known about it, and a button that takes it out."""

    def __init__(self, name: str, about: str, *, wrong: bool) -> None:
        super().__init__()
        self.name, self.about, self.remove = QLabel(), QLabel(), QToolButton()
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
