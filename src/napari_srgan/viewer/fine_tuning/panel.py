"""The part of the Fine-tune widget that shows how a training goes, and what became of it."""

from __future__ import annotations

from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_srgan.viewer.fine_tuning.curves import TrainingCurves
from napari_srgan.viewer.fine_tuning.preview_layers import COLORS, ROLES
from napari_srgan.viewer.fine_tuning.session import FineTuneState
from napari_srgan.viewer.qt.labels import as_sentence, tell

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
        self.remarks, self.verdict = _sentences(), _sentences()
        self.upscale = QPushButton(whole_layer(2))
        self.upscale.setToolTip("Adds the result of the new model, and shows it; previews are hidden")
        self.save_again = QPushButton("Save it again")
        self.save_again.setToolTip("Tries once more to put the model into the library")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (
            self.curves, self.legend, self.look, self.remarks, self.verdict, self.upscale, self.save_again,
        ):  # fmt: skip
            layout.addWidget(part)

    def draw(self, state: FineTuneState) -> None:
        """Draw the curves anew, and say what was done before the first step."""
        self.curves.setVisible(bool(state.losses or state.points))
        self.look.setEnabled(state.layers.has_preview)
        self.look.setText(LOOK_BACK if state.layers.looks_at_preview else LOOK)
        if state.plan is not None:
            self.curves.draw(state.losses, state.points, state.baseline)
        self.remarks.setText("\n".join(map(as_sentence, state.remarks)))
        self.remarks.setVisible(bool(state.remarks))

    def show_outcome(self, state: FineTuneState) -> None:
        """Show what became of the last training, and hide what makes no sense yet."""
        outcome = state.outcome
        trained = outcome.trained if outcome else None
        self.look.setVisible(state.plan is not None)
        self.legend.setVisible(state.plan is not None and bool(state.plan.pairs))  # tiles are no layer
        self.verdict.setVisible(outcome is not None)
        if outcome is not None:
            tell(self.verdict, as_sentence(outcome.sentence), wrong=outcome.wrong)
        self.upscale.setVisible(trained is not None and trained.card is not None)
        if trained is not None:
            self.upscale.setText(whole_layer(trained.model.scale_factor))
        self.save_again.setVisible(trained is not None and trained.card is None)
        self.draw(state)

    def paint_for(self, theme: str) -> None:
        """Take a theme of napari."""
        colors = get_theme(theme)
        self.curves.paint_for(colors.background.as_hex(), colors.text.as_hex())


def whole_layer(factor: int) -> str:
    """What stands on the button that uses the new model."""
    return f"{'Upscale' if factor > 1 else 'Restore'} the whole layer with it"


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
