"""How large a result will be, said before it is made."""

from __future__ import annotations

import math

from napari.layers import Image

from napari_srgan.images.factor import factor_in_words
from napari_srgan.images.units import UNITS, full_unit
from napari_srgan.images.upscaled import Region
from napari_srgan.significant import significant
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.models.rows import size_in_words


def expected_size(image: Image, factor: int, region: Region, *, one_plane: bool = False) -> str:
    """Say how large a result will be, e.g. ``"x2 on 400 x 400: 800 x 800, 0.065 µm, 1.3 MB"``.

    Parameters
    ----------
    image
        The layer that is upscaled; its result has the same type of numbers. The size of its pixels is told
        where it is known.
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
    told = [_in_words([*leading, *after]), _pixel_size(image, factor), size_in_words(size)]
    return f"{factor_in_words(factor)} on {_in_words([*leading, *before])}: {', '.join(filter(None, told))}"


def _pixel_size(image: Image, factor: int) -> str:
    """Height and width of a pixel of the result, one number if they are the same; "" if unknown."""
    units = {full_unit(unit) for unit in image.units[-2:]}
    unit = units.pop()
    if units or unit is None:
        return ""
    sizes = [significant(float(size) / factor) for size in image.scale[-2:]]
    return f"{' x '.join(dict.fromkeys(sizes))}\N{NO-BREAK SPACE}{UNITS[unit].symbol}"


def _in_words(shape: list[int]) -> str:
    return " x ".join(map(str, shape))
