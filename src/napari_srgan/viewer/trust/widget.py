"""The Trust widget: what can be believed of a result that is in the viewer."""

from __future__ import annotations

from typing import Any

import napari
from magicgui.widgets import CheckBox, ComboBox, Container, ProgressBar, PushButton, TextEdit
from napari.layers import Image
from napari.utils.history import update_save_history

from napari_srgan.errors import UserError
from napari_srgan.progress import Progress
from napari_srgan.viewer.help_window import show_help
from napari_srgan.viewer.jobs.runner import PERCENT
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.accessible import name_fields
from napari_srgan.viewer.qt.help_button import make_help_button
from napari_srgan.viewer.qt.keyboard import RunKeys
from napari_srgan.viewer.qt.labels import ERROR_STYLE, as_sentence, fill_the_rest, fit_into_dock
from napari_srgan.viewer.qt.scrolled import ScrolledForm
from napari_srgan.viewer.trust.layers import model_of
from napari_srgan.viewer.trust.report_files import suggested_report, without_ending
from napari_srgan.viewer.trust.session import trust_of
from napari_srgan.viewer.upscale import choices

_NO_TRUTH = ("none", None)
_RUN_TOOLTIP = (
    "Looks at the image and at the result, and says in sentences how fine the detail of the image is, what "
    "the model added, and whether brightness and place were kept. Adds hidden layers: bicubic interpolation "
    "to compare with, and what the model added to it"
)
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
        self._viewer = unwrapped(viewer)
        self._session = trust_of(self._viewer)
        self._make_fields()
        super().__init__(name="trust")
        self.extend([
            self._result, self._image, self._truth, self._disagreement, self._buttons, self._bar,
            self._status, self._project_back, self._save,
        ])  # fmt: skip
        fit_into_dock(self.native)
        name_fields(self)
        fill_the_rest(self._status)
        self._connect()
        self._bar.hide()
        self._save.visible = self._project_back.visible = False
        self._on_result(self._result.value)
        self._show_idle()
        if self._session.running:  # it was closed meanwhile
            self._show_run()
        elif self._session.report is not None:
            self._on_report()

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
            tooltip="Only if you have it: a measured image of the same place, as large as the result. Then "
            "it is measured how far the result is from it, on the whole and at each pixel",
        )  # fmt: skip
        self._disagreement = CheckBox(
            name="disagreement", label="Compare orientations",
            tooltip="Upscales the image turned and mirrored in all eight ways, and shows where the results "
            "differ. Takes eight times as long as upscaling. Useful for sharp models: where results differ, "
            "their detail is a matter of chance. Where they agree, they may be wrong all the same",
        )  # fmt: skip
        self._run = PushButton(name="run", text="Run", tooltip=_RUN_TOOLTIP)
        self._cancel = PushButton(name="cancel", text="Cancel", tooltip="Stops what is running")
        self._help = PushButton(name="help", text="?")
        make_help_button(self._help.native)
        self._buttons = Container(
            name="buttons", label=" ", widgets=[self._run, self._cancel, self._help], layout="horizontal",
            labels=False,
        )  # fmt: skip
        self._buttons.margins = (0, 0, 0, 0)
        self._bar = ProgressBar(name="progress", label=" ", max=PERCENT, tooltip="How far the run is")
        # A report has a dozen lines, and more in a narrow dock: it scrolls, and can be copied.
        self._status = TextEdit(name="status", label=" ", tooltip="What was found; it can be copied")
        self._status.native.setReadOnly(True)
        self._status.native.setAccessibleName("What can be believed")
        self._status.native.setMinimumHeight(_LEAST_HEIGHT)
        self._project_back = PushButton(
            name="project_back", text="Project back",
            tooltip="Adds a corrected copy of the result: made small again, it is the image exactly. That "
            "puts the noise of the image back, too: for images with little noise",
        )  # fmt: skip
        self._save = PushButton(
            name="save", text="Save report (.json, .md)…",
            tooltip="Writes two files: NAME.trust.json with all sentences and figures, and NAME.trust.md "
            "with text for the methods section of a paper and the guidelines' checklist",
        )  # fmt: skip

    def _connect(self) -> None:
        runner, session = self._session.runner, self._session
        self._result.changed.connect(self._on_result)
        for field in (self._result, self._image):
            field.changed.connect(self._on_other_pair)
        self._run.changed.connect(self._on_run)
        self._cancel.changed.connect(runner.cancel)
        self._save.changed.connect(self._on_save)
        self._help.changed.connect(self._on_help)
        RunKeys(self.native, self._run.native, self._cancel.native)
        self._project_back.changed.connect(self._on_project_back)
        session.changed.connect(self._on_report)
        runner.started.connect(self._show_started)
        runner.shown.connect(self._show_progress)
        runner.ended.connect(self._show_ended)
        self.native.destroyed.connect(self._disconnect)

    def _disconnect(self) -> None:
        """Let go of what outlives a widget that is closed."""
        runner, session = self._session.runner, self._session
        session.changed.disconnect(self._on_report, missing_ok=True)
        runner.started.disconnect(self._show_started, missing_ok=True)
        runner.shown.disconnect(self._show_progress, missing_ok=True)
        runner.ended.disconnect(self._show_ended, missing_ok=True)

    def reset_choices(self, *_: Any) -> None:
        """Look again at what there is to choose from; napari calls it when layers come and go."""
        before = self._result.value
        super().reset_choices()
        if before is None:
            self._on_result(self._result.value)

    def _on_other_pair(self) -> None:
        """What was found of a result and its image holds for no others."""
        session = self._session
        known = session.report is not None or session.problem
        same = self._image.value is session.image and self._result.value is session.result
        if known and not session.running and not same:
            session.forget()

    def _on_result(self, result: Image | None) -> None:
        """Propose the layer that a result was made of."""
        name = None if result is None else result.metadata.get(METADATA_KEY, {}).get("layer")
        for layer in self._viewer.layers:
            if isinstance(layer, Image) and layer.name == name and layer is not result:
                self._image.value = layer

    def _on_report(self) -> None:
        """Show what the session has found."""
        session = self._session
        if session.problem:
            self._save.visible = self._project_back.visible = False
            self._say(as_sentence(session.problem), wrong=True)
            return
        for field, layer in ((self._result, session.result), (self._image, session.image)):
            if layer is not None and layer in field.choices:
                with field.changed.blocked():
                    field.value = layer
        self._say_report(*([session.note] if session.note else []))

    def _say_report(self, *more: str) -> None:
        """Say what was found last, and more."""
        report = self._session.report
        found = () if report is None else report.sentences
        self._say("\n\n".join((*found, *more)))
        self._save.visible = report is not None
        self._project_back.visible = report is not None and report.can_be_projected_back

    def _on_run(self) -> None:
        try:
            result, image, truth = self._result.value, self._image.value, self._truth.value
            if result is None:
                raise UserError("there is no result in the layers; upscale an image first")
            if image is None or image is result:
                raise UserError(f"choose the image that {result.name!r} was made of")
            if truth is result or (truth is not None and truth is image):
                raise UserError(
                    f"{truth.name!r} is no truth to compare the result with; choose another image"
                )
            self._session.start(image, result, truth=truth, disagreement=self._disagreement.value)
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)
        else:
            self._show_run()

    def _on_project_back(self) -> None:
        try:
            self._session.project_back(self._image.value, self._result.value)
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)
        else:
            self._show_run()

    def _on_help(self) -> None:
        show_help(self._viewer, "trust.md", "what-it-tells", error=self._session.problem)

    def _on_save(self) -> None:
        """Ask where, and write the report there."""
        report = self._session.report
        if report is None:
            return
        chosen = dialogs.ask_where_to_save_report(
            self._status.native, suggested_report(report, self._session.image)
        )
        if chosen is None:
            return
        path = without_ending(chosen)
        there = next((file for file in report.files(path) if file.exists()), None)
        if there is not None and not dialogs.ask_to_overwrite(self._status.native, there):
            return
        try:
            files = report.write(path)
        except UserError as error:
            self._say(as_sentence(str(error)), wrong=True)
            return
        update_save_history(str(files[0]))
        self._say_report(f"Saved {files[0].name} and {files[1].name}.")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self._status.native.setStyleSheet(ERROR_STYLE if wrong else "")
        self._status.value = text

    def _show_run(self) -> None:
        """Show that a report is being made."""
        self._bar.value = 0
        self._bar.show()
        self._say(self._session.runner.running or "")

    def _show_started(self, _title: str) -> None:
        self._show_idle()

    def _show_progress(self, progress: Progress, left: str) -> None:
        if self._session.running:
            self._bar.value = int(progress.fraction * PERCENT)
            self._say(f"{progress.message}: {left}" if left else progress.message)

    def _show_ended(self, cancelled: bool) -> None:
        if not self._bar.native.isHidden():
            self._bar.hide()
            if cancelled:
                self._say_report("Cancelled.")
        self._show_idle()

    def _show_idle(self) -> None:
        running = self._session.runner.running is not None
        self._run.enabled, self._cancel.enabled = not running, running


def _results(viewer: Any) -> choices.Choices:
    """Layers that a model made."""
    return [(layer.name, layer) for layer in viewer.layers if isinstance(layer, Image) and model_of(layer)]
