"""How a layer looks, in the terms of files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_srgan.errors import UserError
from napari_srgan.images.colours.lookup_tables import table_of
from napari_srgan.images.formats import open_image
from napari_srgan.images.look import ChannelLook, ImageLook, limits_from
from napari_srgan.images.tiff.look import shown_in


def layer_look(layer: Image, axes: str, shape: tuple[int, ...]) -> ImageLook:
    """Name, colours and contrast limits of a layer.

    Parameters
    ----------
    layer
        The layer to be written. It shows all its channels in one way; if it has one, that is called like the
        layer.
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


def over_files(shown: ImageLook, files: Sequence[Path], axes: str, shape: tuple[int, ...]) -> ImageLook:
    """Look of a layer, with what is known of its pixels where they lie: wavelengths, times, each channel.

    What the layer shows counts first. But it shows all channels in one way, and may be called like its file:
    then names, limits, and colours instead of gray are those that the file tells of each channel.

    Parameters
    ----------
    shown
        The look of a layer, from :func:`layer_look`.
    files
        Files that its pixels may come from; they are opened here.
    axes, shape
        One letter and the size of each axis of its data.
    """
    told, name = _told_by(files, axes, shape)
    own = shown.channels
    if name.startswith(shown.name):
        own = tuple(replace(one, name="") for one in own)
    if len(own) > 1:
        own = tuple(
            replace(one, limits=None, colour=None if one.colour == "FFFFFF" else one.colour) for one in own
        )
    return replace(shown, channels=own).over(told).over(shown)


def _told_by(files: Sequence[Path], axes: str, shape: tuple[int, ...]) -> tuple[ImageLook, str]:
    """What the first file tells that tells something of such an image, and its name."""
    for file in files:
        with suppress(UserError, OSError), open_image(file) as image:
            look = image.look.along(image.axes, axes)
            if tuple(image.data.shape) == shape and look != ImageLook():
                return look, file.name
    return ImageLook(), ""


def colormap_of(look: ImageLook) -> Any:
    """The colours of a layer that shows all channels; None where they differ, or none are known."""
    shown = {(channel.colour, channel.table) for channel in look.channels}
    if len(shown) != 1:
        return None
    colour, table = shown.pop()
    if table is None and colour in (None, "FFFFFF"):
        return "gray"
    return Colormap(table_of(colour, table) / 255, name=f"#{colour}" if table is None else "stored table")
