"""The Upscale widget: its fields, and what it shows of a run."""

from __future__ import annotations

from typing import Any

import napari
from magicgui.widgets import CheckBox, ComboBox, Container, Label, ProgressBar, PushButton
from napari.layers import Image
from napari.utils.history import update_save_history
from napari.utils.notifications import show_warning

from napari_srgan.errors import UserError
from napari_srgan.images.factor import verb
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.options import DRIFT, UpscaleOptions
from napari_srgan.models import user_folder
from napari_srgan.progress import Progress
from napari_srgan.viewer.jobs.runner import PERCENT, Task, library_runner_of, runner_of
from napari_srgan.viewer.layers.comparison import comparison_of
from napari_srgan.viewer.layers.provenance import predicted_by
from napari_srgan.viewer.layers.result_in_viewer import add_result
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.layers.watched_layer import WatchedLayer
from napari_srgan.viewer.models.signal import look_when_entered
from napari_srgan.viewer.qt.labels import as_sentence, fit_into_dock, make_elastic, say
from napari_srgan.viewer.qt.option_field import option_choice, option_switch
from napari_srgan.viewer.qt.scrolled import ScrolledForm
from napari_srgan.viewer.trust.layers import Trusted, trusted_job
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.advanced import Advanced
from napari_srgan.viewer.upscale.axes_fields import AxesFields
from napari_srgan.viewer.upscale.memory_buttons import OtherWays
from napari_srgan.viewer.upscale.messages import added
from napari_srgan.viewer.upscale.model_chooser import ModelChooser
from napari_srgan.viewer.upscale.output_field import TargetField
from napari_srgan.viewer.upscale.output_modes import DoesNotFit, Result, layer_of, result_job
from napari_srgan.viewer.upscale.output_path import refuse_shown, suggest
from napari_srgan.viewer.upscale.preferred_model import wish_of
from napari_srgan.viewer.upscale.regions import check_shown_plane, shapes_region, visible_region, whole_region


class UpscaleWidget(ScrolledForm):
    """Reads its fields, runs one job, shows how it fares.

    Parameters
    ----------
    viewer
        The viewer whose layers it upscales; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = getattr(viewer, "__wrapped__", viewer)  # plugins are handed a proxy
        self._runner = runner_of(self._viewer)
        self._comparison = comparison_of(self._viewer)
        self._outcome: tuple[str, bool] | None = None
        self._writes = False
        self._wrong = False
        """Whether what is said is an error."""
        self._make_fields()
        super().__init__(name="upscale")
        # Labels get one width only if the fields come after.
        self.extend([
            self._image, *self._models.rows, self._axes.time, self._region, *self._target.rows,
            *self._axes.rows, self._drift, self._trust, self._beside, *self._advanced.rows, self._buttons,
            self._bar, self._status, self._offers,
        ])  # fmt: skip
        self.keep_at_the_top()
        self._advanced.show(False)
        for label in (self["about"], self["taken"], self._status):
            make_elastic(label)
        fit_into_dock(self.native)
        self._connect()
        self._bar.hide()
        self._on_image(self._image.value)
        self._show_idle()
        if self._runner.running is not None:  # it was closed meanwhile
            self._bar.show()
            self._say(self._runner.running)

    def _make_fields(self) -> None:
        viewer = self._viewer
        self._image = ComboBox(
            name="image", label="Image", choices=lambda _: choices.images(viewer),
            tooltip="The image layer to upscale or restore",
        )  # fmt: skip
        active = viewer.layers.selection.active
        if isinstance(active, Image) and not predicted_by(active) and active in self._image.choices:
            self._image.value = active
        self._models = ModelChooser(library_runner_of(viewer), wish_of(viewer))
        self._region = ComboBox(
            name="region", label="Region", choices=lambda _: choices.regions(viewer),
            tooltip="The whole image, the part in view, or the bounding box of a Shapes layer",
        )  # fmt: skip
        self._target = TargetField()
        self._axes = AxesFields()
        self._watched = WatchedLayer()
        self._device = option_choice(UpscaleOptions, "device", choices.devices())
        self._precision = option_choice(UpscaleOptions, "precision")
        self._tile = option_choice(UpscaleOptions, "tile", choices.TILE_CHOICES)
        self._ensemble = option_switch(UpscaleOptions, "self_ensemble", "Self-ensemble (8 times slower)")
        self._advanced = Advanced([self._device, self._precision, self._tile, self._ensemble])
        self._drift = option_switch(UpscaleOptions, "align", name="drift", visible=False)
        self._trust = CheckBox(
            name="trust", label="Tell what can be believed",
            tooltip="Looks at the image and at the result: how much detail there is to work with, what was "
            "added, and how wrong it may be where that was measured",
        )  # fmt: skip
        self._beside = CheckBox(
            name="beside", label="Show original beside",
            value=self._comparison.wanted,
            tooltip="Shows an image and its result, and no other layers, in napari's grid, where they move "
            "together; unticked, the viewer is as it was before",
        )  # fmt: skip
        self._run = PushButton(
            name="run", text="Run", tooltip="Upscales or restores the image, and adds the result as a layer"
        )
        self._cancel = PushButton(name="cancel", text="Cancel", tooltip="Stops what is running")
        self._buttons = Container(
            name="buttons", label=" ", widgets=[self._run, self._cancel], layout="horizontal", labels=False
        )
        self._buttons.margins = (0, 0, 0, 0)
        self._bar = ProgressBar(name="progress", label=" ", max=PERCENT)
        self._status = Label(name="status", label=" ")
        self._offers = OtherWays("offers")

    def _connect(self) -> None:
        self._image.changed.connect(self._on_image)
        self._watched.edited.connect(self._on_edited)
        self._models.said.connect(self._on_library_said)
        self._models.fine_tuning_wanted.connect(self._on_fine_tune)
        self._target.changed.connect(self._on_target)
        self._models.changed.connect(self._on_model)
        for field in (self._region, self._axes, self._tile, self._ensemble, self._drift):
            field.changed.connect(self._look_ahead)
        self._offers.lazily_wanted.connect(self._on_lazily)
        self._offers.disk_wanted.connect(self._on_to_disk)
        look_when_entered(self.native)
        self._run.changed.connect(self._on_run)
        self._cancel.changed.connect(self._runner.cancel)
        self._beside.changed.connect(self._on_beside)
        self._runner.started.connect(self._show_started)
        self._runner.shown.connect(self._show_progress)
        self._runner.ended.connect(self._show_ended)
        self.native.destroyed.connect(self._disconnect)

    def _disconnect(self) -> None:
        """Let go of the runner and the library, which outlive a widget that is closed."""
        self._models.close()
        self._watched.watch(None)
        self._runner.started.disconnect(self._show_started, missing_ok=True)
        self._runner.shown.disconnect(self._show_progress, missing_ok=True)
        self._runner.ended.disconnect(self._show_ended, missing_ok=True)

    # What the fields say.

    def reset_choices(self, *_: Any) -> None:
        """Look again at what there is to choose from; napari calls it when layers come and go."""
        super().reset_choices()
        self._models.offer(self._image.value)

    def _on_image(self, image: Image | None) -> None:
        self._watched.watch(image)
        self._show_image(image)
        self._offers.visible = False
        if self._wrong and self._runner.running is None:  # it was said of another image
            self._say("")

    def _on_edited(self) -> None:
        self._show_image(self._image.value)

    def _show_image(self, image: Image | None) -> None:
        self._axes.offer(image)
        self._models.offer(image)

    def _on_model(self) -> None:
        self._axes.offer_time(self._models.for_movies)
        self._drift.visible = bool(self._models.for_movies)
        self._look_ahead()

    def _on_target(self) -> None:
        self._region.enabled = self._target.way != choices.LAZY  # one looks where one likes
        self._trust.enabled = self._target.way != choices.LAZY  # there is nothing to be told of yet
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Suggest a file for the result, and say what is to be expected of the one that is chosen."""
        image: Image | None = self._image.value
        if image is None or self._target.way != choices.DISK:
            self._target.look({})
            return
        try:
            axes = self._axes.chosen(image)
            wanted: dict[str, Any] = {
                "axes": axes, "self_ensemble": self._ensemble.value,
                "source_shape": finest_data(image).shape, "align": self._align,
            }  # fmt: skip
            if self._region.value != choices.VISIBLE:  # moves with every look
                wanted["region"] = self._chosen_region(image) or whole_region(image)
        except UserError:  # told when it is run
            return
        if isinstance(self._models.chosen, str):
            wanted["model"] = self._models.chosen
        if self._tile.value is not None:
            wanted["tile"] = self._tile.value
        self._target.suggest(suggest(image, axes, self._models.factor or 1), axes)
        self._target.look(wanted)

    @property
    def _align(self) -> str | None:
        return DRIFT if self._models.for_movies and self._drift.value else None

    def _chosen_region(self, image: Image) -> Region | None:
        chosen = self._region.value
        if chosen == choices.WHOLE_IMAGE:
            return None
        if chosen == choices.VISIBLE:
            return visible_region(image, self._viewer)
        return shapes_region(image, chosen)

    def _on_fine_tune(self) -> None:
        """Open the Fine-tune widget, set up for the noise of the image."""
        image: Image | None = self._image.value
        if image is None:
            return
        dock, fine_tune = self._viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune", tabify=True)
        dock.show()
        dock.raise_()
        fine_tune.learn_noise_of(image, self._models.name)

    # What a run does.

    def _on_run(self) -> None:
        try:
            self._runner.start([self._task()])
            self._writes = self._target.way == choices.DISK
        except UserError as error:
            if self._runner.running is None:
                self._bar.value = 0
            self._say(str(error), wrong=True)

    def _task(self) -> Task:
        image: Image | None = self._image.value
        if image is None:
            raise UserError("there is no image layer to upscale; open an image first")
        model = self._models.chosen
        if model is None:
            raise UserError(f"there is no model; put one into {user_folder()}")
        if 0 in finest_data(image).shape:
            raise UserError(f"{image.name!r} is empty: its shape is {finest_data(image).shape}")
        if self._axes.is_stale(image):  # e.g. an array that was given names
            self._on_edited()
        check_shown_plane(image, self._viewer)
        axes = self._axes.chosen(image)
        way = self._target.way
        path = self._target.path if way == choices.DISK else None
        if path is not None and self._target.replaces:
            refuse_shown(path, self._viewer.layers)
        options = UpscaleOptions(
            region=None if way == choices.LAZY else self._chosen_region(image),
            device=self._device.value, precision=self._precision.value, tile=self._tile.value,
            self_ensemble=self._ensemble.value, align=self._align,
        )  # fmt: skip
        job = result_job(way, image, model, options, axes=axes, path=path, replace=self._target.replaces)
        if self._trust.value and way != choices.LAZY:
            job = trusted_job(job, image, model, axes, options)
        if path is not None:
            update_save_history(str(path))
        title = f"{verb(self._models.factor or 2)} {image.name}"
        return Task(title, job, lambda new: self._add(new, image), self._complain)

    def _on_beside(self, beside: bool) -> None:
        """Show the last result beside its image, or the viewer as it was before."""
        self._comparison.wanted = beside
        if beside:
            self._comparison.show_last()
        else:
            self._comparison.end()

    def _add(self, made: Result | Trusted, image: Image) -> None:
        result = made.result if isinstance(made, Trusted) else made
        self._offers.visible = isinstance(result, DoesNotFit)
        layer = layer_of(result)
        beside = self._comparison.wanted
        self._comparison.end()
        add_result(layer, image, self._viewer, above=beside)
        self._outcome = (added(layer, image), False)
        self._comparison.offer(image, layer)
        if beside:
            self._comparison.show_last()
        if isinstance(made, Trusted):
            self._tell(made, layer, image)

    def _tell(self, made: Trusted, layer: Image, image: Image) -> None:
        """Show the report in its own widget, beside this one."""
        if made.report is None:
            if made.why:
                self._outcome = (f"{added(layer, image)} What can be believed of it: {made.why}", False)
            return
        dock, widget = self._viewer.window.add_plugin_dock_widget("napari-srgan", "Trust", tabify=True)
        dock.show()
        dock.raise_()
        widget.show_report(made.report, layer)

    def _on_lazily(self) -> None:
        self._target.way = choices.LAZY
        self._on_run()

    def _on_to_disk(self) -> None:
        self._target.way = choices.DISK
        if self._target.ask():
            self._on_run()

    def _complain(self, sentence: str) -> None:
        self._outcome = (sentence, True)

    def _on_library_said(self, sentence: str, wrong: bool) -> None:
        if self._runner.running is None:
            self._say(sentence, wrong=wrong)
        elif wrong:  # the run's own messages would hide it
            show_warning(sentence)

    # What is shown.

    def _show_started(self, title: str) -> None:
        self._outcome = None
        self._offers.visible = False
        self._run.enabled, self._cancel.enabled = False, True
        self._bar.value = 0
        self._bar.show()
        self._say(title)

    def _show_progress(self, progress: Progress, left: str) -> None:
        self._bar.value = int(progress.fraction * PERCENT)
        self._say(f"{progress.message}: {left}" if left else progress.message)

    def _show_ended(self, cancelled: bool) -> None:
        if cancelled:
            self._outcome = ("Cancelled; what is done is kept." if self._writes else "Cancelled.", False)
        if self._writes:
            self._writes = False
            self._target.ran()
        sentence, wrong = self._outcome or ("The run has ended.", False)
        self._bar.value = 0 if cancelled or wrong else PERCENT
        self._show_idle()
        self._look_ahead()
        self._say(sentence, wrong=wrong)

    def _show_idle(self) -> None:
        running = self._runner.running is not None
        self._run.enabled, self._cancel.enabled = not running, running

    def _say(self, sentence: str, *, wrong: bool = False) -> None:
        self._wrong = wrong
        say(self._status, as_sentence(sentence), wrong=wrong)
