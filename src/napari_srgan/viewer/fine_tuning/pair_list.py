"""What a viewer's training will learn from, and what a check says of each pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from napari.components import ViewerModel
from napari.layers import Image
from psygnal import Signal

from napari_srgan.errors import UserError
from napari_srgan.progress import Job
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers
from napari_srgan.viewer.fine_tuning.preview_layers import CheckPicture, TrainingLayers
from napari_srgan.viewer.jobs.runner import Task

PairKind = Literal["pairs", "alone", "noise of"]
"""``"pairs"``: low and high resolution of one field, measured. ``"alone"``: high resolution, whose
partner is simulated. ``"noise of"``: as alone, with the noise and the blur of another layer."""


class PairList:
    """Pairs of layers; one whose layer is removed from the viewer goes.

    Measured pairs and images without a partner are both remembered; those of the chosen kind are learned
    from.

    Parameters
    ----------
    viewer
        Whose layers they are.
    layers
        Shows what checks have found.
    """

    changed = Signal()
    """Pairs came or went, or something was found out about one."""
    lost = Signal(str)
    """A layer was removed that a pair needs: its name."""

    def __init__(self, viewer: ViewerModel, layers: TrainingLayers) -> None:
        self._listed: list[PairOfLayers] = []
        self._kind: PairKind = "pairs"
        self._noise_of: Image | None = None
        self._proposed: PairOfLayers | None = None
        self._asked_by = 0
        self.reports: dict[str, PairReport] = {}
        """By the name of the pair when it was checked."""
        self.problems: dict[str, str] = {}
        """Why a pair could not be checked, by its name."""
        self._layers = layers
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def all(self) -> list[PairOfLayers]:
        """Those that will be learned from."""
        return [pair for pair in self._listed if (pair.low is not None) == (self._kind == "pairs")]

    @property
    def intended(self) -> list[PairOfLayers]:
        """Those that a training would learn from now: the list, or else what is chosen in the fields."""
        if self.all or self._proposed is None or (self._proposed.low is not None) != (self._kind == "pairs"):
            return self.all
        return [self._proposed]

    def be_asked(self) -> int:
        """Return the number of a new form.

        What is chosen in the newest counts: a dock that was closed may live on for a while.
        """
        self._asked_by += 1
        return self._asked_by

    def propose(self, pair: PairOfLayers | None, form: int) -> None:
        """Take note of what is chosen in the fields of a form, and not in the list yet."""
        if form == self._asked_by and pair != self._proposed:
            self._proposed = pair
            self.changed.emit()

    @property
    def any_listed(self) -> bool:
        """Whether there is one of any kind."""
        return bool(self._listed)

    @property
    def kind(self) -> PairKind:
        """What is learned from."""
        return self._kind

    @property
    def noise_of(self) -> Image | None:
        """The layer whose noise is simulated; None of another kind."""
        return self._noise_of if self._kind == "noise of" else None

    @property
    def learns_from_tiles(self) -> bool:
        """Whether there is nothing to learn from but the tiles that come with the package."""
        return self._kind == "noise of" and not self.all

    def choose(self, kind: PairKind, noise_of: Image | None = None) -> None:
        """Learn from another kind of images."""
        if (kind, noise_of) != (self._kind, self._noise_of):
            self._kind, self._noise_of = kind, noise_of
            self.changed.emit()

    def add(self, pair: PairOfLayers) -> None:
        """Take a pair in.

        Raises
        ------
        UserError
            If it is there already, or cannot be one.
        """
        if pair in self._listed:
            raise UserError(f"{pair.name}: already in the list")
        pair.images()
        self._listed.append(pair)
        self.changed.emit()

    def remove(self, pair: PairOfLayers) -> None:
        """Leave a pair out."""
        self._listed.remove(pair)
        self._forget(pair.name)
        self.changed.emit()

    def replace(self, pairs: Sequence[PairOfLayers], noise_of: Image | None = None) -> None:
        """Take others in place of all."""
        alone: PairKind = "alone" if noise_of is None else "noise of"
        self._listed = list(pairs)
        self._kind = "pairs" if any(pair.low is not None for pair in pairs) else alone
        self._noise_of = noise_of
        self.changed.emit()

    @property
    def factor(self) -> int | None:
        """How many times finer the first high-resolution image with a partner is; None: that is unknown."""
        for pair in self.intended:
            if pair.low is not None:
                return pair.factor
        return None

    def take_in(self, reports: Sequence[PairReport]) -> None:
        """What was found out about pairs."""
        for report in reports:
            self.reports[report.pair.name] = report
        if reports:
            self.changed.emit()

    def note_failure(self, sentence: str) -> None:
        """Keep what was said about one of the pairs, whose name it begins with."""
        for pair in self.all:
            about = sentence.removeprefix(f"{pair.name}: ")
            if about != sentence:
                self.problems[pair.name] = about
                self.changed.emit()

    def check_tasks(self, told: Callable[[str, bool], None]) -> list[Task]:
        """A task for each pair that registers and judges it.

        Parameters
        ----------
        told
            Given what came of it in the end, and whether something is wrong.

        Raises
        ------
        UserError
            If there is no pair.
        """
        both = [pair for pair in self.all if pair.low is not None]
        if not both:
            raise UserError(
                "there is no pair of a low- and a high-resolution layer to check; choose two layers"
            )
        return [self._check_task(pair, told) for pair in both]

    def _check_task(self, pair: PairOfLayers, told: Callable[[str, bool], None]) -> Task:
        self._forget(pair.name)

        def deliver(checked: tuple[PairReport, CheckPicture]) -> None:
            report, picture = checked
            self.take_in([report])
            if pair.low is not None:
                self._layers.show_check(picture, pair.low)
            told(f"Checked {pair.name}.", bool(report.problem))

        def complain(sentence: str) -> None:
            self.problems[pair.name] = sentence
            self.changed.emit()
            told(sentence, True)

        images = pair.images()
        assert isinstance(images, MatchedPair)
        return Task(f"Checking {pair.name}", _check_job(images), deliver, complain)

    def _forget(self, name: str) -> None:
        self.reports.pop(name, None)
        self.problems.pop(name, None)

    def _on_removed(self, event: Any) -> None:
        if self._proposed is not None and event.value in (self._proposed.low, self._proposed.high):
            self._proposed = None  # what is chosen in its place is told later
        gone = [pair for pair in self._listed if event.value in (pair.low, pair.high)]
        for pair in gone:
            self.remove(pair)
        was_noisy = event.value is self._noise_of
        if was_noisy:
            self.choose(self._kind)
        if gone or was_noisy:
            self.lost.emit(event.value.name)


def _check_job(pair: MatchedPair) -> Job[tuple[PairReport, CheckPicture]]:
    """Check a pair, and draw what was found where it holds nothing up."""
    report = yield from check_pair_job(pair)
    return report, CheckPicture.of(report)
