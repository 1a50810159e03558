"""Where a layer's pixels lie in the world, in the terms of files."""

from __future__ import annotations

from typing import Any

from napari.layers import Image

from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import full_unit


def layer_spacings(layer: Image, axes: str) -> tuple[Spacing, ...]:
    """Scale, unit and place of each axis; what files have no place for (rotation, shear, affine) is left out.

    Parameters
    ----------
    layer
        The layer to be written.
    axes
        One letter for each axis of its data; colour samples, which no layer counts, lie nowhere. A depth that
        is treated as time has no micrometres there.
    """
    along = zip(axes, layer.scale, layer.units, layer.translate, strict=False)
    placed = [
        Spacing(float(scale), full_unit(unit) if letter != "T" or _is_time(unit) else None, float(origin))
        for letter, scale, unit, origin in along
    ]
    return tuple(placed + [Spacing()] * (len(axes) - len(placed)))


def _is_time(unit: Any) -> bool:
    return bool(unit.is_compatible_with("second"))
