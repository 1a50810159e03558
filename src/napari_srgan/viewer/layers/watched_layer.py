"""The layer that a form is about, and whether it was edited meanwhile."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

from napari.layers import Image
from psygnal import Signal


class WatchedLayer:
    """Tells when the pixels or the axes of one layer are replaced while a form shows it."""

    edited = Signal()
    """The layer has other pixels, or other names of its axes."""

    def __init__(self) -> None:
        self._layer: ReferenceType[Image] | None = None

    def watch(self, layer: Image | None) -> None:
        """Watch another layer, or none."""
        before = None if self._layer is None else self._layer()
        if layer is before:
            return
        if before is not None:
            before.events.data.disconnect(self._on_edited)
            before.events.axis_labels.disconnect(self._on_edited)
        self._layer = None if layer is None else ref(layer)
        if layer is not None:
            layer.events.data.connect(self._on_edited)
            layer.events.axis_labels.connect(self._on_edited)

    def _on_edited(self, _event: Any) -> None:
        self.edited.emit()
