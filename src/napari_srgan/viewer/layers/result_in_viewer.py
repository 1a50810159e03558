"""How a result comes into a viewer: beside its image, not twice as bright."""

from __future__ import annotations

from napari import Viewer
from napari.layers import Image

from napari_srgan.viewer.layers.comparison import comparison_of

ADDITIVE = "additive"
"""The blending of layers whose brightness adds up."""


def add_result(result: Image, image: Image, viewer: Viewer) -> None:
    """Add a result to a viewer, and hide the image that it was made of where both would add up.

    Where results are shown beside their images, this one takes the place of the last one there; of the same
    image, one looks at the same place of it.

    Parameters
    ----------
    result
        In no viewer yet; it has the blending of `image`.
    image
        What it was made of; it may have left the viewer meanwhile.
    viewer
        To add it to.
    """
    comparison, layers = comparison_of(viewer), viewer.layers
    place = comparison.place_of(image)
    comparison.end()  # or it would come into the grid
    if comparison.wanted and image in layers:
        layers.insert(layers.index(image) + 1, result)
        layers.selection.active = result
    else:
        viewer.add_layer(result)
    result.visible = True  # also of an image that was hidden by its first result
    if result.blending == ADDITIVE and image in layers:
        image.visible = False
    comparison.offer(image, result)
    if comparison.wanted:
        comparison.show_last()
        if place is not None:
            comparison.look_there(place)


def hidden_in_words(result: Image, image: Image) -> str:
    """Say that an image is hidden, if its result is shown in its place; empty otherwise."""
    if result.blending != ADDITIVE or image.visible:
        return ""
    return f"{image.name!r} is hidden, as the brightness of both would add up."
