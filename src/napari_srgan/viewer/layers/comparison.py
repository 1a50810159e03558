"""An image and its result side by side, and the viewer as it was afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import ref

from napari import Viewer
from napari.layers import Image, Layer
from psygnal import Signal

from napari_srgan.viewer.layers.kept_view import keep_in_view, seen_of
from napari_srgan.viewer.one_per_viewer import OfViewer, one_per_viewer
from napari_srgan.viewer.qt.labels import camera_of, grid_of

ORIGINAL_KEY = "U"
"""While it is held on the canvas, the original is shown in the place of its result."""
SIDE_BY_SIDE = (1, 2)
"""Rows and columns of the grid."""
_FONT_SIZE = 7
"""Of names on the canvas: half a canvas holds that of a result, whose end tells the model."""


class Comparison(OfViewer):
    """Shows two layers of a viewer beside each other, and brings back what was shown before.

    Parameters
    ----------
    viewer
        Whose layers they are.
    """

    offered = Signal()
    """There are an image and its result to be compared, or no more."""
    flicked = Signal(bool)
    """The original is shown in the place of its result, or both are again as they were."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self.wanted = False
        """Whether the next result is shown beside its image, too."""
        self._before: _View | None = None
        self._compared: tuple[Layer, Layer] | None = None
        self._last: tuple[ref[Image], ref[Image]] | None = None
        self._flicked: tuple[tuple[Layer, bool], ...] = ()
        viewer.layers.events.removed.connect(self._on_removed)
        with suppress(ValueError):  # the user has bound it to something else
            viewer.bind_key(ORIGINAL_KEY, self._while_held)

    def offer(self, image: Image, result: Image) -> None:
        """Remember an image and its result, to be shown when :meth:`show_last` is called."""
        self._last = ref(image), ref(result)
        self.offered.emit()

    @property
    def last(self) -> tuple[Image, Image] | None:
        """The image and the result that were offered last, if both are still in the viewer."""
        image, result = (None, None) if self._last is None else (each() for each in self._last)
        layers = self._viewer.layers
        if image is None or result is None or image not in layers or result not in layers:
            return None
        return image, result

    @property
    def shows_original(self) -> bool:
        """Whether the original is shown in the place of its result."""
        return bool(self._flicked)

    def show_last(self) -> None:
        """Show the image and the result that were offered last, if both are still in the viewer."""
        if self.last is not None:
            self.show(*self.last)

    def show(self, image: Image, result: Image) -> None:
        """Show two layers of the viewer, and no other ones.

        Parameters
        ----------
        image
            Shown at the left, if it is the lower one of the two.
        result
            Shown beside it.
        """
        self.end()
        viewer = self._viewer
        seen = seen_of((image, result), viewer)
        self._before = _View.of(viewer)
        self._compared = image, result
        for layer in viewer.layers:
            layer.visible = layer in (image, result)
            if (name := _name_overlay(layer)) is not None:  # the grid itself has no titles
                _set(name, {"visible": layer in (image, result), "font_size": _FONT_SIZE})
        grid = grid_of(viewer)
        grid.shape, grid.stride, grid.enabled = SIDE_BY_SIDE, 1, True
        keep_in_view(seen, viewer)
        viewer.layers.selection.active = result

    def place_of(self, image: Image) -> dict[str, Any] | None:
        """Where one looks at an image beside its result; None if it is not shown so."""
        if self._compared is None or self._compared[0] is not image:
            return None
        return _camera_place(self._viewer)

    def look_there(self, place: dict[str, Any]) -> None:
        """Look where :meth:`place_of` told."""
        _set(camera_of(self._viewer), place)

    def end(self) -> None:
        """Bring back visibility, grid, camera and selection as they were; layers that came since stay."""
        self.show_result()
        before, compared = self._before, self._compared
        if before is None or compared is None:
            return
        self._before = self._compared = None
        before.bring_back(self._viewer)

    def show_original(self) -> None:
        """Show the last image in the place of its result, until :meth:`show_result` is called."""
        if self._flicked or self.last is None:
            return
        image, result = self.last
        self._flicked = (image, image.visible), (result, result.visible)
        image.visible, result.visible = True, False
        self.flicked.emit(True)

    def show_result(self) -> None:
        """Show both as they were before :meth:`show_original`."""
        flicked, self._flicked = self._flicked, ()
        for layer, visible in flicked:
            layer.visible = visible
        if flicked:
            self.flicked.emit(False)

    def _while_held(self, _viewer: Viewer) -> Iterator[None]:
        """What napari does while the key is held: up to the yield when it is pressed, the rest after."""
        self.show_original()
        yield
        self.show_result()

    def _on_removed(self, event: Any) -> None:
        if self._compared is not None and event.value in self._compared:
            self.end()
        self.offered.emit()


@dataclass(frozen=True)
class _View:
    """What a viewer shows, and how."""

    visible: dict[Layer, bool]
    named: dict[Layer, dict[str, Any]]
    """Whether the names of layers stand on the canvas, and how large; nothing in older versions of napari."""
    grid: dict[str, Any]
    camera: dict[str, Any]
    selected: tuple[Layer, ...]
    active: Layer | None

    @staticmethod
    def of(viewer: Viewer) -> _View:
        grid, selection = grid_of(viewer), viewer.layers.selection
        names = {layer: _name_overlay(layer) for layer in viewer.layers}
        return _View(
            {layer: layer.visible for layer in viewer.layers},
            {
                layer: {key: getattr(name, key) for key in ("visible", "font_size")}
                for layer, name in names.items()
                if name is not None
            },
            {name: getattr(grid, name) for name in ("shape", "stride", "enabled")},
            _camera_place(viewer),
            tuple(selection),
            selection.active,
        )

    def bring_back(self, viewer: Viewer) -> None:
        """Show it again, as far as its layers are still there."""
        layers = viewer.layers
        for layer, visible in self.visible.items():
            if layer in layers:
                layer.visible = visible
        for layer, named in self.named.items():
            if layer in layers:
                _set(_name_overlay(layer), named)
        _set(grid_of(viewer), self.grid)
        _set(camera_of(viewer), self.camera)
        layers.selection.clear()
        layers.selection.update(layer for layer in self.selected if layer in layers)
        if self.active in layers:
            layers.selection.active = self.active


def _name_overlay(layer: Layer) -> Any:
    """What shows the name of a layer on the canvas; older napari has nothing of the kind."""
    return getattr(layer, "name_overlay", None)


def _camera_place(viewer: Viewer) -> dict[str, Any]:
    camera = camera_of(viewer)
    return {name: getattr(camera, name) for name in ("center", "zoom", "angles")}


def _set(model: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(model, name, value)


@one_per_viewer
def comparison_of(viewer: Viewer) -> Comparison:
    """Return the comparison of a viewer; the same for all widgets of its window."""
    return Comparison(viewer)
