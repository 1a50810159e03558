"""A layer as an image of which all is known that can be said of it in sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from napari.layers import Image

from napari_srgan.images.image import Image as Pixels
from napari_srgan.viewer.layers.layer_look import layer_look, over_files
from napari_srgan.viewer.layers.layer_spacing import layer_spacings
from napari_srgan.viewer.layers.sources import files_of
from napari_srgan.viewer.layers.upscale_layer import layer_image


def known_image(layer: Image, axes: str | None = None) -> Callable[[], Pixels]:
    """Read a layer here and now, except for its pixels and for what its file tells of its channels.

    Parameters
    ----------
    layer, axes
        As in :func:`~napari_srgan.viewer.layers.upscale_layer.layer_image`.

    Returns
    -------
    Callable
        Makes the image, with its name, the names of its channels and the sizes of its pixels. It may open
        files, and may be called on another thread.

    Raises
    ------
    UserError
        If it cannot be upscaled, or its axes cannot be known.
    """
    image = layer_image(layer, axes)
    shape = image.shape
    spacings, files = layer_spacings(layer, image.axes), files_of(layer)
    shown = layer_look(layer, image.axes, shape)

    def make() -> Pixels:
        look = over_files(shown, files, image.axes, shape) if len(shown.channels) > 1 else shown
        return replace(image, spacings=spacings, look=look)

    return make
