"""How a layer looks, in the terms of files."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_srgan.storage.colour_tables import table_of
from napari_srgan.storage.image_look import ChannelLook, ImageLook, limits_from
from napari_srgan.storage.tiff_look import shown_in


def layer_look(layer: Image, axes: str, shape: tuple[int, ...]) -> ImageLook:
    """Name, colours and contrast limits of a layer.

    Parameters
    ----------
    layer
        To be written. It shows all its channels in one way; if it has one, that is called like the layer.
    axes, shape
        One letter and the size of each axis of its data.
    """
    if axes.endswith("S"):
        return ImageLook(layer.name)
    shown = shown_in(np.rint(layer.colormap.map(np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8))
    count = shape[axes.index("C")] if "C" in axes else 1
    one = ChannelLook(
        layer.name if count == 1 else "", shown.colour, shown.table, limits_from(*layer.contrast_limits)
    )
    return ImageLook(layer.name, (one,) * count)


def colormap_of(look: ImageLook) -> Any:
    """The colours of a layer that shows all channels; None where they differ, or none are known."""
    shown = {(channel.colour, channel.table) for channel in look.channels}
    if len(shown) != 1:
        return None
    colour, table = shown.pop()
    if table is None and colour in (None, "FFFFFF"):
        return "gray"
    return Colormap(table_of(colour, table) / 255, name=f"#{colour}" if table is None else "stored table")
