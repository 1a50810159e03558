"""The Upscale widget: its fields, and what it shows of a run."""

from __future__ import annotations

from typing import Any

import napari
from magicgui.widgets import CheckBox, Container, Label, ProgressBar, PushButton
from napari.utils.notifications import show_warning

from napari_srgan.errors import UserError
from napari_srgan.progress import Progress
from napari_srgan.viewer.help_window import show_help
from napari_srgan.viewer.jobs.runner import PERCENT
from napari_srgan.viewer.models.signal import look_when_entered
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.preferences import apply_folder
from napari_srgan.viewer.qt.accessible import name_fields
from napari_srgan.viewer.qt.collapsible import CLOSED, FLAT
from napari_srgan.viewer.qt.help_button import make_help_button
from napari_srgan.viewer.qt.keyboard import RunKeys
from napari_srgan.viewer.qt.labels import as_sentence, fit_into_dock, make_elastic, say
from napari_srgan.viewer.qt.scrolled import ScrolledForm
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.ask_for_file import ask_for_file
from napari_srgan.viewer.upscale.fields import UpscaleFields
from napari_srgan.viewer.upscale.memory_buttons import OtherWays
from napari_srgan.viewer.upscale.output_path import suggest_saved
from napari_srgan.viewer.upscale.session import upscaling_of


class UpscaleWidget(ScrolledForm):
    """Reads its fields, runs what they ask for, shows how it fares.

    Parameters
    ----------
    viewer
        The viewer whose layers it upscales; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = unwrapped(viewer)
        apply_folder()
        self._session = upscaling_of(self._viewer)
        self._wrong = False
        """Whether what is said is an error."""
        self._fields = UpscaleFields(self._viewer)
        self._make_parts()
        super().__init__(name="upscale")
        # Labels get one width only if the fields come after.
        self.extend([
            *self._fields.rows, self._buttons, self._bar, self._status, self._offers, self._save,
            self._original, self._beside, *self._fields.folded, self._files,
        ])  # fmt: skip
        self.keep_at_the_top()
        make_elastic(self._status)
        self._connect()
        self._fields.begin()
        fit_into_dock(self.native)
        name_fields(self)
        self._bar.hide()
        self._show_idle()
        self._show_comparison()
        if (running := self._session.runner.running) is not None:  # it was closed meanwhile
            self._bar.show()
            self._say(running)

    def _make_parts(self) -> None:
        self._original = CheckBox(
            name="original", label="Show original", visible=False,
            tooltip="Shows the image in the place of its result; so does U while it is held on the canvas",
        )  # fmt: skip
        self._save = PushButton(
            name="save", text="Save result…", visible=False,
            tooltip="Writes the result into an OME-TIFF or an OME-Zarr, with pixel size, names of channels "
            "and how it was made; napari's own Save writes a TIFF without these",
        )  # fmt: skip
        self._beside = CheckBox(
            name="beside", label="Show original beside",
            value=self._session.comparison.wanted,
            tooltip="Shows an image and its result, and no other layers, in napari's grid, where they move "
            "together; unticked, the viewer is as it was before",
        )  # fmt: skip
        self._run = PushButton(
            name="run", text="Run", tooltip="Upscales or restores the image, and adds the result as a layer"
        )
        self._cancel = PushButton(name="cancel", text="Cancel", tooltip="Stops what is running")
        self._help = PushButton(name="help", text="?")
        make_help_button(self._help.native)
        self._buttons = Container(
            name="buttons", label=" ", widgets=[self._run, self._cancel, self._help], layout="horizontal",
            labels=False,
        )  # fmt: skip
        self._buttons.margins = (0, 0, 0, 0)
        self._bar = ProgressBar(name="progress", label=" ", max=PERCENT, tooltip="How far the run is")
        self._status = Label(name="status", label=" ")
        self._offers = OtherWays("offers")
        self._files = PushButton(
            name="files", label=" ",
            tooltip="Opens the widget Upscale files, which upscales image files into a folder",
        )  # fmt: skip
        self._files.text = f"{CLOSED} Files or a folder…"
        self._files.native.setStyleSheet(FLAT)

    def _connect(self) -> None:
        fields, runner = self._fields, self._session.runner
        fields.image_changed.connect(self._on_image)
        fields.models.said.connect(self._on_library_said)
        fields.models.fine_tuning_wanted.connect(self._on_fine_tune)
        fields.advanced.restore.changed.connect(fields.restore_defaults)
        self._offers.lazily_wanted.connect(self._on_lazily)
        self._offers.disk_wanted.connect(self._on_to_disk)
        look_when_entered(self.native)
        self._run.changed.connect(self._on_run)
        self._cancel.changed.connect(runner.cancel)
        self._help.changed.connect(self._on_help)
        RunKeys(self.native, self._run.native, self._cancel.native)
        self._beside.changed.connect(self._on_beside)
        self._original.changed.connect(self._on_original)
        self._files.changed.connect(self._on_files)
        self._save.changed.connect(self._on_save)
        comparison = self._session.comparison
        comparison.offered.connect(self._show_comparison)
        comparison.flicked.connect(self._show_comparison)
        runner.started.connect(self._show_started)
        runner.shown.connect(self._show_progress)
        runner.ended.connect(self._show_ended)
        self.native.destroyed.connect(self._disconnect)

    def _disconnect(self) -> None:
        """Let go of the runner and the library, which outlive a widget that is closed."""
        runner, comparison = self._session.runner, self._session.comparison
        self._fields.close()
        comparison.offered.disconnect(self._show_comparison, missing_ok=True)
        comparison.flicked.disconnect(self._show_comparison, missing_ok=True)
        runner.started.disconnect(self._show_started, missing_ok=True)
        runner.shown.disconnect(self._show_progress, missing_ok=True)
        runner.ended.disconnect(self._show_ended, missing_ok=True)

    def reset_choices(self, *_: Any) -> None:
        """Look again at what there is to choose from; napari calls it when layers come and go."""
        super().reset_choices()
        self._fields.look_again()

    def _on_image(self) -> None:
        self._offers.visible = False
        if self._wrong and self._session.runner.running is None:  # it was said of another image
            self._say("")

    def _on_fine_tune(self) -> None:
        """Open the Fine-tune widget, set up for the noise of the image."""
        image = self._fields.image.value
        if image is None:
            return
        dock, fine_tune = self._viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune", tabify=True)
        dock.show()
        dock.raise_()
        fine_tune.learn_noise_of(image, self._fields.models.name)

    def _on_run(self) -> None:
        try:
            self._session.start(self._fields.requests())
            self._fields.remember()
        except UserError as error:
            if self._session.runner.running is None:
                self._bar.value = 0
            self._say(str(error), wrong=True)

    def _on_help(self) -> None:
        error = self._status.value if self._wrong else ""
        show_help(self._viewer, "napari.md", "one-image-one-click", error=error)

    def _on_beside(self, beside: bool) -> None:
        """Show the last result beside its image, or the viewer as it was before."""
        comparison = self._session.comparison
        comparison.wanted = beside
        if beside:
            comparison.show_last()
        else:
            comparison.end()
        self._show_comparison()

    def _on_original(self, original: bool) -> None:
        """Show the last image in the place of its result, or the result."""
        comparison = self._session.comparison
        if original:
            comparison.show_original()
        else:
            comparison.show_result()

    def _on_files(self) -> None:
        """Open the widget for image files, with the model that is chosen here."""
        dock, files = self._viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale files", tabify=True)
        dock.show()
        dock.raise_()
        files.choose_model(self._fields.models.name)

    def _on_save(self) -> None:
        """Ask for a file for a result in memory, and write it."""
        saved = self._session.savable
        if saved is None or saved.layer is None:
            return
        try:
            chosen = ask_for_file(self._viewer, suggest_saved(saved), saved.axes)
            if chosen is not None:
                self._session.save(saved, chosen)
        except UserError as error:
            self._say(str(error), wrong=True)

    def _on_lazily(self) -> None:
        self._fields.target.way = choices.LAZY
        self._on_run()

    def _on_to_disk(self) -> None:
        self._fields.target.way = choices.DISK
        if self._fields.target.ask():
            self._on_run()

    def _on_library_said(self, sentence: str, wrong: bool) -> None:
        if self._session.runner.running is None:
            self._say(sentence, wrong=wrong)
        elif wrong:  # the run's own messages would hide it
            show_warning(sentence)

    # What is shown.

    def _show_started(self, title: str) -> None:
        self._offers.visible = False
        self._run.enabled, self._cancel.enabled = False, True
        self._save.enabled = False
        self._bar.value = 0
        self._bar.show()
        self._say(title)

    def _show_progress(self, progress: Progress, left: str) -> None:
        self._bar.value = int(progress.fraction * PERCENT)
        self._say(self._session.in_words(progress, left))

    def _show_ended(self, cancelled: bool) -> None:
        outcome = self._session.outcome
        if outcome.wrote:
            self._fields.target.ran()
        self._offers.visible = outcome.does_not_fit
        self._bar.value = 0 if cancelled or outcome.wrong else PERCENT
        self._show_idle()
        self._show_comparison()
        self._fields.look_ahead()
        self._say(outcome.sentence, wrong=outcome.wrong)

    def _show_comparison(self, *_: Any) -> None:
        """Offer to look at the original while there is one to compare; beside it, both are seen."""
        comparison = self._session.comparison
        self._original.visible = comparison.last is not None
        self._save.visible = self._session.savable is not None
        self._original.enabled = not comparison.wanted
        with self._original.changed.blocked():
            self._original.value = comparison.shows_original

    def _show_idle(self) -> None:
        running = self._session.runner.running is not None
        self._run.enabled, self._cancel.enabled = not running, running
        self._save.enabled = not running

    def _say(self, sentence: str, *, wrong: bool = False) -> None:
        self._wrong = wrong
        say(self._status, as_sentence(sentence), wrong=wrong)
