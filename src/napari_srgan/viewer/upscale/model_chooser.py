"""The part of the Upscale widget that asks for a model."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import ComboBox, Container, Label, PushButton
from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_srgan.acquisition.choice import default_for, is_worth_fine_tuning
from napari_srgan.errors import UserError
from napari_srgan.models import read_library
from napari_srgan.viewer.jobs.runner import JobRunner
from napari_srgan.viewer.last_choices import image_kind, last_choices, remember_model
from napari_srgan.viewer.models.rows import SHARP_NOTE
from napari_srgan.viewer.models.signal import LIBRARY
from napari_srgan.viewer.models.tasks import Added, add_task
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.labels import as_sentence, say
from napari_srgan.viewer.qt.whole_names import BesideOrBelow
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.blend_slider import SharpnessSlider
from napari_srgan.viewer.upscale.blending import Blending, pair_of
from napari_srgan.viewer.upscale.noise_look import AcquisitionLook
from napari_srgan.viewer.upscale.preferred_model import ModelWish
from napari_srgan.viewer.upscale.time_axis import likeliest_time, times_of

TAKEN_TOOLTIP = (
    "What the image tells of how it was taken, estimated from a few parts of it. Photons: photo-electrons in "
    "the brightest places, more than in the darkest; the fewer, the more noise. Blurred: by a Gaussian whose "
    "sigma is so many pixels of the image"
)
_LETTERS_AT_LEAST = 12
"""Longer names of models do not widen the widget."""


class ModelChooser:
    """Rows of fields: the model, "Add model…", what it is for, what the image is like, the slider to sharp.

    Which model is shown first depends on the noise of the image; what the user chose stays.

    Parameters
    ----------
    runner
        The runner that reads files which are added.
    wish
        The model that should be chosen, e.g. one that was just trained.
    """

    said = Signal(str, bool)
    """What came of adding models, and whether something went wrong."""
    changed = Signal()
    """Another model, or the same for another image."""
    fine_tuning_wanted = Signal()
    """Make a model for the noise of the image."""

    def __init__(self, runner: JobRunner, wish: ModelWish) -> None:
        self._runner = runner
        self._wish = wish
        self._image: Image | None = None
        self._was_chosen = False
        self._to_remember = False
        self._library = read_library()
        self._model = ComboBox(
            name="model", choices=lambda _: choices.model_choices(self._image, self._library),
            tooltip="The models that fit the image, the likeliest first; the Models widget shows all",
        )  # fmt: skip
        native: QComboBox = self._model.native
        native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        native.setMinimumContentsLength(_LETTERS_AT_LEAST)
        self._add = PushButton(
            name="add_model", text="Add…",
            tooltip="Add model…: copies model files, other people's checkpoints too, into your library",
        )  # fmt: skip
        both = Container(
            name="models",
            label="Model",
            widgets=[self._model, self._add],
            layout="horizontal",
            labels=False,
        )
        both.margins = (0, 0, 0, 0)
        BesideOrBelow(both.native, native)
        self._about = Label(name="about", label=" ")
        self._taken = Label(name="taken", label=" ", tooltip=TAKEN_TOOLTIP)
        self._look = AcquisitionLook()
        self._sharpness = SharpnessSlider("sharpness")
        self._fine_tune = PushButton(
            name="fine_tune", text="Fine-tune for this noise", visible=False,
            tooltip="Opens the Fine-tune widget, set up to train a model for images as noisy as this one",
        )  # fmt: skip
        self.rows: list[Any] = [both, self._about, self._taken, self._fine_tune, self._sharpness]
        """Widgets that are shown one below the other, each with its label."""
        self.sentences = [self._about, self._taken]
        """Those of them that are texts of any length."""
        self._model.changed.connect(self._on_model)
        self._sharpness.moved.connect(self._on_sharpness)
        self._add.changed.connect(self._on_add)
        self._look.changed.connect(self._on_look)
        self._fine_tune.changed.connect(lambda _: self.fine_tuning_wanted.emit())
        LIBRARY.changed.connect(self._on_library)
        wish.wished.connect(self._on_wish)
        if wish.name is not None:
            self._on_wish(wish.name)

    def close(self) -> None:
        """Let go of the library, which outlives a widget that is closed."""
        self._look.close()
        LIBRARY.changed.disconnect(self._on_library, missing_ok=True)
        self._wish.wished.disconnect(self._on_wish, missing_ok=True)

    @property
    def chosen(self) -> Blending | str | None:
        """The name of a model, or two models and how they are blended."""
        name: str | None = self._model.value
        return self._sharpness.chosen or name

    @property
    def factor(self) -> int | None:
        """How many times finer the model makes an image, if it can be read."""
        card = self._library.card(self._model.value)
        return None if card is None else card.scale_factor

    @property
    def name(self) -> str | None:
        """Name of the model; of two that are blended, the one that was chosen."""
        name: str | None = self._model.value
        return name

    @property
    def for_movies(self) -> str:
        """Name of the model, if it is one for time-lapses."""
        card = self._library.card(self._model.value)
        return "" if card is None or card.frames == 1 else card.name

    def offer(self, image: Image | None) -> None:
        """Show the models that fit an image; what the user chose stays, if it is among them."""
        self._to_remember &= image is self._image
        self._image = image
        self._look.look(image)
        self._library = read_library()  # once: cards are read from files
        before = self._model.value
        with self._model.changed.blocked():
            self._model.native.clear()  # or old choices would keep their old places
            self._model.reset_choices()
            offered = self._grey_out()
            self._was_chosen &= before in offered
            kept = before if self._was_chosen or image is None else self._default(image)
            if kept in offered:
                self._model.value = kept
        self._show()

    def restore_default(self) -> None:
        """Forget what was chosen: show the model that suits the image."""
        self._was_chosen, self._wish.name = False, None
        remember_model(self._kind, None)
        self.offer(self._image)

    def remember(self) -> None:
        """Keep a model that the user has chosen for the next image of this kind, also in another session."""
        self._to_remember = self._was_chosen and self._look.found is None  # its kind is not known yet
        if self._was_chosen and not self._to_remember:
            remember_model(self._kind, self.name)

    @property
    def _kind(self) -> str:
        """The kind of image that is shown, as far as it is known."""
        image, found = self._image, self._look.found
        movie = image is not None and likeliest_time(times_of(image)) is not None
        return image_kind(
            rgb=image is not None and image.rgb, movie=movie, noisy=found is not None and found.noisy
        )

    def _default(self, image: Image) -> str:
        """The model to show first, of those that are offered: that which was chosen last, or which suits."""
        offered = [card for card in self._library.cards if card.name in self._model.choices]
        last = last_choices().models.get(self._kind)
        if last in [card.name for card in offered] and not choices.why_not(self._library.card(last), image):
            return str(last)
        return default_for(self._look.found, offered, rgb=image.rgb)

    def _on_look(self) -> None:
        """More is known of the image: another model may suit it."""
        if self._to_remember:
            self.remember()
        if self._image is not None and not self._was_chosen:
            name = self._default(self._image)
            if name in self._model.choices:
                with self._model.changed.blocked():
                    self._model.value = name
        self._show()

    def _grey_out(self) -> list[str | None]:
        """Grey out what does not fit the image, and say why; the names of the others, which say what for."""
        fitting: list[str | None] = []
        for place, name in enumerate(self._model.choices):
            card = self._library.card(name)
            reason = choices.why_not(card, self._image)
            about = reason or (self._library.problem(str(name)) if card is None else card.description)
            self._model.native.setItemData(place, as_sentence(about), Qt.ItemDataRole.ToolTipRole)
            if reason:
                self._model.native.model().item(place).setEnabled(False)
            else:
                fitting.append(name)
        return fitting

    def _choose(self, name: str) -> None:
        """Choose a model, if it is offered and fits the image."""
        if name in self._model.choices and not choices.why_not(self._library.card(name), self._image):
            self._model.value = name

    def _on_library(self) -> None:
        self.offer(self._image)

    def _on_model(self, name: str | None) -> None:
        self._was_chosen = True
        self._wish.name = name
        self._sharpness.go_to(name)
        self._show()

    def _on_wish(self, name: str) -> None:
        self._choose(name)

    def _on_sharpness(self) -> None:
        self._was_chosen = True
        end = self._sharpness.chosen
        if isinstance(end, str):
            with self._model.changed.blocked():
                self._model.value = end
        self._show()

    def _show(self) -> None:
        name = self._model.value
        card = self._library.card(name)
        self._sharpness.offer(None if card is None else pair_of(card, self._library), name)
        chosen = self.chosen
        if isinstance(chosen, Blending):
            say(self._about, f"{chosen}; {SHARP_NOTE}")
        else:
            say(self._about, choices.describe_model(chosen, self._image, self._library))
        text, wrong = choices.describe_look(self._look.found, name, self._image, self._library)
        say(self._taken, as_sentence(text), wrong=wrong)
        found = self._look.found
        self._fine_tune.visible = bool(found and card and is_worth_fine_tuning(card, found))
        self.changed.emit()

    # Adding models.

    def _on_add(self) -> None:
        files = dialogs.ask_for_model_files(self._add.native)
        if not files:
            return
        task = add_task(files, self._on_added, self._complain)
        try:
            self._runner.start([task])
        except UserError as error:
            self._complain(str(error))
        else:
            self.said.emit(f"{task.title} …", False)

    def _on_added(self, added: Added) -> None:
        for card in added.cards:
            self._choose(card.name)
        self.said.emit(str(added), bool(added.problems))

    def _complain(self, sentence: str) -> None:
        self.said.emit(sentence, True)
