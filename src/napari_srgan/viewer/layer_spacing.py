"""Where a layer's pixels lie in the world, in the terms of files."""

from __future__ import annotations

from napari.layers import Image

from napari_srgan.storage.spacing import Spacing, full_unit


def layer_spacings(layer: Image, axes: str) -> tuple[Spacing, ...]:
    """Scale, unit and place of each axis; what files have no place for (rotation, shear, affine) is left out.

    Parameters
    ----------
    layer
        To be written.
    axes
        One letter for each axis of its data; colour samples, which no layer counts, lie nowhere.
    """
    placed = [
        Spacing(float(scale), full_unit(unit), float(origin))
        for scale, unit, origin in zip(layer.scale, layer.units, layer.translate, strict=True)
    ]
    return tuple(placed + [Spacing()] * (len(axes) - len(placed)))
