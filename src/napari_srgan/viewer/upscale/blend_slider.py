"""The slider from faithful to sharp in the Upscale widget."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container, Label, Slider
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy

from napari_srgan.viewer.upscale.blending import Blending, Pair

_WHOLE = 100
"""The slider counts percent."""


class SharpnessSlider(Container[Any]):
    """Asks how much of a pair's sharp model shall be in it; hidden while there is no pair."""

    moved = Signal()
    """The user chose another blend, or an end."""

    def __init__(self, name: str) -> None:
        self._pair: Pair | None = None
        self._slider = Slider(name="amount", label="How sharp", min=0, max=_WHOLE, step=5, readout=False)
        self._ends = [Label(value=end) for end in ("faithful", "", "sharp")]
        caption = Container(widgets=self._ends, layout="horizontal", labels=False)
        super().__init__(
            name=name, label=" ", widgets=[self._slider, caption], labels=False, visible=False,
        )  # fmt: skip
        for container in (self, caption):
            container.margins = (0, 0, 0, 0)
        self.native.layout().setSpacing(0)
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
        for label, side in zip(self._ends, sides, strict=True):
            label.native.setAlignment(side)
            label.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._slider.tooltip = (
            "Left: the model trained to be right on average. Right: the one trained on to look real, "
            "which invents detail. Between: their weights, interpolated"
        )
        self._slider.changed.connect(self._on_slider)

    def offer(self, pair: Pair | None, model: str | None) -> None:
        """Show the slider for a pair, at the end of one of its models; hide it if there is none."""
        if pair != self._pair:
            self._pair = pair
            self.visible = pair is not None
            self.go_to(model)

    def go_to(self, model: str | None) -> None:
        """Move to the end of one of the pair's models."""
        with self._slider.changed.blocked():
            self._slider.value = _WHOLE if self._pair is not None and model == self._pair.sharp else 0
        self._show_amount()

    @property
    def chosen(self) -> Blending | str | None:
        """What the slider stands at: the name of a model at its ends, a blend between; None if hidden."""
        if self._pair is None:
            return None
        percent = self._slider.value
        if percent in (0, _WHOLE):
            return self._pair.sharp if percent else self._pair.faithful
        return Blending(self._pair, percent / _WHOLE)

    def _on_slider(self) -> None:
        self._show_amount()
        self.moved.emit()

    def _show_amount(self) -> None:
        percent = self._slider.value
        self._ends[1].value = "" if percent in (0, _WHOLE) else f"{percent} % sharp"
