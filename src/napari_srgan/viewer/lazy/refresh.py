"""What the screen shows of a layer that is computed lazily: something at once, the rest as it comes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from weakref import ReferenceType, WeakMethod, finalize, ref

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_srgan.errors import UserError
from napari_srgan.viewer.lazy.level_window import Filling, LevelWindow, SliceKey
from napari_srgan.viewer.lazy.napari_internals import divert, viewers_of
from napari_srgan.viewer.lazy.tile_worker import BackgroundTiles, VisibleLevel
from napari_srgan.viewer.lazy.visible_part import visible_part
from napari_srgan.viewer.qt.labels import as_sentence, camera_of

LOOK_EVERY = 200
"""Milliseconds from one look at what has arrived to the next."""

_logger = logging.getLogger(__name__)


class LazyScreen:
    """Shows a layer whose finest levels are filled in where they are looked at.

    Slices for the screen are made of what is there; what is missing is computed on one thread, and the
    layer is refreshed while it comes. Who reads `layer.data` gets real values, and waits for them.

    Parameters
    ----------
    layer
        A multiscale layer that is in no viewer yet. It keeps this object.
    levels
        The levels that are filled in bit by bit, by their number.
    forget
        A function that is called when the layer is in no viewer any more, or shows other data.
    """

    def __init__(self, layer: Image, levels: Mapping[int, Filling], forget: Callable[[], None]) -> None:
        self._layer = ref(layer)
        self._levels = dict(levels)
        self._data = {number: layer.data[number] for number in levels}
        self._forget = forget
        self.tiles = BackgroundTiles()
        self._parts: dict[bool, VisibleLevel] = {}
        self._told: set[str] = set()
        self._looking = False
        self._viewers: list[ReferenceType[Any]] = []
        if divert(layer, self._shown, thumbnail=len(layer.data) - 1 in levels):
            layer.events.visible.connect(self._on_visible)
            layer.events.data.connect(self._on_data)
            finalize(layer, self.tiles.stop)

    # Slices.

    def _shown(self, number: int, data: Any, thumbnail: bool) -> Any:
        """What is shown in place of a level."""
        level = self._levels.get(number)
        if level is None or data is not self._data[number] or QApplication.instance() is None:
            if self._parts.pop(thumbnail, None) is not None:
                self._want()
            return data
        self._find_viewers()
        self._look()

        def read(key: SliceKey) -> NDArray[Any]:
            self._parts[thumbnail] = VisibleLevel(level, key)
            self._want()
            try:
                return level.peek(key, alike=self._in_3d)[0]
            except Exception as error:  # napari would ask again and again
                self.tiles.report(error)
                return np.zeros(LevelWindow(level, read)[key].shape, level.dtype)

        return LevelWindow(level, read)

    @property
    def _in_3d(self) -> bool:
        """Whether a viewer shows it as a volume, in which a border between sharp and not sharp misleads."""
        viewers = (viewer() for viewer in self._viewers)
        return any(viewer is not None and viewer.dims.ndisplay == 3 for viewer in viewers)

    def _want(self) -> None:
        """Compute what is missing: in the middle of the canvas, in the view, in the thumbnail."""
        layer = self._layer()
        wanted: list[VisibleLevel] = []
        if layer is not None and layer.visible:
            view = self._parts.get(False)
            viewer = self._viewers[-1]() if self._viewers else None
            if view is not None and view.level is self._levels.get(0) and viewer is not None:
                key = visible_part(layer, viewer, view.key)
                wanted += [VisibleLevel(view.level, key)] if key is not None else []
            wanted += [part for _, part in sorted(self._parts.items())]
        self.tiles.want(wanted)

    # Looking at what has come, on the main thread.

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            later = WeakMethod(self._on_look)
            QTimer.singleShot(LOOK_EVERY, lambda: (method := later()) and method())

    def _on_look(self) -> None:
        self._looking = False
        layer = self._layer()
        if layer is None:
            return
        busy = self.tiles.busy or not layer.loaded  # before what came is looked at
        self._tell(layer, self.tiles.take_errors())
        if self.tiles.take_arrived():
            layer.refresh(extent=False, highlight=False)
        if busy:
            self._look()

    def _tell(self, layer: Image, errors: list[Exception]) -> None:
        for error in errors:
            sentence = as_sentence(_sentence_of(error))
            if sentence in self._told:
                continue
            self._told.add(sentence)
            _logger.warning("a tile of %s could not be computed", layer.name, exc_info=error)
            show_warning(f"{layer.name}: {sentence}. That part is shown as it is in the original.")

    # Coming and going.

    def _find_viewers(self) -> None:
        layer = self._layer()
        for viewer in viewers_of(layer) if layer is not None else ():
            if not any(viewer is known() for known in self._viewers):
                self._viewers.append(ref(viewer))
                viewer.layers.events.removed.connect(self._on_removed)
                camera_of(viewer).events.center.connect(self._on_camera)
                camera_of(viewer).events.zoom.connect(self._on_camera)
                window = getattr(getattr(viewer, "window", None), "_qt_window", None)
                if window is not None:  # closed by its button; there is no public event for it
                    window.destroyed.connect(self._leave)

    def _on_camera(self) -> None:
        if self.tiles.busy:  # napari slices anew only where it has too little
            self._want()

    def _on_removed(self, event: Any) -> None:
        layer = self._layer()
        if layer is None or (event.value is layer and not viewers_of(layer)):
            self._leave()

    def _on_visible(self) -> None:
        layer = self._layer()
        if layer is not None and not layer.visible:
            self.tiles.want([])
            self.tiles.retry_failed()
            self._told.clear()

    def _on_data(self) -> None:
        layer = self._layer()
        if layer is not None and any(layer.data[number] is not data for number, data in self._data.items()):
            self._leave()

    def _leave(self, *_: Any) -> None:
        """Stop, and give the memory back; all of it works again if the layer comes back."""
        self._parts.clear()
        self.tiles.want([])
        self._forget()


def _sentence_of(error: Exception) -> str:
    if isinstance(error, UserError):
        return str(error)
    return f"something went wrong that should not have ({type(error).__name__}: {error})"
