"""The Fine-tune widget: from the user's own layers to a model for their microscope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import napari
from napari.layers import Image
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_srgan.errors import UserError
from napari_srgan.training.degradation.sample import NoiseSample
from napari_srgan.training.fine_tuning.agreement import check_noise_of
from napari_srgan.viewer.fine_tuning.buttons import FineTuneControls
from napari_srgan.viewer.fine_tuning.degradation_form import estimate_task, preview_task
from napari_srgan.viewer.fine_tuning.layer_pairs import noisy_image
from napari_srgan.viewer.fine_tuning.noise import good_images, noise_task
from napari_srgan.viewer.fine_tuning.pair_form import ImagesSection
from napari_srgan.viewer.fine_tuning.panel import ProgressSection
from napari_srgan.viewer.fine_tuning.resume_banner import InterruptedBanner
from napari_srgan.viewer.fine_tuning.saved_run import (
    KeptTraining,
    LayerNames,
    NoisyLayer,
    SavedRun,
    interrupted,
)
from napari_srgan.viewer.fine_tuning.session import fine_tuning_of
from napari_srgan.viewer.fine_tuning.settings_form import ChoicesSection
from napari_srgan.viewer.help_window import show_help
from napari_srgan.viewer.last_choices import remember
from napari_srgan.viewer.models.save_copy import ask_and_save_copy
from napari_srgan.viewer.models.signal import LIBRARY, look_when_entered
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.preferences import apply_folder
from napari_srgan.viewer.qt.collapsible import Collapsible
from napari_srgan.viewer.qt.keyboard import RunKeys
from napari_srgan.viewer.qt.labels import as_sentence, fit_into_dock, tell
from napari_srgan.viewer.qt.scrolled import ScrolledPage
from napari_srgan.viewer.qt.tooltips import wrap_tooltips
from napari_srgan.viewer.qt.wrapped_texts import wrap_texts

_PREFERRED = QSize(420, 640)


class FineTuneWidget(QWidget):
    """Chooses layers and settings, starts a training, shows how it goes and what became of it.

    Parameters
    ----------
    viewer
        Whose layers are learned from; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        apply_folder()
        self._viewer = unwrapped(viewer)
        self.state = fine_tuning_of(self._viewer)
        self._said = ("", False)
        self.gone = False
        """Whether the dock was closed."""
        self._make_parts()
        self._lay_out()
        self._connect()
        if self.state.plan is not None:
            self.choices.show_settings(self.state.plan.settings, self.state.plan.base)
        self._repaint()
        self.look_for_interrupted()
        self._show()
        self._draw()

    def _make_parts(self) -> None:
        self.images = ImagesSection(self._viewer, self.state.pairs)
        self.choices = ChoicesSection(self._viewer, self.state.pairs)
        self.banner = InterruptedBanner()
        self.progress = ProgressSection()
        self.controls = FineTuneControls()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lay_out(self) -> None:
        setup = QWidget()
        inner = QVBoxLayout(setup)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.images)
        inner.addWidget(self.choices)
        self.setup = Collapsible("Images and settings", setup, opened=True)
        self._setup = setup
        fit_into_dock(setup)
        page = QWidget()
        parts = QVBoxLayout(page)
        for part in (self.banner, self.setup, self.progress):
            parts.addWidget(part)
        parts.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.addWidget(ScrolledPage(page), 1)
        layout.addWidget(self.controls)
        layout.addWidget(self.status)
        wrap_texts(self)
        wrap_tooltips(self)

    def _connect(self) -> None:
        state = self.state
        for signal, slot in (
            (self.images.said, self._complain),
            (self.images.check_wanted, self._guarded(self._check)),
            (self.images.lay_wanted, state.lay),
            (self.choices.simulated_wanted, self._guarded(self._simulate)),
            (self.choices.estimate_wanted, self._guarded(self._estimate)),
            (self.banner.go_on_wanted, self._go_on),
            (self.banner.discarded, self.look_for_interrupted),
            (self.controls.start.clicked, self._guarded(self._start)),
            (self.controls.pause.clicked, self._pause_or_resume),
            (self.controls.finish.clicked, state.finish),
            (self.controls.cancel.clicked, state.cancel),
            (self.controls.help.clicked, self._on_help),
            (self.progress.look.clicked, self._look),
            (self.progress.upscale.clicked, self._guarded(state.upscale)),
            (self.progress.lay.clicked, lambda *_: state.lay(*state.to_be_laid)),
            (self.progress.train_on.clicked, self._guarded(self._train_on)),
            (self.progress.copy.clicked, self._guarded(self._save_copy)),
            (self.progress.save_again.clicked, state.save_again),
        ):
            signal.connect(slot)
        RunKeys(self, self.controls.start, self.controls.cancel)
        state.changed.connect(self._show)
        state.runner.shown.connect(self._draw)
        state.upscaled_so_far.connect(self._show_status)
        state.said.connect(self._tell)
        LIBRARY.changed.connect(self.choices.look_again)
        look_when_entered(self)
        self._viewer.events.theme.connect(self._repaint)
        self.destroyed.connect(partial(_let_go, ref(self), ref(state), self.choices.look_again))

    def sizeHint(self) -> QSize:
        return _PREFERRED

    def reset_choices(self, *_: Any) -> None:
        """Look again at which layers there are; napari calls it when they come and go."""
        self.images.reset_choices()
        self.choices.reset_choices()
        self.progress.show_outcome(self.state)

    def learn_noise_of(self, layer: Image, base: str | None = None) -> None:
        """Set the fields up for a model that is made for the noise of a layer.

        Parameters
        ----------
        layer
            The noisy one.
        base
            Name of the model that is started from, if it can be, and whose factor is taken.
        """

        def set_up() -> None:
            state = self.state
            if state.runner.running is not None:
                raise UserError(
                    f"{state.runner.running} is still running: wait until it is done, or cancel it first"
                )
            self.images.choose_noise_of(layer)
            self.choices.start_from(base)
            self.setup.open(True)

        self._guarded(set_up)()

    # What the buttons do.

    def _guarded(self, action: Callable[[], None]) -> Callable[..., None]:
        """An action whose refusal is shown as a sentence."""

        def act(*_: Any) -> None:
            self._said = ("", False)
            try:
                action()
            except UserError as error:
                self._complain(str(error))

        return act

    def _start(self) -> None:
        state = self.state
        noise_of = state.pairs.noise_of
        if noise_of is not None:
            check_noise_of(noisy_image(noise_of), good_images(self.images.goods))
        self.images.add_chosen()
        plan = SavedRun(
            pairs=tuple(LayerNames.of(pair) for pair in state.pairs.all),
            noise_of=None if noise_of is None else NoisyLayer.of(noise_of),
            base=self.choices.chosen_base,
            settings=self.choices.settings(
                correct_shift=self.images.correct_shift.value,
                predictions_as_truth=self.images.learns_predictions,
            ),
        )
        state.start(state.pairs.all, plan, noise_of)
        remember(minutes=plan.settings.minutes)
        self.setup.open(False)

    def _train_on(self) -> None:
        state = self.state
        state.train_on(minutes=self.choices.minutes, steps=self.choices.steps)
        assert state.plan is not None
        self.choices.show_settings(state.plan.settings, state.plan.base)
        self.setup.open(False)

    def _save_copy(self) -> None:
        outcome = self.state.outcome
        if outcome is not None and outcome.trained is not None and outcome.trained.card is not None:
            self._tell(ask_and_save_copy(self, outcome.trained.card.name), False)

    def _check(self) -> None:
        state = self.state
        noisy = state.pairs.noise_of
        if noisy is None:
            self.images.add_chosen()
            state.check()
            return
        said = state.said

        def show(sample: NoiseSample) -> None:
            state.layers.show_noise(sample, noisy)
            said.emit(sample.sentence, False)

        task = noise_task(
            noisy, self.images.goods, self.choices.factor, show, lambda sentence: said.emit(sentence, True)
        )
        state.runner.start([task])

    def _go_on(self, kept: KeptTraining) -> None:
        def go_on() -> None:
            self.state.go_on(kept)
            self.choices.show_settings(kept.plan.settings, kept.plan.base)
            self.setup.open(False)

        self._guarded(go_on)()

    def _pause_or_resume(self) -> None:
        runner = self.state.runner
        runner.resume() if runner.is_paused else runner.pause()

    def _simulate(self) -> None:
        pair = self.state.pairs.intended[0]
        task = preview_task(
            pair.high,
            self.choices.factor,
            self.choices.simulation.degradation(self.choices.factor),
            lambda both: self.state.layers.show_simulated(*both, pair.high),
            lambda sentence: self.state.said.emit(sentence, True),
        )
        self.state.runner.start([task])

    def _estimate(self) -> None:
        def show(camera: Any) -> None:
            if not self.gone:
                self.choices.simulation.set_camera(camera, self.choices.factor)
            said.emit(camera.summary, False)

        said = self.state.said
        high = self.state.pairs.intended[0].high
        self.state.runner.start([estimate_task(high, show, lambda sentence: said.emit(sentence, True))])

    def _on_help(self) -> None:
        sentence, wrong = self._said
        show_help(self._viewer, "fine-tuning.md", "in-napari-step-by-step", error=sentence if wrong else "")

    def _look(self) -> None:
        self.state.layers.look_at_preview()
        self._draw()

    # What is shown.

    def look_for_interrupted(self) -> None:
        """Offer the last training that was interrupted, if there is one and nothing is trained now."""
        found = () if self.state.training else interrupted()
        self.banner.offer(found[0] if found else None)

    def _draw(self, *_: Any) -> None:
        self._show_status()
        self.progress.draw(self.state)

    def _show(self) -> None:
        """Show what can be done now, and what became of what was done."""
        state = self.state
        busy = state.runner.running is not None
        self._setup.setEnabled(not busy)
        self.images.refresh()
        self.choices.offer()
        self.controls.show_state(
            busy=busy,
            training=busy and state.training,
            waits=state.runner.is_paused,
            upscaling=state.upscaling is not None,
        )
        if not busy:
            self.look_for_interrupted()
        else:
            self.banner.offer(None)
        self.progress.show_outcome(state)
        self._show_status()

    def _show_status(self) -> None:
        state = self.state
        if state.runner.running is not None:
            sentence, wrong = state.in_words, False
            self.controls.show_progress(state.progress)
        elif state.upscaling is not None:
            sentence, wrong = state.upscale_words, False
            self.controls.show_progress(state.upscale_progress)
        else:
            sentence, wrong = self._said
        tell(self.status, as_sentence(sentence), wrong=wrong)
        self.status.setVisible(bool(sentence))

    def _complain(self, sentence: str) -> None:
        self._tell(sentence, bool(sentence))

    def _tell(self, sentence: str, wrong: bool) -> None:
        self._said = (sentence, wrong)
        self._show_status()

    def _repaint(self, *_: Any) -> None:
        self.progress.paint_for(self._viewer.theme)


def _let_go(gone: ref[FineTuneWidget], state: ref[Any], look_again: Callable[[], None]) -> None:
    """Disconnect a widget that is destroyed from what outlives it."""
    LIBRARY.changed.disconnect(look_again, missing_ok=True)
    widget, left = gone(), state()
    if widget is not None and left is not None:
        left.changed.disconnect(widget._show, missing_ok=True)
        left.runner.shown.disconnect(widget._draw, missing_ok=True)
        left.upscaled_so_far.disconnect(widget._show_status, missing_ok=True)
        left.said.disconnect(widget._tell, missing_ok=True)
        widget.gone = True
