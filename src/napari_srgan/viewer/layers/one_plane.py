"""The plane of a stack that the canvas shows, as a layer of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_srgan.errors import UserError
from napari_srgan.viewer.layers.upscale_layer import appearance_of, finest_data


def shown_plane(layer: Image, viewer: ViewerModel) -> Image:
    """Make a layer of the one plane of a stack that the viewer's sliders show.

    Parameters
    ----------
    layer
        The stack, whose data is ``(..., Y, X)`` or ``(..., Y, X, S)``.
    viewer
        That shows it.

    Returns
    -------
    Image
        In no viewer. It has all axes of `layer`, the leading ones with a size of 1, lies where that plane
        lies, and its name says which one it is. No pixel is read.

    Raises
    ------
    UserError
        If the sliders show no plane of the layer.
    """
    data = finest_data(layer)
    leading = layer.ndim - 2
    point = np.asarray(viewer.dims.point)[-layer.ndim :]
    index = np.round(np.asarray(layer.world_to_data(point))[:leading]).astype(int)
    if np.any(index < 0) or np.any(index >= data.shape[:leading]):
        raise UserError(
            f"the sliders show no plane of {layer.name!r} now; move them to one, or choose the whole image"
        )
    state = appearance_of(layer)
    limits_range = state.pop("contrast_limits_range")
    linear = Affine(scale=state["scale"], rotate=state["rotate"], shear=state["shear"]).linear_matrix
    state["translate"] = np.asarray(state["translate"]) + linear @ [*index, 0, 0]
    state["name"] = f"{layer.name} [{', '.join(map(str, index))}]"
    plane = Image(_part(data, tuple(slice(at, at + 1) for at in index.tolist())), **state)
    plane.contrast_limits_range = limits_range
    return plane


def _part(data: Any, part: tuple[slice, ...]) -> Any:
    """A part of an array: a view, or one that is read when its pixels are asked for."""
    if isinstance(data, np.ndarray) or hasattr(data, "dask") or hasattr(data, "dims"):
        return data[part]
    import dask.array as da  # arrays of files read what is indexed

    chunks = (1,) * len(part) + ("auto",) * 2 + data.shape[len(part) + 2 :]
    return da.from_array(data, chunks=chunks, name=False)[part]
