"""A viewer's fine-tuning: what it learns from, how it goes, and what became of it.

It belongs to the viewer, not to a widget: a dock that is closed and opened again shows the
training that is still running.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari import Viewer
from napari.layers import Image
from psygnal import Signal

from napari_srgan.errors import UserError
from napari_srgan.images.factor import verb
from napari_srgan.models import read_library
from napari_srgan.models.card import Baseline, HistoryPoint
from napari_srgan.models.library.user_models import free_name
from napari_srgan.progress import Progress
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.progress import Preview, SplitPicture, TrainingProgress
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.pairs.source import SourceImage, sample_sources
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers, find_image, find_pair, noisy_image
from napari_srgan.viewer.fine_tuning.pair_list import PairList
from napari_srgan.viewer.fine_tuning.placing import can_be_laid, lay_on_each_other, lie_apart
from napari_srgan.viewer.fine_tuning.preview_layers import TrainingLayers
from napari_srgan.viewer.fine_tuning.save_model import Trained, train_and_save
from napari_srgan.viewer.fine_tuning.saved_run import KeptTraining, SavedRun, begin_run
from napari_srgan.viewer.fine_tuning.settings_form import WITHOUT_END
from napari_srgan.viewer.jobs.runner import Task, runner_of, training_runner_of
from napari_srgan.viewer.layers.provenance import is_illustration
from napari_srgan.viewer.layers.result_in_viewer import add_result
from napari_srgan.viewer.layers.upscale_layer import finest_data, upscale_layer_job
from napari_srgan.viewer.models.signal import LIBRARY
from napari_srgan.viewer.one_per_viewer import OfViewer, one_per_viewer
from napari_srgan.viewer.qt.labels import in_full
from napari_srgan.viewer.upscale.messages import added
from napari_srgan.viewer.upscale.preferred_model import wish_of
from napari_srgan.viewer.upscale.time_axis import movie_axes

PREVIEWS_APART = 1.0
"""Seconds between previews: a layer that changes is drawn with all others."""


@dataclass(frozen=True)
class TrainingOutcome:
    """How a training ended, in words."""

    sentence: str
    wrong: bool = False
    trained: Trained | None = None


class FineTuneState(OfViewer):
    """What the Fine-tune widget of a viewer shows.

    Parameters
    ----------
    viewer
        Whose layers are learned from.
    """

    changed = Signal()
    """Pairs came or went, something began, waits, or ended."""
    upscaled_so_far = Signal()
    """The upscaling of a whole layer has come further."""
    said = Signal(str, bool)
    """What came of something short, and whether something is wrong."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.runner = training_runner_of(viewer)
        self.layers = TrainingLayers(viewer)
        self.pairs = PairList(viewer, self.layers)
        self.plan: SavedRun | None = None
        """Plan of the training that runs, or ran last."""
        self.outcome: TrainingOutcome | None = None
        self._kept: KeptTraining | None = None
        self._learned_from: tuple[PairOfLayers, ...] = ()
        self._noise_of: Image | None = None
        self._splits: tuple[SplitPicture, ...] = ()
        self._upscaler = runner_of(viewer)
        self._upscaling: str | None = None
        self.upscale_words = ""
        """How far the upscaling of a whole layer is that was started here."""
        self.upscale_progress: Progress | None = None
        self._reset_curves()
        self._upscaler.shown.connect(self._on_upscaled_so_far)
        self._upscaler.ended.connect(self._on_upscaling_ended)
        self.runner.started.connect(self._on_started)
        self.runner.progressed.connect(self._on_progress)
        self.runner.paused.connect(lambda _: self.changed.emit())
        self.runner.ended.connect(lambda _: self.changed.emit())
        self.pairs.changed.connect(self.changed.emit)
        self.pairs.lost.connect(self._on_lost)

    def _reset_curves(self) -> None:
        self.losses: list[tuple[int, float]] = []
        self.points: list[HistoryPoint] = []
        self.baseline: Baseline | None = None
        self.progress: Progress | None = None
        self.left = ""
        self._preview: Preview | None = None
        """One that is not shown yet."""
        self._previewed = float("-inf")
        self.note = ""
        """Something to know, beside how far it is."""
        self.remarks: tuple[str, ...] = ()
        """What was done to the base and the images before the first step, in sentences."""

    @property
    def training(self) -> bool:
        """Whether a training is under way, also one that waits."""
        return self._kept is not None

    @property
    def upscaling(self) -> str | None:
        """What is upscaled, if a whole layer is; started here, not in the Upscale widget."""
        return self._upscaling

    @property
    def in_words(self) -> str:
        """What goes on, and how long it will take."""
        if self.runner.is_paused:
            doing = f"{self.runner.running}: paused"
        elif self.progress is None or not self.progress.message:
            doing = self.runner.running or ""
        else:
            doing = self.progress.message
        left = "" if self.runner.is_paused else self.left
        return " ".join(part for part in (f"{doing}: {left}" if left else doing, self.note) if part)

    def check(self) -> None:
        """Check all pairs, one after the other.

        Raises
        ------
        UserError
            If there is none, or something else runs.
        """
        self._refuse_if_busy()
        self.runner.start(self.pairs.check_tasks(self.said.emit))
        self.changed.emit()

    def _on_lost(self, name: str) -> None:
        if self.training and getattr(self.progress, "phase", "reading") in ("reading", "checking"):
            self.note = f"{name} was removed while it was read: the training goes on with the pixels it had."
            self.changed.emit()

    # Training.

    def start(self, pairs: Sequence[PairOfLayers], plan: SavedRun, noise_of: Image | None = None) -> None:
        """Start a training; without pairs, the tiles that come with the package are learned from.

        Raises
        ------
        UserError
            If something else runs, the images cannot be used, or nothing can be written.
        """
        self._refuse_if_busy()
        images = [pair.images(_temporal(plan.base)) for pair in pairs]
        noisy = None if noise_of is None else noisy_image(noise_of)
        self._train(pairs, images, begin_run(plan), noise_of, noisy)

    def go_on(self, kept: KeptTraining) -> None:
        """Go on with an interrupted training.

        Raises
        ------
        UserError
            If something else runs, or its layers are not there.
        """
        self._refuse_if_busy()
        pairs = []
        for names in kept.plan.pairs:
            pair = find_pair(self._viewer, names.low, names.high)
            names.check(pair)
            pairs.append(pair)
        images = [pair.images(_temporal(kept.plan.base)) for pair in pairs]
        noise_of = None
        if kept.plan.noise_of is not None:
            noise_of = find_image(self._viewer, kept.plan.noise_of.name)
            kept.plan.noise_of.check(noise_of)
        noisy = None if noise_of is None else noisy_image(noise_of)
        self.pairs.replace(pairs, noise_of)
        self._train(pairs, images, kept, noise_of, noisy)

    def train_on(self, *, minutes: float | None, steps: int | None) -> None:
        """Train again on the same images, starting from the new model; makes a model of another name.

        Parameters
        ----------
        minutes, steps
            How long.

        Raises
        ------
        UserError
            If there is no model, its images are not there any more, or something else runs.
        """
        trained = self.outcome.trained if self.outcome else None
        if self.plan is None or trained is None or trained.card is None:
            raise UserError("there is no model in the library yet; train one first")
        settings = self.plan.settings.model_copy(
            update={"name": _next_name(trained.card.name), "minutes": minutes, "steps": steps}
        )
        plan = self.plan.model_copy(update={"base": trained.card.name, "settings": settings})
        pairs, noise_of = self._learned_from, self._noise_of
        if minutes is None and steps is None:
            raise UserError(WITHOUT_END)
        for layer in (noise_of, *(layer for pair in pairs for layer in (pair.low, pair.high))):
            if layer is not None and layer not in self._viewer.layers:
                raise UserError(f"{layer.name!r} is not open any more; open it again, and press Start")
        self.pairs.replace(pairs, noise_of)
        self.start(pairs, plan, noise_of)

    def _refuse_if_busy(self) -> None:
        if self.runner.running is not None:
            raise UserError(
                f"{self.runner.running} is still running: wait until it is done, or cancel it first"
            )

    def _train(
        self,
        pairs: Sequence[PairOfLayers],
        images: Sequence[Any],
        kept: KeptTraining,
        noise_of: Image | None,
        noisy: SourceImage | None,
    ) -> None:
        self._reset_curves()
        self.layers.begin()
        self._splits = ()
        self.plan, self.outcome, self._kept = kept.plan, None, kept
        self._learned_from, self._noise_of = tuple(pairs), noise_of
        job = fine_tune_job(
            images or sample_sources(), base=kept.plan.base, settings=kept.plan.settings,
            checkpoint=kept.checkpoint, noise_of=noisy,
        )  # fmt: skip
        name = kept.plan.settings.name
        whole = train_and_save(job, kept)
        self.runner.start([Task(f"Training {name}", whole, self._end, self._on_problem, self._on_cancelled)])
        self.changed.emit()

    def finish(self) -> None:
        """Stop the training and keep the best model."""
        self.runner.order(Request.FINISH)
        self.note = "Stopping after this step, and keeping the best."
        self.changed.emit()

    def _on_started(self, _: str) -> None:
        self.progress, self.left, self.note = None, "", ""

    def _on_progress(self, progress: Progress, left: str) -> None:
        self.progress, self.left = progress, left
        if isinstance(progress, TrainingProgress):
            self._take_in(progress)

    def _take_in(self, told: TrainingProgress) -> None:
        if told.loss is not None:
            self.losses.append((told.step, told.loss))
        if told.point is not None:
            self.points.append(told.point)
        if told.baseline is not None:
            self.baseline = told.baseline
        if told.notes:
            self.remarks = told.notes
        self.pairs.take_in(told.reports)
        if told.preview is not None:
            self._preview = told.preview
        if time.monotonic() - self._previewed > PREVIEWS_APART:
            self._show_preview()
        if told.split:
            self._splits = told.split
            self._show_splits()

    def _show_splits(self) -> None:
        """Draw which part is held back, where that is the same place in both layers of a pair."""
        for split, pair in zip(self._splits, self._learned_from, strict=False):
            if lie_apart(pair):
                continue
            height = finest_data(pair.high).shape[pair.high.ndim - 2]
            coarser = 1 if pair.low is not None else round(height / split.roles.shape[0])
            self.layers.show_split(split, pair.low or pair.high, coarser)

    @property
    def hidden_splits(self) -> bool:
        """Whether a split cannot be drawn, because the layers of a pair do not lie on each other."""
        return bool(self._splits) and any(map(lie_apart, self._learned_from))

    @property
    def to_be_laid(self) -> list[PairOfLayers]:
        """Pairs of the training whose layers can be laid on each other."""
        return [pair for pair in self._learned_from if can_be_laid(pair)]

    def lay(self, *pairs: PairOfLayers) -> None:
        """Lay the high-resolution layers of pairs on the other ones, and draw what is held back."""
        for pair in pairs:
            lay_on_each_other(pair)
        self._show_splits()
        self.changed.emit()

    def _show_preview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is None:
            return
        self._previewed = time.monotonic()
        factor = preview.high.shape[0] // preview.low.shape[0]
        if not self._learned_from:
            assert self._noise_of is not None
            self.layers.show_preview(preview, self._noise_of, factor)
        elif self._learned_from[0].low is None:
            self.layers.show_preview(preview, self._learned_from[0].high, 1)
        else:
            self.layers.show_preview(preview, self._learned_from[0].low, factor)

    # How it ends.

    def _end(self, trained: Trained) -> None:
        self._kept = None
        self._show_preview()
        self.points = list(trained.model.history) or self.points
        self.outcome = TrainingOutcome(trained.sentence, trained.wrong, trained)
        if trained.card is not None:
            LIBRARY.tell()
            wish_of(self._viewer).wish(trained.card.name)
        self.changed.emit()

    def _on_problem(self, sentence: str) -> None:
        kept, self._kept = self._kept, None
        self.pairs.note_failure(sentence)
        self.outcome = TrainingOutcome(in_full(sentence) + _what_is_kept(kept), wrong=True)

    def _on_cancelled(self, trained: Trained | None) -> None:
        if trained is not None:  # it was done already
            self._end(trained)
            return
        kept, self._kept = self._kept, None
        self.outcome = TrainingOutcome("Cancelled." + _what_is_kept(kept))

    def save_again(self) -> None:
        """Try once more to put a model into the library that could not be written."""
        if self.outcome is not None and self.outcome.trained is not None:
            self._end(self.outcome.trained.saved_again())

    # What can be done with the model.

    def upscale(self) -> None:
        """Upscale the whole low-resolution layer with the new model.

        Raises
        ------
        UserError
            If there is no model or no layer, or another image is being upscaled.
        """
        trained = self.outcome.trained if self.outcome else None
        if trained is None or trained.card is None:
            raise UserError("there is no model in the library yet; train one first")
        layer = self.layer_to_upscale()
        if layer is None:
            raise UserError("there is no image to upscale; select an image layer")

        def add(result: Image) -> None:
            add_result(result, layer, self._viewer)
            self.layers.hide()
            self.layers.look_at(result)
            self.said.emit(added(result, layer), False)

        name = trained.card.name
        axes = movie_axes(layer, name) if trained.card.frames > 1 else None
        job = upscale_layer_job(layer, name, axes=axes)
        title = f"{verb(trained.card.scale_factor)} {layer.name}"
        task = Task(title, job, add, lambda sentence: self.said.emit(sentence, True))
        self._upscaler.start([task])
        self._upscaling, self.upscale_words, self.upscale_progress = title, title, None
        self.changed.emit()

    def _on_upscaled_so_far(self, progress: Progress, left: str) -> None:
        if self._upscaling is not None:
            words = progress.message or self._upscaling
            self.upscale_words = f"{words}: {left}" if left else words
            self.upscale_progress = progress
            self.upscaled_so_far.emit()

    def _on_upscaling_ended(self, cancelled: bool) -> None:
        if self._upscaling is not None:
            self._upscaling = None
            if cancelled:
                self.said.emit("Cancelled.", False)
            self.changed.emit()

    def cancel(self) -> None:
        """Cancel what the widget shows: the training, or else the upscaling of a whole layer."""
        (self.runner if self.runner.running is not None else self._upscaler).cancel()

    def layer_to_upscale(self) -> Image | None:
        """The layer whose noise was meant, or the first low-resolution one, or else the selected one."""
        for layer in (self._noise_of, *(pair.low for pair in self._learned_from)):
            if layer is not None and layer in self._viewer.layers:
                return layer
        active = self._viewer.layers.selection.active
        return active if isinstance(active, Image) and not is_illustration(active) else None


def _next_name(name: str) -> str:
    """A free name for what a model becomes: ``cells-x4-2`` after ``cells-x4``, and then ``cells-x4-3``."""
    stem, _, number = name.rpartition("-")
    first = stem if number.isdigit() and read_library().card(stem) is not None else name
    return free_name(first)


def _temporal(base: str | None) -> str:
    """The name of a model, if it is one for time-lapses."""
    card = read_library().card(base)
    return "" if card is None or card.frames == 1 else card.name


def _what_is_kept(kept: KeptTraining | None) -> str:
    """What remains of a training that has no model; a folder without a checkpoint does not."""
    if kept is None:
        return ""
    if kept.checkpoint.is_file():
        return " What was learned so far is kept: Go on continues, Discard deletes it."
    kept.forget()
    return ""


@one_per_viewer
def fine_tuning_of(viewer: Viewer) -> FineTuneState:
    """The fine-tuning of a viewer; the same for all widgets of its window."""
    return FineTuneState(viewer)
