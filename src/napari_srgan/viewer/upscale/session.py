"""A viewer's upscaling: what is queued, and what became of it.

It belongs to the viewer, not to a widget: a dock that is closed and opened again shows the run that goes on,
and what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari import Viewer
from napari.layers import Image
from napari.utils.history import update_save_history

from napari_srgan.progress import Progress
from napari_srgan.viewer.jobs.runner import Task, runner_of
from napari_srgan.viewer.layers.comparison import comparison_of
from napari_srgan.viewer.layers.result_in_viewer import add_result
from napari_srgan.viewer.layers.save_layer import ResultInMemory, save_layer_job
from napari_srgan.viewer.one_per_viewer import OfViewer, one_per_viewer
from napari_srgan.viewer.qt.labels import as_sentence
from napari_srgan.viewer.trust.layers import Trusted
from napari_srgan.viewer.trust.session import trust_of
from napari_srgan.viewer.upscale.ask_for_file import ChosenFile
from napari_srgan.viewer.upscale.messages import added
from napari_srgan.viewer.upscale.output_modes import DoesNotFit, Result, layer_of
from napari_srgan.viewer.upscale.output_path import can_go_on
from napari_srgan.viewer.upscale.request import UpscaleRequest


@dataclass(frozen=True)
class UpscaleOutcome:
    """What came of a run."""

    sentence: str
    wrong: bool = False
    wrote: bool = False
    """Whether it wrote to disk."""
    does_not_fit: bool = False
    """Whether a result is larger than memory."""


class UpscaleSession(OfViewer):
    """Runs what is asked for, and puts what comes of it into the viewer.

    Parameters
    ----------
    viewer
        Whose layers are upscaled.
    """

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.runner = runner_of(viewer)
        self.comparison = comparison_of(viewer)
        self.outcome = UpscaleOutcome("")
        """What came of the last run."""
        self._in_memory: list[ResultInMemory] = []
        self._forget()
        self.runner.started.connect(self._on_started)
        self.runner.ended.connect(self._on_ended)

    def start(self, requests: Sequence[UpscaleRequest]) -> None:
        """Start a run: one image after the other; one that cannot be upscaled does not stop those after it.

        Raises
        ------
        UserError
            If another run is under way, or the first image cannot be upscaled.
        """
        tasks = [request.task(self._add, self._complain) for request in requests]
        if self.runner.running is None:
            self._forget()
            self._count = len(tasks)
            paths = [request.path for request in requests if request.path is not None]
            self._writes, self._goes_on = bool(paths), any(map(can_go_on, paths))
        self.runner.start(tasks)
        for request in requests:
            if request.path is not None:
                update_save_history(str(request.path))

    @property
    def savable(self) -> ResultInMemory | None:
        """A result that is in memory only: that of the layer which is selected, or else the last one."""
        layers = self._viewer.layers
        self._in_memory = [one for one in self._in_memory if one.layer in layers]
        active = layers.selection.active
        selected = [one for one in self._in_memory if one.layer is active]
        return next(iter([*selected, *reversed(self._in_memory)]), None)

    def save(self, saved: ResultInMemory, chosen: ChosenFile) -> None:
        """Write a result that is in memory into a file.

        Raises
        ------
        UserError
            If another run is under way, or it cannot be written there.
        """
        job = save_layer_job(saved, chosen.path, overwrite=chosen.replaces)

        def told(note: str) -> None:
            said = f"Saved {chosen.path.name} in {chosen.path.parent}."
            self._said.append((f"{said} {as_sentence(note)}." if note else said, False))

        def complain(sentence: str) -> None:
            self._said.append((as_sentence(sentence), True))

        self.runner.start([Task(f"Saving {chosen.path.name}", job, told, complain)])

    def in_words(self, progress: Progress, left: str) -> str:
        """How far the run is, and, of several images, with which one."""
        doing = f"{progress.message}: {left}" if left else progress.message
        return (
            f"{self.runner.running} ({self._begun} of {self._count}). {doing}" if self._count > 1 else doing
        )

    def _on_started(self, _title: str) -> None:
        self._begun += 1

    def _on_ended(self, cancelled: bool) -> None:
        said = self._said
        if cancelled:
            said = [*said, ("Cancelled; what is done is kept." if self._goes_on else "Cancelled.", False)]
        words = "\n".join(sentence for sentence, _ in said) or "The run has ended."
        self.outcome = UpscaleOutcome(
            words, any(wrong for _, wrong in said), self._writes, self._does_not_fit
        )
        self._forget()

    def _forget(self) -> None:
        self._said: list[tuple[str, bool]] = []
        self._count = self._begun = 0
        self._writes = self._goes_on = self._does_not_fit = False

    def _complain(self, sentence: str, image: Image) -> None:
        self._said.append((f"{image.name}: {sentence}" if self._count > 1 else as_sentence(sentence), True))

    def _add(self, made: Result | Trusted, image: Image) -> None:
        result = made.result if isinstance(made, Trusted) else made
        self._does_not_fit |= isinstance(result, DoesNotFit)
        layer = layer_of(result)
        add_result(layer, image, self._viewer)
        if (saved := ResultInMemory.of(layer, image)) is not None:
            self._in_memory.append(saved)
        sentence = added(layer, image)
        if isinstance(made, Trusted) and made.report is None and made.why:
            sentence += f" What can be believed of it: {made.why}"
        if isinstance(made, Trusted) and made.files:
            sentence += f" What can be believed of it is in {' and '.join(one.name for one in made.files)}."
        self._said.append((sentence, False))
        if isinstance(made, Trusted) and made.report is not None:
            dock, _ = self._viewer.window.add_plugin_dock_widget("napari-srgan", "Trust", tabify=True)
            dock.show()
            dock.raise_()
            trust_of(self._viewer).take(made.report, image, layer)


@one_per_viewer
def upscaling_of(viewer: Viewer) -> UpscaleSession:
    """The upscaling of a viewer; the same for all widgets of its window."""
    return UpscaleSession(viewer)
