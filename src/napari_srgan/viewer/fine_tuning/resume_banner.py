"""The offer to go on with a training that was interrupted."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_srgan.viewer.fine_tuning.saved_run import KeptTraining
from napari_srgan.viewer.qt.labels import tell


class InterruptedBanner(QWidget):
    """Says which training was interrupted; two buttons: go on, discard."""

    go_on_wanted = Signal(KeptTraining)
    """A :class:`KeptTraining`."""
    discarded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._kept: KeptTraining | None = None
        self.text, self.go_on, self.discard = QLabel(), QPushButton("Go on"), QPushButton("Discard")
        self.go_on.setToolTip("Continues the training; layers of the same names have to be open")
        self.discard.setToolTip("Deletes what was learned so far; no layer and no model is touched")
        self.text.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.go_on)
        buttons.addWidget(self.discard)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.go_on.clicked.connect(self._on_go_on)
        self.discard.clicked.connect(self._on_discard)
        self.hide()

    def offer(self, kept: KeptTraining | None) -> None:
        """Offer a training, or none."""
        self._kept = kept
        self.setVisible(kept is not None)
        if kept is not None:
            plan = kept.plan
            layers = ", ".join(name for pair in plan.pairs for name in (pair.low, pair.high) if name)
            source = layers or "the bundled sample tiles"
            noise = f" the noise of {plan.noise_of.name} in" if plan.noise_of else " from"
            tell(
                self.text,
                f"The training of {plan.settings.name} was interrupted. It learns{noise} {source}.",
            )

    def _on_go_on(self) -> None:
        if self._kept is not None:
            self.go_on_wanted.emit(self._kept)

    def _on_discard(self) -> None:
        if self._kept is not None:
            self._kept.forget()
        self.discarded.emit()
