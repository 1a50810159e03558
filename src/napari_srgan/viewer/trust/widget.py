"""The Trust widget: what can be believed of a result that is in the viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import napari
from magicgui.widgets import CheckBox, ComboBox, Container, ProgressBar, PushButton, TextEdit
from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.progress import Progress
from napari_srgan.reliability import TrustReport
from napari_srgan.viewer.jobs.runner import PERCENT, Task, runner_of
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.labels import ERROR_STYLE, as_sentence, fill_the_rest, fit_into_dock
from napari_srgan.viewer.qt.scrolled import ScrolledForm
from napari_srgan.viewer.trust.layers import (
    LayerParts,
    bring_up_to_date,
    map_layers,
    model_of,
    projected_back_layer_job,
    shown_map,
    trust_layer_job,
)
from napari_srgan.viewer.upscale import choices

_NO_TRUTH = ("none", None)
_LEAST_HEIGHT = 280
"""Pixels of the report that are shown at least, however many docks there are."""


class TrustWidget(ScrolledForm):
    """Two layers in, sentences and maps out.

    Parameters
    ----------
    viewer
        Whose layers it looks at; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = getattr(viewer, "__wrapped__", viewer)  # plugins are handed a proxy
        self._runner = runner_of(self._viewer)
        self._report: TrustReport | None = None
        self._mine = False
        self._make_fields()
        super().__init__(name="trust")
        self.extend([
            self._result, self._image, self._truth, self._disagreement, self._buttons, self._bar,
            self._status, self._project_back, self._save,
        ])  # fmt: skip
        fit_into_dock(self.native)
        fill_the_rest(self._status)
        self._connect()
        self._bar.hide()
        self._save.visible = self._project_back.visible = False
        self._on_result(self._result.value)
        self._show_idle()

    def _make_fields(self) -> None:
        viewer = self._viewer
        self._result = ComboBox(
            name="result", label="Result", choices=lambda _: _results(viewer),
            tooltip="A layer that a model made",
        )  # fmt: skip
        self._image = ComboBox(
            name="image", label="Image", choices=lambda _: choices.images(viewer),
            tooltip="The layer that it was made of",
        )  # fmt: skip
        self._truth = ComboBox(
            name="truth", label="Truth", choices=lambda _: [_NO_TRUTH, *choices.images(viewer)],
            tooltip="For those who have it: what the result should be, of its size. PSNR, SSIM and the "
            "resolution are measured by it, and the error of each pixel",
        )  # fmt: skip
        self._disagreement = CheckBox(
            name="disagreement", label="Compare orientations",
            tooltip="Upscales the image turned and mirrored in all eight ways, which takes eight times as "
            "long, and shows where the results differ: for models that sharpen. Low does not mean right",
        )  # fmt: skip
        self._run = PushButton(name="run", text="Run", tooltip="Tells what can be believed of the result")
        self._cancel = PushButton(name="cancel", text="Cancel", tooltip="Stops what is running")
        self._buttons = Container(
            name="buttons", label=" ", widgets=[self._run, self._cancel], layout="horizontal", labels=False
        )
        self._buttons.margins = (0, 0, 0, 0)
        self._bar = ProgressBar(name="progress", label=" ", max=PERCENT)
        # A report has a dozen lines, and more in a narrow dock: it scrolls, and can be copied.
        self._status = TextEdit(name="status", label=" ")
        self._status.native.setReadOnly(True)
        self._status.native.setAccessibleName("What can be believed")
        self._status.native.setMinimumHeight(_LEAST_HEIGHT)
        self._project_back = PushButton(
            name="project_back", text="Project back",
            tooltip="Adds a layer in which the result is corrected so that, made small again, it is the "
            "image: for images without much noise, which it puts back",
        )  # fmt: skip
        self._save = PushButton(
            name="save", text="Save report…",
            tooltip="Figures as JSON, and a paragraph for a methods section with the guidelines' checklist",
        )  # fmt: skip

    def _connect(self) -> None:
        self._result.changed.connect(self._on_result)
        for field in (self._result, self._image):
            field.changed.connect(self._on_other_pair)
        self._run.changed.connect(self._on_run)
        self._cancel.changed.connect(self._runner.cancel)
        self._save.changed.connect(self._on_save)
        self._project_back.changed.connect(self._on_project_back)
        self._runner.started.connect(self._show_started)
        self._runner.shown.connect(self._show_progress)
        self._runner.ended.connect(self._show_ended)
        self.native.destroyed.connect(self._disconnect)

    def _disconnect(self) -> None:
        """Let go of the runner, which outlives a widget that is closed."""
        self._runner.started.disconnect(self._show_started, missing_ok=True)
        self._runner.shown.disconnect(self._show_progress, missing_ok=True)
        self._runner.ended.disconnect(self._show_ended, missing_ok=True)

    def reset_choices(self, *_: Any) -> None:
        """Look again at what there is to choose from; napari calls it when layers come and go."""
        before = self._result.value
        super().reset_choices()
        if before is None:
            self._on_result(self._result.value)

    def _on_other_pair(self) -> None:
        """What the report says of a result holds for no other."""
        self._project_back.visible = False

    def _on_result(self, result: Image | None) -> None:
        """Propose the layer that a result was made of."""
        name = None if result is None else result.metadata.get(METADATA_KEY, {}).get("layer")
        for layer in self._viewer.layers:
            if isinstance(layer, Image) and layer.name == name and layer is not result:
                self._image.value = layer

    def show_report(self, report: TrustReport, result: Image) -> None:
        """Show a report, and add its maps to the layers, hidden, above the result."""
        self._report = report
        layers = self._viewer.layers
        place = layers.index(result) + 1 if result in layers else len(layers)
        for layer in map_layers(report, result):
            shown = shown_map(layers, layer)
            if shown is None:
                layers.insert(place, layer)
                place += 1
            else:
                bring_up_to_date(shown, layer)
        if result in layers:
            layers.selection.active = result
            self._result.value = result
        self._say_report()

    def _say_report(self, *more: str) -> None:
        """Say what was found last, and more."""
        found = () if self._report is None else self._report.sentences
        self._say("\n\n".join((*found, *more)))
        self._save.visible = self._report is not None
        self._project_back.visible = self._report is not None and self._report.can_be_projected_back

    def _on_run(self) -> None:
        try:
            self._runner.start([self._task()])
            self._mine = True
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)

    def _task(self) -> Task:
        result, image = self._result.value, self._image.value
        if result is None:
            raise UserError("there is no result in the layers; upscale an image first")
        if image is None or image is result:
            raise UserError(f"choose the image that {result.name!r} was made of")
        truth = self._truth.value
        if truth is result or (truth is not None and truth is image):
            raise UserError(f"{truth.name!r} is no truth to compare the result with; choose another image")
        job = trust_layer_job(image, result, truth=truth, disagreement=self._disagreement.value)
        title = f"Looking what can be believed of {result.name}"
        return Task(title, job, lambda report: self.show_report(report, result), self._complain)

    def _on_project_back(self) -> None:
        """Correct the result that the report is about, and add what comes of it above it."""
        result, image = self._result.value, self._image.value
        try:
            job = projected_back_layer_job(image, result)
            title = f"Projecting back {result.name}"
            self._runner.start([Task(title, job, self._add_above(result), self._complain)])
            self._mine = True
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)

    def _add_above(self, result: Image) -> Callable[[LayerParts], None]:
        def add(made: LayerParts) -> None:
            pixels, others = made
            layers = self._viewer.layers
            place = layers.index(result) + 1 if result in layers else len(layers)
            layers.insert(place, Image(pixels, **others))
            self._say_report(f"Added {others['name']!r}.")

        return add

    def _complain(self, sentence: str) -> None:
        self._save.visible = self._project_back.visible = False
        self._say(as_sentence(sentence), wrong=True)

    def _on_save(self) -> None:
        """Ask where, and write the report there."""
        if self._report is None:
            return
        path = dialogs.ask_where_to_save_report(self._status.native, self._report.model)
        if path is None:
            return
        try:
            files = self._report.write(path)
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)
            return
        saved = f"Saved {files[0].name} and {files[1].name}."
        self._say_report(saved)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self._status.native.setStyleSheet(ERROR_STYLE if wrong else "")
        self._status.value = text

    def _show_started(self, title: str) -> None:
        self._run.enabled, self._cancel.enabled = False, True
        if self._mine or title.startswith("Looking what"):
            self._bar.value = 0
            self._bar.show()
            self._say(title)

    def _show_progress(self, progress: Progress, left: str) -> None:
        if self._mine:
            self._bar.value = int(progress.fraction * PERCENT)
            self._say(f"{progress.message}: {left}" if left else progress.message)

    def _show_ended(self, cancelled: bool) -> None:
        if self._mine:
            self._bar.hide()
            if cancelled:
                self._say_report("Cancelled.")
        self._mine = False
        self._show_idle()

    def _show_idle(self) -> None:
        running = self._runner.running is not None
        self._run.enabled, self._cancel.enabled = not running, running


def _results(viewer: Any) -> choices.Choices:
    """Layers that a model made."""
    return [(layer.name, layer) for layer in viewer.layers if isinstance(layer, Image) and model_of(layer)]
