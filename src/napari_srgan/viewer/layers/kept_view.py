"""What one looks at stays in view when the canvas is divided into cells, which are smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from numpy.typing import NDArray

from napari_srgan.viewer.qt.labels import camera_of, view_size

_FILLED = 0.95
"""Part of a cell that is filled, so that what is in one does not touch what is in the next."""
_THINNEST = 1e-12
"""World units; what is shown has some extent."""


@dataclass(frozen=True)
class Seen:
    """What is seen of some layers."""

    box: NDArray[np.float64] | None
    """``(2, 2)`` of float64: first and last corner in world units, vertical axis first; None in 3-D."""
    canvas: NDArray[np.float64]
    """Height and width of what shows it, in pixels of the screen."""


def seen_of(layers: Sequence[Layer], viewer: ViewerModel) -> Seen:
    """Look what the canvas shows of some layers; all of them, where it shows nothing of them."""
    canvas, camera = view_size(viewer), camera_of(viewer)
    if viewer.dims.ndisplay != 2:
        return Seen(None, canvas)
    around = _extent(layers, viewer)
    middle, half = np.asarray(camera.center, dtype=float)[-2:], canvas / 2 / camera.zoom
    box = np.clip(around, middle - half, middle + half)
    return Seen(box if (box[1] > box[0]).all() else around, canvas)


def keep_in_view(seen: Seen, viewer: ViewerModel) -> None:
    """Step back so far that what was seen fits into each cell; never nearer."""
    camera, cell = camera_of(viewer), view_size(viewer)
    if seen.box is None:
        camera.zoom *= min(1.0, float((cell / seen.canvas).min()))
        return
    size = np.maximum(seen.box[1] - seen.box[0], _THINNEST)
    fitting = float((_FILLED * cell / size).min())
    if fitting < camera.zoom:
        camera.zoom = fitting
        camera.center = (*tuple(camera.center)[:-2], *(seen.box.sum(axis=0) / 2))


def _extent(layers: Sequence[Layer], viewer: ViewerModel) -> NDArray[np.float64]:
    """The box around layers, along the two axes that are shown."""
    shown = np.array(viewer.dims.displayed[-2:]) - viewer.dims.ndim  # axes are counted from the last one
    boxes = [np.asarray(layer.extent.world, dtype=float) for layer in layers]
    wide = [box[:, shown] for box in boxes if box.shape[1] >= -shown.min()]
    if not wide:
        return np.zeros((2, 2))
    return np.stack([np.min([box[0] for box in wide], axis=0), np.max([box[1] for box in wide], axis=0)])
