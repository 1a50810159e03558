"""From layers to the images of a training: pixels, axes, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_srgan.errors import UserError
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.viewer.layers.provenance import predicted_by
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes
from napari_srgan.viewer.upscale.time_axis import movie_axes

_TOLERANCE = 1e-6
"""Relative size of what a rotation or a shear may leave behind by rounding."""


@dataclass(frozen=True)
class PairOfLayers:
    """Two layers that show the same field, or one alone of which low resolution is simulated."""

    low: Image | None
    high: Image

    @property
    def name(self) -> str:
        """For a row and for sentences."""
        if self.low is None:
            return f"{self.high.name} alone"
        return f"{self.low.name} and {self.high.name}"

    @property
    def factor(self) -> int | None:
        """How many times finer the high-resolution layer is; None if it has no partner, or that is none."""
        try:
            images = self.images()
        except UserError:
            return None
        return images.factor if isinstance(images, MatchedPair) else None

    def images(self, temporal: str = "") -> SourceImage | MatchedPair:
        """What a training takes.

        Parameters
        ----------
        temporal
            Name of the model that is trained, if it is one for time-lapses.

        Raises
        ------
        UserError
            If a layer cannot be used, or the two do not belong together.
        """
        if self.low is None:
            return source_image(self.high, temporal).checked()
        return match(*pair_images(self.low, self.high, temporal))


def source_image(layer: Layer, temporal: str = "") -> SourceImage:
    """An image layer with its place in the world; nothing of it is read.

    Parameters
    ----------
    layer
        To learn from.
    temporal
        Name of the model that is to learn from it, if it is one for time-lapses.

    Returns
    -------
    SourceImage
        The finest level; scale and origin of Y and X in world units, whatever layer and affine
        transform they are made of.

    Raises
    ------
    UserError
        If it is no image layer, its axes cannot be known, or it is turned, sheared or mirrored; or if
        the model needs to know which axis is time, and nothing says it.
    """
    image = _image(layer)
    scale, origin = _place(image)
    axes = movie_axes(image, temporal) if temporal else layer_axes(image)
    return SourceImage(image.name, finest_data(image), axes, scale, origin, predicted_by(image))


def noisy_image(layer: Layer) -> SourceImage:
    """An image layer whose noise is meant; where and how it lies on the canvas does not matter.

    Raises
    ------
    UserError
        If it is no image layer, or its axes cannot be known.
    """
    image = _image(layer)
    return SourceImage(image.name, finest_data(image), layer_axes(image)).checked()


def _image(layer: Layer) -> Image:
    if not isinstance(layer, Image):
        kind = type(layer).__name__
        hint = "; labels are no brightness" if kind == "Labels" else ""
        raise UserError(f"a training learns from image layers, {str(layer)!r} is a {kind} layer{hint}")
    return layer


def pair_images(low: Layer, high: Layer, temporal: str = "") -> tuple[SourceImage, SourceImage]:
    """Two layers of one field, in the same world units; without scale where theirs cannot be compared.

    Raises
    ------
    UserError
        As :func:`source_image`.
    """
    if low is high:
        raise UserError(
            f"{low.name!r} cannot be its own partner; choose another layer as high resolution, or learn from "
            "it alone: its partner is simulated"
        )
    coarse, fine = source_image(low, temporal), source_image(high, temporal)
    assert coarse.scale is not None
    assert fine.scale is not None
    units = _units_between(high, low)
    if units is None or _cannot_be_compared(coarse, fine):
        return replace(coarse, scale=None, origin=(0.0, 0.0)), replace(fine, scale=None, origin=(0.0, 0.0))
    y, x = (s * u for s, u in zip(fine.scale, units, strict=True))
    at_y, at_x = (o * u for o, u in zip(fine.origin, units, strict=True))
    return coarse, replace(fine, scale=(y, x), origin=(at_y, at_x))


def find_pair(viewer: ViewerModel, low: str | None, high: str) -> PairOfLayers:
    """Layers by their names.

    Raises
    ------
    UserError
        If one is not there, or is no image.
    """
    coarse = None if low is None else find_image(viewer, low)
    pair = PairOfLayers(coarse, find_image(viewer, high))
    for layer in (pair.low, pair.high):
        if layer is not None:
            source_image(layer)
    return pair


def find_image(viewer: ViewerModel, name: str) -> Image:
    """An image layer by its name.

    Raises
    ------
    UserError
        If it is not there, or is no image.
    """
    if name not in viewer.layers:
        raise UserError(f"there is no layer {name!r} now; open it again under this name")
    return _image(viewer.layers[name])


def _place(layer: Image) -> tuple[tuple[float, float], tuple[float, float]]:
    """Scale and origin of a layer's last two axes."""
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)), dtype=float)
    steps = np.array([layer.data_to_world(unit) for unit in np.eye(layer.ndim)], dtype=float) - origin
    plane = steps[-2:]
    scale = plane[:, -2:].diagonal()
    rest = np.abs(plane).sum() - np.abs(scale).sum()
    if rest > _TOLERANCE * np.abs(plane).sum() or (scale <= 0).any():
        raise UserError(
            f"{layer.name!r} is turned, sheared or mirrored in the viewer, where its pixels cannot be paired "
            "with others; turn the image itself, or reset the layer's transform"
        )
    return (float(scale[0]), float(scale[1])), (float(origin[-2]), float(origin[-1]))


def _units_between(layer: Image, other: Image) -> tuple[float, float] | None:
    """What one unit of Y and X of a layer is in those of the other; None if they are of two kinds."""
    try:
        factors = [
            (1 * mine).to(theirs).magnitude
            for mine, theirs in zip(_plane_units(layer), _plane_units(other), strict=True)
        ]
    except Exception:  # pint's many ways to say that pixels are no micrometres
        return None
    return float(factors[0]), float(factors[1])


def _plane_units(layer: Image) -> Sequence[Any]:
    units: Sequence[Any] = layer.units[-2:]
    return units


def _cannot_be_compared(low: SourceImage, high: SourceImage) -> bool:
    """Whether nobody has said how large the pixels are, or of one image only.

    napari assumes 1: it is believed where it fits the other image's size.
    """
    if (1.0, 1.0) not in (low.scale, high.scale):
        return False
    assert low.scale is not None
    assert high.scale is not None
    ratio = low.scale[0] / high.scale[0]
    return ratio < 1.5 or abs(ratio - round(ratio)) > 0.01 * ratio
