"""The part of the Fine-tune widget that shows how a training goes, and what became of it."""

from __future__ import annotations

from napari.layers import Image
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_srgan.viewer.fine_tuning.curves import TrainingCurves
from napari_srgan.viewer.fine_tuning.pair_row import LAY, LAY_TOOLTIP
from napari_srgan.viewer.fine_tuning.preview_layers import COLORS, ROLES
from napari_srgan.viewer.fine_tuning.session import FineTuneState
from napari_srgan.viewer.qt.labels import as_sentence, tell

NO_SPLIT = (
    "Which part is held back is not drawn: the two layers do not lie on each other, and it would be another "
    "place in one of them."
)
_LONGEST_NAME = 28
"""Letters of a layer's name on a button, which must not widen the dock."""
LOOK, LOOK_BACK = "Look at the preview", "Back to where you were"


class ProgressSection(QWidget):
    """The curves, a button to the preview, the verdict, and what can be done with the model."""

    def __init__(self) -> None:
        super().__init__()
        self.curves = TrainingCurves()
        self.look = QPushButton(LOOK)
        self.look.setToolTip(
            "Brings the piece of the held-back part into view; the next click brings you back"
        )
        self.legend = QLabel(_legend())
        self.legend.setWordWrap(True)
        self.legend.setToolTip("The colours of the layer that shows the split")
        self.lay = QPushButton(LAY)
        self.lay.setToolTip(LAY_TOOLTIP)
        self.remarks, self.verdict = _sentences(), _sentences()
        self.upscale = QPushButton()
        self.upscale.setAccessibleName("Upscale the whole layer")
        self.upscale.setToolTip("Upscales all of the layer with the new model, as Upscale does")
        self.train_on = QPushButton("Train on")
        self.train_on.setToolTip(
            "Trains as long again, on the same images, starting from this model. The result is another model "
            "of a new name; this one stays as it is"
        )
        self.copy = QPushButton("Save a copy…")
        self.copy.setToolTip("Writes the new model into a file to give away, or to keep")
        self.save_again = QPushButton("Save it again")
        self.save_again.setToolTip("Tries once more to put the model into the library")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (
            self.curves, self.legend, self.lay, self.look, self.remarks, self.verdict, self.upscale,
            self.save_again,
        ):  # fmt: skip
            layout.addWidget(part)
        beside = QHBoxLayout()
        for button in (self.train_on, self.copy):
            beside.addWidget(button)
        layout.addLayout(beside)

    def draw(self, state: FineTuneState) -> None:
        """Draw the curves anew, and say what was done before the first step."""
        self.curves.setVisible(bool(state.losses or state.points))
        self.look.setVisible(state.plan is not None or state.layers.looks_away)
        self.look.setEnabled(state.layers.has_preview or state.layers.looks_away)
        self.look.setText(LOOK_BACK if state.layers.looks_away else LOOK)
        if state.plan is not None:
            self.curves.draw(state.losses, state.points, state.baseline)
        self.remarks.setText("\n".join(map(as_sentence, state.remarks)))
        self.remarks.setVisible(bool(state.remarks))

    def show_outcome(self, state: FineTuneState) -> None:
        """Show what became of the last training, and hide what makes no sense yet."""
        outcome = state.outcome
        trained = outcome.trained if outcome else None
        self.legend.setVisible(state.plan is not None and bool(state.plan.pairs))  # tiles are no layer
        self.lay.setVisible(state.hidden_splits and bool(state.to_be_laid))
        self.legend.setText(NO_SPLIT if state.hidden_splits else _legend())
        self.verdict.setVisible(outcome is not None)
        if outcome is not None:
            tell(self.verdict, as_sentence(outcome.sentence), wrong=outcome.wrong)
        for button in (self.upscale, self.train_on, self.copy):
            button.setVisible(trained is not None and trained.card is not None)
        if trained is not None:
            self._name_layer(trained.model.scale_factor, state.layer_to_upscale())
        self.train_on.setEnabled(state.runner.running is None)
        self.upscale.setEnabled(state.upscaling is None)
        self.save_again.setVisible(trained is not None and trained.card is None)
        self.draw(state)

    def _name_layer(self, factor: int, layer: Image | None) -> None:
        """Say which layer the button is about."""
        self.upscale.setText(whole_layer(factor, "" if layer is None else layer.name))
        about = "the whole layer" if layer is None else layer.name
        self.upscale.setToolTip(f"Adds the new model's result of {about}, and shows it; previews are hidden")

    def paint_for(self, theme: str) -> None:
        """Take a theme of napari."""
        colors = get_theme(theme)
        self.curves.paint_for(colors.background.as_hex(), colors.text.as_hex())


def whole_layer(factor: int, name: str) -> str:
    """What stands on the button that uses the new model, on a layer of this name."""
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    about = f"the whole {shown}".replace("&", "&&") if name else "a whole layer"  # or it would be a key
    return f"{'Upscale' if factor > 1 else 'Restore'} {about} with it"


def _sentences() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _legend() -> str:
    """The colours of a split, as rich text that can be wrapped between them."""
    return "<b>The split:</b> " + " &ensp;".join(
        f'<span style="color: {color}">■</span>&nbsp;{ROLES[role].replace(" ", "&nbsp;")}'
        for role, color in COLORS.items()
        if role
    )
