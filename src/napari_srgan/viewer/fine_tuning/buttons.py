"""The buttons of a training and its bar; always in sight."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QProgressBar, QPushButton, QWidget

from napari_srgan.progress import Progress
from napari_srgan.viewer.jobs.runner import PERCENT
from napari_srgan.viewer.qt.help_button import help_button


class FineTuneControls(QWidget):
    """Start; while it runs: Pause or Resume, Stop and keep the best, Cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.start = QPushButton("Start")
        self.pause = QPushButton("Pause")
        self.finish = QPushButton("Stop and keep the best")
        self.cancel = QPushButton("Cancel")
        self.start.setToolTip("Learns from the pairs; the model is put into the library")
        self.pause.setToolTip("Waits; what was learned stays in memory")
        self.finish.setToolTip("Ends the training now and saves the best model so far")
        self.cancel.setToolTip("Stops without a model; the training can go on later")
        self.help = help_button()
        self.bar = QProgressBar()
        self.bar.setToolTip("How far the training is")
        self.bar.setAccessibleName("Progress")
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.addWidget(self.start, 0, 0, 1, 2)
        layout.addWidget(self.help, 0, 2)
        layout.addWidget(self.finish, 1, 0, 1, 3)
        layout.addWidget(self.pause, 2, 0)
        layout.addWidget(self.cancel, 2, 1, 1, 2)
        layout.addWidget(self.bar, 3, 0, 1, 3)

    def show_state(self, *, busy: bool, training: bool, waits: bool, upscaling: bool) -> None:
        """Show the buttons that make sense.

        Parameters
        ----------
        busy, training, waits
            Whether something runs that concerns a training, whether it is one, and whether it waits.
        upscaling
            Whether the new model upscales a layer.
        """
        self.start.setVisible(not busy)
        for button in (self.pause, self.finish):
            button.setVisible(training)
        for part in (self.cancel, self.bar):
            part.setVisible(busy or upscaling)
        self.cancel.setToolTip(
            "Stops without a model; the training can go on later" if busy else "Stops upscaling the layer"
        )
        self.pause.setText("Resume" if waits else "Pause")

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far it is."""
        known = progress is not None and 0 < progress.done < progress.total
        self.bar.setRange(0, PERCENT if known else 0)
        if progress is not None and known:
            self.bar.setValue(int(progress.fraction * PERCENT))
