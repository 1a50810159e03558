"""The part of the Upscale widget that asks what the axes of a stack are, where it does not say so itself."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import ComboBox
from napari.layers import Image
from psygnal import Signal

from napari_srgan.viewer import choices
from napari_srgan.viewer.layers import layer_axes

MOST_UNNAMED = 3
"""Leading axes that a layer of five can have."""


class AxesFields:
    """A row for each leading axis that nobody has named."""

    changed = Signal()
    """The user said what an axis is."""

    def __init__(self) -> None:
        # All labels become as wide as the widest: also of these, hidden as they may be.
        self.rows: list[Any] = [
            ComboBox(
                name=f"axis_{n}", label=f"Axis {n} (1000)", choices=choices.AXES, visible=False,
                tooltip=choices.AXES_TOOLTIP,
            )
            for n in range(MOST_UNNAMED)
        ]  # fmt: skip
        for field in self.rows:
            field.changed.connect(lambda _: self.changed.emit())

    def offer(self, image: Image | None) -> None:
        """Show the rows that an image needs."""
        for field, axis in zip(self.rows, choices.unnamed_axes(image), strict=True):
            field.visible = axis is not None
            if axis is not None:
                field.label = axis.label
                field.value = "Q"

    def chosen(self, image: Image) -> str:
        """A letter for each axis of an image.

        Raises
        ------
        UserError
            If there are too few or too many axes.
        """
        letters = list(layer_axes(image))
        for place, (field, axis) in enumerate(zip(self.rows, choices.unnamed_axes(image), strict=True)):
            if axis is not None:
                letters[place] = field.value
        return "".join(letters)
