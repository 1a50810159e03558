"""The part of the Fine-tune widget that asks which layers are learned from."""

from __future__ import annotations

from functools import partial
from typing import Any

from magicgui.widgets import ComboBox
from napari.components import ViewerModel
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_srgan.errors import UserError
from napari_srgan.viewer import choices
from napari_srgan.viewer.appearance import as_sentence, tell
from napari_srgan.viewer.fine_tune_fields import keep_narrow, shift_field
from napari_srgan.viewer.fine_tune_pairs import PairList
from napari_srgan.viewer.fine_tune_sources import PairOfLayers
from napari_srgan.viewer.form import Form
from napari_srgan.viewer.layers import finest_level

NO_PARTNER = "none: simulate it"


class ImagesSection(QWidget):
    """Two layers to choose, "Add pair", a row for each pair, "Check pairs".

    Parameters
    ----------
    viewer
        Whose layers they are.
    pairs
        What is chosen.
    """

    said = Signal(str)
    """Why a pair was not added."""
    check_wanted = Signal()

    def __init__(self, viewer: ViewerModel, pairs: PairList) -> None:
        super().__init__()
        self._pairs = pairs
        self._was_chosen = False
        self.low = ComboBox(
            name="low",
            choices=lambda _: [(NO_PARTNER, None), *choices.images(viewer)],
            tooltip="What the microscope gives every day: small, noisy or blurred; or none: it is simulated "
            "from the other",
        )  # fmt: skip
        self.high = ComboBox(
            name="high", choices=lambda _: choices.images(viewer),
            tooltip="The same field, as it should look: finer, or of the same size, clean and sharp",
        )  # fmt: skip
        for field in (self.low, self.high):
            keep_narrow(field)
        self.add = QPushButton("Add pair")
        self.check = QPushButton("Check pairs")
        self.check.setToolTip(
            "Measures how the images lie on each other, and shows it; reads them, changes nothing"
        )
        self.correct_shift = shift_field()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self._lay_out()
        for field in (self.low, self.high):
            field.changed.connect(self._on_chosen)
        self.add.clicked.connect(self._on_add)
        self.check.clicked.connect(lambda *_: self.check_wanted.emit())
        self.guess()
        self.refresh()

    def _lay_out(self) -> None:
        checking = QHBoxLayout()
        checking.addWidget(self.check)
        checking.addWidget(self.correct_shift.native)
        checking.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Form([("Low, or noisy", self.low.native), ("High, or clean", self.high.native)]))
        layout.addWidget(self.add)
        layout.addLayout(self._rows)
        layout.addLayout(checking)

    def reset_choices(self) -> None:
        """Look again at which layers there are."""
        with self.low.changed.blocked(), self.high.changed.blocked():
            for field in (self.low, self.high):
                field.reset_choices()
        if not self._was_chosen:
            self.guess()

    def _on_chosen(self, _: Any) -> None:
        self._was_chosen = True

    def guess(self) -> None:
        """Choose the layer with the most pixels as high, and the one with the fewest as low resolution.

        Of two of one size nobody knows which is the better one.
        """
        images = [layer for layer in self.high.choices if layer is not None]
        if len(images) > 1:
            by_size = sorted(images, key=lambda layer: _plane_pixels(layer))
            if _plane_pixels(by_size[0]) < _plane_pixels(by_size[-1]):
                with self.low.changed.blocked(), self.high.changed.blocked():
                    self.low.value, self.high.value = by_size[0], by_size[-1]

    def chosen(self) -> PairOfLayers:
        """The pair in the two fields.

        Raises
        ------
        UserError
            If there is no high-resolution layer.
        """
        if self.high.value is None:
            raise UserError("there is no image layer to learn from; open a pair of images first")
        return PairOfLayers(self.low.value, self.high.value)

    def refresh(self) -> None:
        """Show the pairs, and what is known about them."""
        while (item := self._rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.hide()
                row.deleteLater()
        for pair in self._pairs.all:
            text, wrong = self._about(pair)
            row = PairRow(pair.name, text, wrong=wrong)
            row.remove.clicked.connect(partial(self._pairs.remove, pair))
            self._rows.addWidget(row)
        self.check.setEnabled(any(pair.low is not None for pair in self._pairs.all))

    def _about(self, pair: PairOfLayers) -> tuple[str, bool]:
        report = self._pairs.reports.get(pair.name)
        if report is not None and report.problem:
            return as_sentence(report.problem), True
        if report is not None:
            return " ".join([report.summary, *report.notes]), False
        if pair.name in self._pairs.problems:
            return as_sentence(self._pairs.problems[pair.name]), True
        if pair.low is None:
            return "Its partner is simulated.", False
        return "Not checked yet; the training checks it too.", False

    def _on_add(self) -> None:
        try:
            self._pairs.add(self.chosen())
        except UserError as error:
            self.said.emit(str(error))
        else:
            self.said.emit("")


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


def _plane_pixels(layer: Any) -> int:
    height, width = finest_level(layer).shape[layer.ndim - 2 : layer.ndim]
    return int(height * width)
