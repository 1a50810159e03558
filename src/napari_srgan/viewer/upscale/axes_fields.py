"""The part of the Upscale widget that asks what the axes of a stack are, where it does not say so itself."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from psygnal import Signal

from napari_srgan.errors import UserError
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.time_axis import likeliest_time, no_time, time_axes, with_time

NOT_SAID = -1
"""The place of a time axis that nobody has chosen yet."""


class AxesFields:
    """A row for each leading axis that nobody has named; and for time, where a model needs it."""

    changed = Signal()
    """The user said what an axis is."""

    def __init__(self) -> None:
        self._image: Image | None = None
        self._model = ""
        self._was_chosen = False
        self._offered: tuple[Any, ...] = ()
        self.time = ComboBox(
            name="time_axis", label="Time axis", choices=lambda _: self._times(), visible=False,
            tooltip="The axis along which frames help each other; a stack in depth can be treated as time",
        )  # fmt: skip
        # All labels become as wide as the widest: also of these, hidden as they may be.
        self.rows: list[Any] = [
            ComboBox(
                name=f"axis_{n}", label=f"Axis {n} (1000)", choices=choices.AXES, visible=False,
                tooltip=choices.AXES_TOOLTIP,
            )
            for n in range(choices.MOST_UNNAMED)
        ]  # fmt: skip
        self.time.changed.connect(self._on_time)
        for field in self.rows:
            field.changed.connect(self._on_row)

    def offer(self, image: Image | None) -> None:
        """Show the rows that an image needs; for what they are shown for already, keep what was chosen."""
        wanted = _read(image)
        if wanted == self._offered:
            return
        self._offered, self._image = wanted, image
        self._was_chosen = False
        for field, axis in zip(self.rows, choices.unnamed_axes(image), strict=True):
            if axis is not None:
                field.label = axis.label
                with field.changed.blocked():
                    field.value = "Q"
        self._show()

    def offer_time(self, model: str) -> None:
        """Ask which axis is time, for a model for time-lapses; without the name of one do not ask."""
        self._model = model
        self._show()

    def is_stale(self, image: Image) -> bool:
        """Whether an image has other axes than those that the rows are shown for."""
        return _read(image) != self._offered

    def chosen(self, image: Image) -> str:
        """A letter for each axis of an image.

        Raises
        ------
        UserError
            If there are too few or too many axes, or none is time for a model that needs it.
        """
        letters = self._letters(image)
        if not self._model:
            return letters
        if self.time.value in (None, NOT_SAID):
            raise UserError(no_time(image, self._model, field=True))
        return with_time(letters, self.time.value)

    def chosen_for(self, other: Image, *, like: Image) -> str:
        """A letter for each axis of another image: as chosen, where it leaves open what `like` leaves open.

        Raises
        ------
        UserError
            If there are too few or too many axes.
        """
        letters = layer_axes(other)
        return self._letters(like) if letters == layer_axes(like) else letters

    def _letters(self, image: Image) -> str:
        letters = list(layer_axes(image))
        for place, (field, axis) in enumerate(zip(self.rows, choices.unnamed_axes(image), strict=True)):
            if axis is not None:
                letters[place] = field.value
        return "".join(letters)

    def _times(self) -> choices.Choices:
        """Axes that can be time; first that none is chosen, if it is not clear which one it is."""
        try:
            axes = "" if self._image is None else self._letters(self._image)
        except UserError:  # told when it is run
            axes = ""
        if not axes or self._image is None:
            return []
        found = time_axes(axes, finest_data(self._image).shape, self._image.axis_labels)
        offered: choices.Choices = [(axis.label, axis.place) for axis in found]
        return offered if likeliest_time(found) is not None else [("choose…", NOT_SAID), *offered]

    def _show(self) -> None:
        with self.time.changed.blocked():
            before = self.time.value
            self.time.native.clear()  # or old choices would keep their old places
            self.time.reset_choices()
            self._was_chosen &= before in self.time.choices
            if self._was_chosen:
                self.time.value = before
            elif self._image is not None and self.time.choices:
                found = time_axes(self._letters(self._image), finest_data(self._image).shape)
                likeliest = likeliest_time(found)
                self.time.value = NOT_SAID if likeliest is None else likeliest
        self.time.visible = bool(self._model) and bool(self.time.choices)
        hidden = self.time.value if self._model else None
        for place, (field, axis) in enumerate(zip(self.rows, choices.unnamed_axes(self._image), strict=True)):
            field.visible = axis is not None and place != hidden

    def _on_time(self, place: int) -> None:
        self._was_chosen = True
        for row, field in enumerate(self.rows):
            if field.value == "T" and row != place:
                with field.changed.blocked():
                    field.value = "Q"
        self._show()
        self.changed.emit()

    def _on_row(self, letter: str) -> None:
        self._was_chosen &= letter != "T"
        self._show()
        self.changed.emit()


def _read(image: Image | None) -> tuple[Any, ...]:
    """What the rows depend on."""
    if image is None:
        return ()
    try:
        axes = layer_axes(image)
    except UserError:  # told when it is run
        axes = ""
    return id(image), axes, tuple(finest_data(image).shape)
