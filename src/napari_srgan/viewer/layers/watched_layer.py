"""The layer that a form is about, and whether it was edited meanwhile."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

from napari.layers import Image
from psygnal import Signal

_EDITS = ("data", "axis_labels", "scale", "units")


class WatchedLayer:
    """Tells when the pixels, the axes or the pixel sizes of one layer are changed while a form shows it."""

    edited = Signal()
    """The layer has other pixels, other names of its axes, or other sizes of its pixels."""

    def __init__(self) -> None:
        self._layer: ReferenceType[Image] | None = None

    def watch(self, layer: Image | None) -> None:
        """Watch another layer, or none."""
        before = None if self._layer is None else self._layer()
        if layer is before:
            return
        if before is not None:
            for name in _EDITS:
                before.events[name].disconnect(self._on_edited)
        self._layer = None if layer is None else ref(layer)
        if layer is not None:
            for name in _EDITS:
                layer.events[name].connect(self._on_edited)

    def _on_edited(self, _event: Any) -> None:
        self.edited.emit()
