"""The fields of the Upscale widget, and what they say of an image."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Label
from napari import Viewer
from napari.layers import Image
from psygnal import Signal

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.options import DRIFT, UpscaleOptions
from napari_srgan.models import user_folder
from napari_srgan.viewer.jobs.runner import library_runner_of
from napari_srgan.viewer.last_choices import last_choices, remember
from napari_srgan.viewer.layers.one_plane import shown_plane
from napari_srgan.viewer.layers.provenance import predicted_by
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.layers.watched_layer import WatchedLayer
from napari_srgan.viewer.qt.labels import make_elastic, say
from napari_srgan.viewer.qt.option_field import option_switch
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.axes_fields import AxesFields
from napari_srgan.viewer.upscale.computing import Computing
from napari_srgan.viewer.upscale.expected_size import expected_size
from napari_srgan.viewer.upscale.file_says import FileSays
from napari_srgan.viewer.upscale.model_chooser import ModelChooser
from napari_srgan.viewer.upscale.other_layers import OtherLayers
from napari_srgan.viewer.upscale.output_field import TargetField
from napari_srgan.viewer.upscale.output_path import refuse_shown, suggest
from napari_srgan.viewer.upscale.preferred_model import wish_of
from napari_srgan.viewer.upscale.regions import check_shown_plane, shapes_region, visible_region, whole_region
from napari_srgan.viewer.upscale.request import UpscaleRequest
from napari_srgan.viewer.upscale.time_axis import movie_axes


class UpscaleFields:
    """Fields that follow each other: what one offers depends on what was chosen in others.

    Parameters
    ----------
    viewer
        Whose layers are offered.
    """

    image_changed = Signal()
    """Another image was chosen."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self.image = ComboBox(
            name="image", label="Image", choices=lambda _: choices.images(viewer),
            tooltip="The image layer to upscale or restore",
        )  # fmt: skip
        active = viewer.layers.selection.active
        if isinstance(active, Image) and not predicted_by(active) and active in self.image.choices:
            self.image.value = active
        self.others = OtherLayers(viewer)
        self.file_says = FileSays(viewer)
        self.models = ModelChooser(library_runner_of(viewer), wish_of(viewer))
        self.size = Label(name="size", label=" ")
        self.region = ComboBox(
            name="region", label="Region", choices=lambda _: choices.regions(viewer, self.image.value),
            tooltip="The whole image, of a stack the plane that is shown, the part in view, or the bounding "
            "box of a Shapes layer",
        )  # fmt: skip
        self.axes = AxesFields()
        self.drift = option_switch(UpscaleOptions, "align", name="drift", visible=False)
        self.trust = CheckBox(
            name="trust", label="Tell what can be believed",
            tooltip="After upscaling: tells how fine the detail of the image is, what the model added to it, "
            "whether brightness and place were kept, and how far off the result may be where that was "
            "measured. The widget Trust opens and shows it in sentences that can be saved",
        )  # fmt: skip
        self.target = TargetField(self.trust)
        self.advanced = Computing()
        self._watched = WatchedLayer()
        self._connect()

    def _connect(self) -> None:
        self.image.changed.connect(self._on_image)
        self._watched.edited.connect(self._on_edited)
        self.target.changed.connect(self._on_target)
        self.models.changed.connect(self._on_model)
        for field in (self.region, self.axes, self.advanced.tile, self.advanced.ensemble, self.drift):
            field.changed.connect(self.look_ahead)

    @property
    def rows(self) -> list[Any]:
        """What is asked first, in the order in which it is shown."""
        return [
            self.image, *self.file_says.rows, self.others.row, *self.models.rows, self.size, self.axes.time,
            self.drift, self.region, *self.axes.rows,
        ]  # fmt: skip

    @property
    def folded(self) -> list[Any]:
        """What needs no answer, folded away under two headings."""
        return [*self.target.rows, *self.advanced.rows]

    def begin(self) -> None:
        """Show what is to be shown of the first image; called when all fields are in their form."""
        self.target.show(False)
        if (way := last_choices().way) in (meant for _, meant in choices.RESULTS):
            self.target.way = way
        self.advanced.show(False)
        for label in (*self.models.sentences, self.size, self.file_says.sentence):
            make_elastic(label)
        self._on_image(self.image.value)

    def close(self) -> None:
        """Let go of the library and the layers, which outlive a widget that is closed."""
        self.models.close()
        self.others.close()
        self.file_says.close()
        self._watched.watch(None)

    def restore_defaults(self) -> None:
        """Set all fields but the image to what they are at first."""
        self.models.restore_default()
        remember(way="")
        self.region.value = choices.WHOLE_IMAGE
        self.target.way = choices.MEMORY
        self.drift.value = self.trust.value = False
        self.target.show(False)
        self.advanced.restore_defaults()

    def remember(self) -> None:
        """Keep what was chosen for the next session."""
        remember(way=self.target.way)
        self.models.remember()

    # One field follows another.

    def look_again(self) -> None:
        """Layers came or went."""
        self.others.offer(self.image.value)
        self.models.offer(self.image.value)

    def _on_image(self, image: Image | None) -> None:
        self._watched.watch(image)
        self._show_image(image)
        self.image_changed.emit()

    def _on_edited(self) -> None:
        self._show_image(self.image.value)

    def _show_image(self, image: Image | None) -> None:
        self.others.offer(image)
        self.file_says.offer(image)
        with self.region.changed.blocked():
            self.region.reset_choices()
        self.axes.offer(image)
        self.models.offer(image)

    def _on_model(self) -> None:
        self.axes.offer_time(self.models.for_movies)
        self.drift.visible = bool(self.models.for_movies)
        self.look_ahead()

    def _on_target(self) -> None:
        self.region.enabled = self.target.way != choices.LAZY  # one looks where one likes
        self.trust.enabled = self.target.way != choices.LAZY  # there is nothing to be told of yet
        self.look_ahead()

    def look_ahead(self) -> None:
        """Say how large the result will be, suggest a file for it, and say what lies there."""
        image: Image | None = self.image.value
        self.target.look({})
        try:
            say(self.size, "" if image is None else self._size_of(image))
            if image is not None and self.target.way == choices.DISK:
                self._look_at_file(image)
        except UserError:  # told when it is run
            return

    def _size_of(self, image: Image) -> str:
        """How large the result will be; nothing where that depends on what is visible when it is run."""
        chosen, factor = self.region.value, self.models.factor
        if factor is None or (chosen == choices.VISIBLE and self.region.enabled):
            return ""
        region = self._chosen_region(image) if self.region.enabled else None
        one_plane = chosen == choices.PLANE and self.region.enabled
        return expected_size(image, factor, region or whole_region(image), one_plane=one_plane)

    def _look_at_file(self, image: Image) -> None:
        axes = self.axes.chosen(image)
        wanted: dict[str, Any] = {
            "axes": axes, "self_ensemble": self.advanced.ensemble.value,
            "source_shape": finest_data(image).shape, "align": self._align,
        }  # fmt: skip
        if self.region.value != choices.VISIBLE:  # moves with every look
            wanted["region"] = self._chosen_region(image) or whole_region(image)
        if (model := self.models.chosen) is not None:
            wanted["model"] = model if isinstance(model, str) else model.name
        self.target.suggest(suggest(image, axes, self.models.factor or 1), axes)
        self.target.look(wanted)

    # What they say.

    @property
    def _align(self) -> str | None:
        return DRIFT if self.models.for_movies and self.drift.value else None

    def _chosen_region(self, image: Image) -> Region | None:
        chosen = self.region.value
        if chosen in (choices.WHOLE_IMAGE, choices.PLANE):
            return None
        if chosen == choices.VISIBLE:
            return visible_region(image, self._viewer)
        return shapes_region(image, chosen)

    def requests(self) -> list[UpscaleRequest]:
        """What is to be upscaled: the image that is chosen, and those that are wanted with it.

        Raises
        ------
        UserError
            If that cannot be.
        """
        image: Image | None = self.image.value
        if image is None:
            raise UserError("there is no image layer to upscale; open an image first, or choose files below")
        if self.models.chosen is None:
            raise UserError(f"there is no model; put one into {user_folder()}")
        first = self._request(image)
        requests = [first]
        for other in self.others.wanted(image):
            try:
                requests.append(self._request(other, beside=first))
            except UserError as error:
                raise UserError(f"{other.name}: {error}") from error
        return requests

    def _request(self, image: Image, beside: UpscaleRequest | None = None) -> UpscaleRequest:
        """What the fields say of an image; of another one than the chosen, beside what they say of that."""
        if 0 in finest_data(image).shape:
            raise UserError(f"{image.name!r} is empty: its shape is {finest_data(image).shape}")
        if beside is None and self.axes.is_stale(image):  # e.g. an array that was given names
            self._on_edited()
        check_shown_plane(image, self._viewer)
        axes = self.axes.chosen(image) if beside is None else self._axes_of(image)
        way = self.target.way
        path = None
        if way == choices.DISK:
            path = self.target.settle()
            if beside is not None:
                kind = self.target.result_ending
                path = path.parent / suggest(image, axes, self.models.factor or 1, kind).name
            if self.target.replaces:
                refuse_shown(path, self._viewer.layers)
        lazily = way == choices.LAZY
        region = None if lazily else self._chosen_region(image)
        options = self.advanced.options(region=region, align=self._align)
        model = self.models.chosen
        assert model is not None
        one_plane = self.region.value == choices.PLANE and not lazily
        pixels = self._plane_of(image) if one_plane else image
        replaces = self.target.replaces and beside is None  # only what the user was told of
        trust = self.trust.value and not lazily
        return UpscaleRequest(
            image, pixels, model, options, way, axes, path, replaces, trust, self.models.factor or 2
        )

    def _plane_of(self, image: Image) -> Image:
        if self.models.for_movies:
            raise UserError(
                f"frames help each other in {self.models.for_movies}, so that no plane is upscaled alone; "
                "choose the whole image, or a model for single images"
            )
        if self.target.way == choices.DISK:
            raise UserError(
                "one plane is not upscaled into a file; choose the Result 'in napari', and save it then, or "
                "the whole image"
            )
        if image.ndim < 3:
            return image
        return shown_plane(image, self._viewer)

    def _axes_of(self, other: Image) -> str:
        """Letters for the axes of another layer: those that were chosen, if it is of the same kind."""
        if self.models.for_movies:
            return movie_axes(other, self.models.for_movies)
        return self.axes.chosen_for(other, like=self.image.value)
