"""Whether the two layers of a pair lie on each other on the canvas, and how they are brought there."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers, pair_images
from napari_srgan.viewer.layers.upscale_layer import finest_data

_SAME_PLACE = 0.5
"""Pixels of the low-resolution layer that its corners may be away from those of the other."""


def lie_apart(pair: PairOfLayers) -> bool:
    """Whether two layers are paired by their pixels, and are seen at different places on the canvas.

    So it is with files without pixel sizes: pixels of both are as large then, and the finer image is the
    larger one. What is drawn on one of them would point at something else in the other.
    """
    if pair.low is None:
        return False
    try:
        coarse, _ = pair_images(pair.low, pair.high)
    except UserError:  # a layer that was turned meanwhile
        return True
    if coarse.scale is not None:  # paired by their places in the world
        return False
    corners = _corners(pair.low), _corners(pair.high)
    pixel = np.asarray(pair.low.scale[-2:])
    return bool((np.abs(corners[0] - corners[1]) > _SAME_PLACE * pixel).any())


def can_be_laid(pair: PairOfLayers) -> bool:
    """Whether the high-resolution layer can be laid on the other one: no pixel size of it would be lost."""
    return lie_apart(pair) and pair.factor is not None and _has_no_size(pair.high)


def lay_on_each_other(pair: PairOfLayers) -> None:
    """Scale and move the high-resolution layer of a pair onto the other one, first pixel on first pixel.

    Raises
    ------
    UserError
        If it has a pixel size, or the layers are no pair any more.
    """
    low, high, factor = pair.low, pair.high, pair.factor
    if low is None or factor is None or not _has_no_size(high):
        raise UserError(f"{high.name!r} cannot be laid on another layer: it has a pixel size, or no partner")
    scale = np.asarray(low.scale[-2:]) / factor
    origin = np.asarray(low.data_to_world(np.zeros(low.ndim)))[-2:]
    # The first low-resolution pixel is the middle of a block of `factor` high-resolution ones.
    high.scale = (*high.scale[:-2], *scale)
    high.translate = (*high.translate[:-2], *(origin - scale * (factor - 1) / 2))
    high.units = (*high.units[:-2], *low.units[-2:])


def _has_no_size(layer: Image) -> bool:
    """Whether nobody said how large the pixels are: napari takes them for 1 then."""
    units = {str(unit) for unit in layer.units[-2:]}
    return tuple(layer.scale[-2:]) == (1.0, 1.0) and units <= {"pixel", "dimensionless"}


def _corners(layer: Image) -> NDArray[np.float64]:
    """``(2, 2)``: where the first and the last pixel of a plane begin and end, in the world."""
    shape: Any = finest_data(layer).shape[: layer.ndim]
    first, last = np.zeros(layer.ndim), np.asarray(shape, dtype=float)
    ends = [layer.data_to_world(tuple(end - 0.5)) for end in (first, last)]
    return np.asarray(ends, dtype=np.float64)[:, -2:]
