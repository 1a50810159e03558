"""How large a result will be, said before it is made."""

from __future__ import annotations

import math

from napari.layers import Image

from napari_srgan.images.factor import factor_in_words
from napari_srgan.images.upscaled import Region
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.models.rows import size_in_words


def expected_size(image: Image, factor: int, region: Region, *, one_plane: bool = False) -> str:
    """Say how large a result will be, e.g. ``"x2 on 512 x 512: 1024 x 1024, 2 MB"``.

    Parameters
    ----------
    image
        The layer that is upscaled; its result has the same type of numbers.
    factor
        How many times finer the result is.
    region
        The part of each plane that is upscaled.
    one_plane
        Whether only one plane of a stack is.
    """
    data = finest_data(image)
    leading = [] if one_plane else list(data.shape[: image.ndim - 2])
    samples = list(data.shape[image.ndim :])  # colours
    before = [stop - start for start, stop in region]
    after = [side * factor for side in before]
    size = math.prod([*leading, *after, *samples]) * data.dtype.itemsize
    return (
        f"{factor_in_words(factor)} on {_in_words([*leading, *before])}: {_in_words([*leading, *after])}, "
        f"{size_in_words(size)}"
    )


def _in_words(shape: list[int]) -> str:
    return " x ".join(map(str, shape))
