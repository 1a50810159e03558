"""The part of the Fine-tune widget that asks which layers are learned from."""

from __future__ import annotations

from functools import partial
from typing import Any

from magicgui.widgets import CheckBox, ComboBox
from napari.components import ViewerModel
from napari.layers import Image
from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_srgan.errors import UserError
from napari_srgan.viewer.fine_tuning.fields import keep_narrow, shift_field
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers
from napari_srgan.viewer.fine_tuning.noise import SAMPLE_TILES, NoiseLine
from napari_srgan.viewer.fine_tuning.pair_list import PairKind, PairList
from napari_srgan.viewer.fine_tuning.pair_row import PairRow
from napari_srgan.viewer.fine_tuning.placing import can_be_laid
from napari_srgan.viewer.layers.provenance import is_illustration, predicted_by
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.qt.form import Form
from napari_srgan.viewer.qt.labels import as_sentence, in_full, tell
from napari_srgan.viewer.upscale import choices

KINDS: choices.Choices = [
    ("measured pairs", "pairs"),
    ("good images", "alone"),
    ("a layer's noise", "noise of"),
]
KINDS_TOOLTIP = (
    "Measured pairs: the same field taken twice. Good images: their low-resolution or noisy partners are "
    "simulated. A layer's noise: simulated with the noise and the blur of that layer, for images like it"
)
ADD = {"pairs": "Add pair", "alone": "Add image", "noise of": "Add image"}
CHECK = {
    "pairs": (
        "Check pairs",
        "Measures how the images lie on each other, and shows it; reads them, changes nothing",
    ),
    "noise of": (
        "Check and preview",
        "Shows a patch of the layer beside one of a good image with its noise simulated",
    ),
}
"""What stands on the button, and its tooltip; of good images alone there is nothing to check."""


WHY_NOT = {
    "pairs": "Choose two layers of one field first",
    "noise of": "Choose the layer whose noise is meant first",
}
"""Why there is nothing to check."""
ADD_TOOLTIP = (
    "Takes what is chosen above into the list. Needed for several only: while the list is empty, what is "
    "chosen is taken"
)
TAKEN = {
    "pairs": "Check pairs and Start take these two layers. Add pair is for several pairs.",
    "alone": "Start takes this image. Add image is for several images.",
}
"""What is told while the list is empty."""


class ImagesSection(QWidget):
    """Layers to choose, "Add pair", a row for each pair, "Check pairs"; or as the kind of images asks for.

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
    lay_wanted = Signal(object)
    """A :class:`PairOfLayers` whose layers shall be laid on each other."""

    def __init__(self, viewer: ViewerModel, pairs: PairList) -> None:
        super().__init__()
        self._viewer = viewer
        self._pairs = pairs
        self._number = pairs.be_asked()
        self._was_chosen = pairs.any_listed or pairs.kind == "noise of"
        self._offers_tiles = pairs.kind == "noise of"
        self._make_fields()
        self.add, self.check = QPushButton(), QPushButton(CHECK["pairs"][0])
        self.check.setToolTip(CHECK["pairs"][1])
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.correct_shift = shift_field()
        self.noise_line = NoiseLine()
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        self._lay_out()
        self.kind.changed.connect(self._on_kind)
        for field in (self.noisy, self.low, self.high):
            field.changed.connect(self._on_chosen)
        self.correct_shift.changed.connect(lambda _: self.refresh())  # rows say whether it is
        self.add.clicked.connect(self._on_add)
        self.check.clicked.connect(lambda *_: self.check_wanted.emit())
        self.guess()
        self.refresh()

    def _make_fields(self) -> None:
        viewer, pairs = self._viewer, self._pairs
        self.kind = ComboBox(name="kind", choices=KINDS, value=pairs.kind, tooltip=KINDS_TOOLTIP)
        self.noisy = ComboBox(
            name="noisy", choices=lambda _: [("choose…", None), *choices.images(viewer)],
            value=pairs.noise_of,
            tooltip="A layer as the microscope gives it every day; the model is made for images like it",
        )  # fmt: skip
        self.low = ComboBox(
            name="low", choices=lambda _: _measured_first(viewer),
            tooltip="What the microscope gives every day: small, noisy or blurred",
        )  # fmt: skip
        self.high = ComboBox(
            name="high",
            choices=lambda _: self._highs(),
            tooltip="The same field, or one of the same kind, as it should look: finer, or of the same size, "
            "clean and sharp",
        )  # fmt: skip
        for field in (self.kind, self.noisy, self.low, self.high):
            keep_narrow(field)
        # Not a setting that lasts: it is about the images that are chosen now.
        self.meant = CheckBox(
            name="meant", text="Learn from a prediction",
            tooltip="The image was made by a model. What that model invented will be learned as if it were "
            "true, and figures say how well it is imitated; the new model's card tells it",
        )  # fmt: skip

    def _highs(self) -> choices.Choices:
        if self._pairs.kind == "noise of":
            return [(SAMPLE_TILES, None), *choices.images(self._viewer)]
        return _measured_first(self._viewer)

    def _lay_out(self) -> None:
        checking = QHBoxLayout()
        checking.addWidget(self.check)
        checking.addWidget(self.correct_shift.native)
        checking.addStretch(1)
        self._form = Form([
            ("Learn from", self.kind.native), ("Noise of", self.noisy.native),
            ("Low, or noisy", self.low.native), ("High, or clean", self.high.native), ("", self.meant.native),
        ])  # fmt: skip
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._form)
        layout.addWidget(self.add)
        layout.addWidget(self.hint)
        layout.addLayout(self._rows)
        layout.addWidget(self.noise_line)
        layout.addLayout(checking)

    def reset_choices(self) -> None:
        """Look again at which layers there are."""
        with self.noisy.changed.blocked(), self.low.changed.blocked(), self.high.changed.blocked():
            for field in (self.noisy, self.low, self.high):
                _look_again(field)
        if not self._was_chosen and not self._pairs.any_listed and self._pairs.kind != "noise of":
            self.guess()
        self.refresh()

    def _on_chosen(self, _: Any) -> None:
        self._was_chosen = True
        if self._pairs.kind == "noise of":
            self._pairs.choose("noise of", self.noisy.value)
        self.refresh()

    def _on_kind(self, kind: PairKind) -> None:
        self._was_chosen = True
        if kind != "noise of":
            self._pairs.choose(kind)
        else:
            active = self._viewer.layers.selection.active
            self.choose_noise_of(active if isinstance(active, Image) and _is_measured(active) else None)
        self.refresh()

    def choose_noise_of(self, layer: Image | None) -> None:
        """Learn the noise of a layer, in the sample tiles until the user has chosen good images."""
        self._was_chosen = True
        self._pairs.choose("noise of", layer)
        self.refresh()

    def guess(self) -> None:
        """Choose the layer with the most pixels as high, and the one with the fewest as low resolution.

        For two of one size nobody knows which is the better one. One alone is no pair. What a model made is
        never guessed.
        """
        images = [layer for layer in self.high.choices if layer is not None and _is_measured(layer)]
        with self.kind.changed.blocked():
            self.kind.value = "alone" if len(images) == 1 else "pairs"
        self._pairs.choose(self.kind.value)
        if len(images) == 1:
            with self.high.changed.blocked():
                self.high.value = images[0]
        if len(images) > 1:
            by_size = sorted(images, key=lambda layer: _plane_pixels(layer))
            if _plane_pixels(by_size[0]) < _plane_pixels(by_size[-1]):
                with self.low.changed.blocked(), self.high.changed.blocked():
                    self.low.value, self.high.value = by_size[0], by_size[-1]

    def add_chosen(self) -> None:
        """Take what is in the fields into the list, if there is nothing in it; tiles are no part of it.

        Raises
        ------
        UserError
            If there is no layer to learn from, or it cannot be.
        """
        kind = self._pairs.kind
        if kind == "noise of" and self.noisy.value is None:
            raise UserError("there is no layer whose noise the model shall be made for; choose one")
        if not self._pairs.all and not (kind == "noise of" and self.high.value is None):
            self._add(self.chosen())
        for pair in self._pairs.all:
            self._check_meant(pair)

    def chosen(self) -> PairOfLayers:
        """The pair in the fields, or the good image alone.

        Raises
        ------
        UserError
            If there is no high-resolution layer.
        """
        if self.high.value is None:
            raise UserError(
                "choose what is learned from: a measured image, as predictions are not taken unasked"
                if self.high.choices
                else "there is no image layer to learn from; open a pair of images first"
            )
        if self._pairs.kind == "pairs" and self.low.value is None:
            raise UserError("choose the low-resolution or noisy image of the pair")
        return PairOfLayers(self.low.value if self._pairs.kind == "pairs" else None, self.high.value)

    @property
    def learns_predictions(self) -> bool:
        """Whether the user said that predictions are learned from."""
        return bool(self.meant.value)

    @property
    def goods(self) -> list[Image]:
        """The layers in which noise would be simulated; none: the sample tiles."""
        chosen = [] if self.high.value is None else [self.high.value]
        return [pair.high for pair in self._pairs.all] or chosen

    def _proposed(self) -> tuple[PairOfLayers | None, str]:
        """What is chosen in the fields, or why it is no pair."""
        try:
            pair = self.chosen()
            pair.images()
        except UserError as error:
            return None, str(error)
        return pair, ""

    def _tell_what_is_taken(self, kind: PairKind, problem: str) -> None:
        """While the list is empty, say what the buttons take, or why there is nothing to take."""
        words = TAKEN.get(kind, "")
        self.hint.setVisible(bool(words) and not self._pairs.all)
        tell(self.hint, in_full(problem) if problem else words)

    def refresh(self) -> None:
        """Show the pairs, and what is known about them."""
        self._show_rows()
        kind = self._pairs.kind
        self._follow(kind)
        proposed, problem = self._proposed()
        self._pairs.propose(proposed, self._number)
        self._tell_what_is_taken(kind, problem)
        for field, fits in ((self.noisy, kind == "noise of"), (self.low, kind == "pairs")):
            self._form.show_row(field.native, fits)
        highs = [self.high.value, *(pair.high for pair in self._pairs.all)]
        asked = any(high is not None and predicted_by(high) for high in highs)
        self._form.show_row(self.meant.native, asked)
        self.meant.value &= asked  # it was about these
        self.add.setText(ADD[kind])
        self.add.setVisible(self.high.value is not None or kind != "noise of")
        self.noise_line.setVisible(kind == "noise of")
        self.noise_line.ask(self._pairs.noise_of, self.goods)
        self.check.setVisible(kind in CHECK)
        self.correct_shift.native.setVisible(kind == "pairs")
        if kind in CHECK:
            self.check.setText(CHECK[kind][0])
            self.check.setToolTip(CHECK[kind][1])
        can_be_checked = bool(self._pairs.intended if kind == "pairs" else self._pairs.noise_of)
        self.check.setEnabled(can_be_checked)
        if kind in CHECK and not can_be_checked:
            self.check.setToolTip(WHY_NOT[kind])
        self.add.setToolTip(ADD_TOOLTIP)

    def _follow(self, kind: PairKind) -> None:
        """Show what is learned from in the fields, also where it was not chosen in them."""
        with self.kind.changed.blocked(), self.noisy.changed.blocked(), self.high.changed.blocked():
            self.kind.value = kind
            if kind == "noise of" and self.noisy.value is not self._pairs.noise_of:
                self.noisy.reset_choices()
                self.noisy.value = self._pairs.noise_of
            if self._offers_tiles != (kind == "noise of"):
                self._offers_tiles = kind == "noise of"
                _look_again(self.high)
                if self._offers_tiles:
                    self.high.value = None

    def _show_rows(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.hide()
                row.deleteLater()
        for pair in self._pairs.all:
            text, wrong = self._about(pair)
            row = PairRow(pair.name, text, wrong=wrong, can_be_laid=can_be_laid(pair))
            if (report := self._pairs.reports.get(pair.name)) is not None:
                row.about.setToolTip(report.summary)
            row.remove.clicked.connect(partial(self._pairs.remove, pair))
            row.lay.clicked.connect(partial(self._on_lay, pair))
            self._rows.addWidget(row)

    def _on_lay(self, pair: PairOfLayers, *_: Any) -> None:
        self.lay_wanted.emit(pair)

    def _about(self, pair: PairOfLayers) -> tuple[str, bool]:
        report = self._pairs.reports.get(pair.name)
        if report is not None and report.problem:
            return as_sentence(report.problem), True
        if report is not None:
            corrected = ", corrected." if self.correct_shift.value else "."
            return " ".join(map(in_full, [report.brief + corrected, *report.notes])), False
        if pair.name in self._pairs.problems:
            return as_sentence(self._pairs.problems[pair.name]), True
        if pair.low is None:
            noisy = self._pairs.noise_of
            return f"The noise of {noisy.name} is simulated." if noisy else "Its partner is simulated.", False
        return "Not checked yet; the training checks it too.", False

    def _on_add(self) -> None:
        try:
            self._add(self.chosen())
        except UserError as error:
            self.said.emit(str(error))
        else:
            self.said.emit("")

    def _add(self, pair: PairOfLayers) -> None:
        self._check_meant(pair)
        self._pairs.add(pair)

    def _check_meant(self, pair: PairOfLayers) -> None:
        """Refuse a prediction as the image to learn from, unless the user said that it is meant."""
        if (model := predicted_by(pair.high)) and not self.learns_predictions:
            raise UserError(
                f"{pair.high.name!r} is a prediction of {model}, no measured image: what that model invented "
                f"would be learned as truth; choose a measured image, or tick {self.meant.text!r} if you "
                "mean it"
            )


def _look_again(field: ComboBox) -> None:
    """Offer anew, in the order in which it is offered; what was chosen stays, if it is still there."""
    before = field.value
    field.native.clear()  # or old choices would keep their old places, and names
    field.reset_choices()
    if before in field.choices:
        field.value = before


def _measured_first(viewer: ViewerModel) -> choices.Choices:
    """Image layers; where models made all of them, none is chosen unasked."""
    offered = choices.images(viewer)
    only_predictions = bool(offered) and not any(_is_measured(layer) for _, layer in offered)
    return [("choose…", None), *offered] if only_predictions else offered


def _is_measured(layer: Image) -> bool:
    return not predicted_by(layer) and not is_illustration(layer)


def _plane_pixels(layer: Any) -> int:
    height, width = finest_data(layer).shape[layer.ndim - 2 : layer.ndim]
    return int(height * width)
