"""Which part of an image is meant: what is visible now, or the box of a Shapes layer."""

from __future__ import annotations

from itertools import product

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.viewer.layers.placement import pixels_between
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.qt.labels import camera_of, view_size

_THINNEST = 0.5
"""Pixels; a box that is thinner was drawn in a view in which one does not see its other side."""


def visible_region(layer: Image, viewer: ViewerModel) -> Region:
    """The pixels of an image that the canvas shows now.

    Raises
    ------
    UserError
        If the canvas shows other axes than Y and X, or nothing of the image.
    """
    last_two = {viewer.dims.ndim - 2, viewer.dims.ndim - 1}
    if viewer.dims.ndisplay != 2 or set(viewer.dims.displayed) != last_two:
        raise UserError(
            "what is visible now can be upscaled while the canvas shows Y and X in 2-D; "
            "go back to that view, or choose the whole image"
        )
    # Of a pyramid napari's corner_pixels are what is loaded, which is more, and stays when nothing is seen.
    camera = camera_of(viewer)
    half = view_size(viewer) / 2 / camera.zoom
    corners = []
    for corner in product((-1, 1), repeat=2):
        point = np.array(viewer.dims.point, dtype=float)
        point[-2:] = np.asarray(camera.center)[-2:] + half * corner
        corners.append(np.asarray(layer.world_to_data(point))[-2:])
    region = pixels_between(np.min(corners, axis=0), np.max(corners, axis=0), plane_shape(layer))
    if region is None:
        raise UserError(
            f"nothing of {layer.name!r} is visible now; move it into view or choose the whole image"
        )
    return region


def check_shown_plane(layer: Image, viewer: ViewerModel) -> None:
    """Make sure that the planes that are upscaled are those that the canvas shows.

    Raises
    ------
    UserError
        If it shows other axes of the layer than its last two.
    """
    ndim, shown = viewer.dims.ndim, tuple(viewer.dims.displayed)
    if viewer.dims.ndisplay != 2 or shown == (ndim - 2, ndim - 1) or layer.ndim < 3:
        return
    first, second = (viewer.dims.axis_labels[axis] for axis in shown)
    raise UserError(
        f"the canvas shows the axes {first!r} and {second!r}, and {layer.name!r} would be upscaled along its "
        "last two, which are others; show those (roll the dimensions back with Ctrl+E), or make a layer "
        "whose last two axes are the ones you see (numpy.moveaxis)"
    )


def shapes_region(layer: Image, shapes: Shapes) -> Region:
    """The pixels of an image in the bounding box of all shapes of a layer.

    The box is taken along the image's own axes, wherever and however turned the two
    layers lie.

    Raises
    ------
    UserError
        If there is no shape, or none on the image.
    """
    if not len(shapes.data):
        raise UserError(f"{shapes.name!r} has no shapes; draw one around what you want to upscale")
    corners = np.concatenate([np.asarray(shape) for shape in shapes.data])
    inside = np.array([layer.world_to_data(shapes.data_to_world(corner))[-2:] for corner in corners])
    first, last = inside.min(axis=0), inside.max(axis=0)
    if (flat := np.flatnonzero(last - first < _THINNEST)).size:
        raise UserError(
            f"the shapes of {shapes.name!r} have no extent along {' and '.join('YX'[at] for at in flat)} of "
            f"{layer.name!r}: they were drawn in a view of other axes, or are lines; draw a box while the "
            "canvas shows Y and X"
        )
    region = pixels_between(first, last, plane_shape(layer))
    if region is None:
        raise UserError(f"the shapes of {shapes.name!r} do not lie on {layer.name!r}; draw one on the image")
    return region


def whole_region(layer: Image) -> Region:
    """All pixels of an image layer's planes."""
    height, width = plane_shape(layer)
    return (0, height), (0, width)


def plane_shape(layer: Image) -> tuple[int, int]:
    """Height and width of an image layer, in pixels of its finest level."""
    height, width = finest_data(layer).shape[layer.ndim - 2 : layer.ndim]
    return height, width
