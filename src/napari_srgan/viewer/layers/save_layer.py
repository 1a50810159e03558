"""From a result layer in memory to a file with its pixel size, its names and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from weakref import ReferenceType, ref

import numpy as np
from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.images.formats import check_writable
from napari_srgan.images.look import ImageLook, limits_from
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.progress import Job
from napari_srgan.results.collision import refuse_collision
from napari_srgan.results.saved_result import save_result_job
from napari_srgan.viewer.layers.layer_look import layer_look, over_files
from napari_srgan.viewer.layers.layer_spacing import layer_spacings
from napari_srgan.viewer.layers.provenance import made_of
from napari_srgan.viewer.layers.sources import files_of
from napari_srgan.viewer.layers.upscale_layer import finest_data

_OF_THE_LAYER = ("layer", "region")
"""What only the layer says of how it was made; a file has it elsewhere."""


@dataclass(frozen=True)
class ResultInMemory:
    """A result layer whose pixels are nowhere but in memory, and what is known of what it was made of."""

    _layer: ReferenceType[Image]
    axes: str
    """One letter for each axis of the result."""
    image_name: str
    image_shape: tuple[int, ...]
    image_files: tuple[Path, ...]
    """Files that the image is read from."""
    look: ImageLook
    """Name and colours as they were when the result was made."""

    @classmethod
    def of(cls, layer: Image, image: Image) -> ResultInMemory | None:
        """What can be saved of a result; None if it is computed lazily, or in a file already.

        Parameters
        ----------
        layer
            The result.
        image
            The layer that it was made of.
        """
        axes = made_of(layer).get("axes")
        if layer.multiscale or not isinstance(layer.data, np.ndarray) or not axes:
            return None
        look = layer_look(image, axes, tuple(layer.data.shape))
        shape = tuple(finest_data(image).shape)
        return cls(ref(layer), axes, image.name, shape, tuple(files_of(image)), look)

    @property
    def layer(self) -> Image | None:
        """The result, as long as it is there."""
        return self._layer()


def save_layer_job(saved: ResultInMemory, path: Path, *, overwrite: bool = False) -> Job[str]:
    """Write a result layer into a file; the layer is read here and now, except for its pixels.

    Parameters
    ----------
    saved
        The layer; its place, its colours and its contrast limits are written as they are now.
    path, overwrite
        See :func:`~napari_srgan.results.saved_result.save_result_job`, which also tells what is yielded and
        returned.

    Raises
    ------
    UserError
        If the layer is gone, the ending says no format that is written, or the file would take the place of
        the image that the result was made of.
    """
    refuse_collision(path, saved.image_files)
    check_writable(path)
    layer = saved.layer
    if layer is None:
        raise UserError("the result is no layer any more; upscale the image again")
    data, made = np.asarray(layer.data), dict(made_of(layer))
    told = {name: value for name, value in made.items() if name not in _OF_THE_LAYER}
    result = Upscaled(data, saved.axes, made["region"], told)
    spacings, shown = layer_spacings(layer, saved.axes), _shown(layer, saved.look)

    def job() -> Job[str]:
        look = over_files(shown, saved.image_files, saved.axes, saved.image_shape)
        if "quantities" in made:
            look = look.of_other_quantities()
        return (yield from save_result_job(result, spacings, look, path, overwrite=overwrite))

    return job()


def _shown(layer: Image, look: ImageLook) -> ImageLook:
    """The look of a result: named like its image, as results in files are, with its own contrast limits."""
    limits = limits_from(*layer.contrast_limits)
    return replace(look, channels=tuple(replace(one, limits=limits) for one in look.channels))
