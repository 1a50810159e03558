"""Which part of a layer somebody is looking at: napari keeps more of it than the window shows."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from napari.layers import Image

from napari_srgan.viewer.lazy.level_window import SliceKey
from napari_srgan.viewer.qt.labels import camera_of

_AROUND = 600
"""Side of the square around the middle of the canvas that is looked at, in pixels of the screen."""


def visible_part(layer: Image, viewer: Any, key: SliceKey) -> SliceKey | None:
    """The part of a slice that lies around the middle of the canvas.

    Parameters
    ----------
    layer
        The layer that the slice is of; it is in the viewer.
    viewer
        The viewer that shows it.
    key
        The slice, in pixels of the layer's finest level.

    Returns
    -------
    tuple
        The part to compute first; None if nothing of the slice is there, or the canvas does not show Y and X.
    """
    shown = list(viewer.dims.displayed)
    if len(shown) != 2 or shown != [viewer.dims.ndim - 2, viewer.dims.ndim - 1]:
        return None
    camera = camera_of(viewer)
    reach = _AROUND / 2 / camera.zoom
    corners = []
    for corner in product((-reach, reach), repeat=2):
        point = np.array(viewer.dims.point, dtype=float)
        point[shown] = np.asarray(camera.center)[-2:] + np.array(corner)
        corners.append(np.asarray(layer.world_to_data(point))[-2:])
    low, high = np.floor(np.min(corners, axis=0)), np.ceil(np.max(corners, axis=0)) + 1
    smaller = list(key)
    for axis, first, last in zip((layer.ndim - 2, layer.ndim - 1), low, high, strict=True):
        along = smaller[axis]
        assert isinstance(along, slice)
        smaller[axis] = slice(max(int(first), along.start), min(int(last), along.stop))
        if smaller[axis].start >= smaller[axis].stop:
            return None
    return tuple(smaller)
