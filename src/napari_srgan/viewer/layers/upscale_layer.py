"""From an image layer to an upscaled image layer that lies exactly on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from napari.layers import Image, Layer
from napari.utils.transforms import Affine

from napari_srgan.acquisition.choice import notes_on_input
from napari_srgan.errors import UserError
from napari_srgan.images.axes import guess_axes, letters_of, refuse_channels_last
from napari_srgan.images.factor import result_suffix
from napari_srgan.images.image import Image as Pixels
from napari_srgan.images.upscaled import Region, Upscaled
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.progress import Job, Progress
from napari_srgan.viewer.layers.placement import place_result
from napari_srgan.viewer.upscale.blending import Blending

Chosen = Model | Blending | str | os.PathLike[str] | None
"""A model, two that are blended, its name or its file; None: the default for the kind of image."""

METADATA_KEY = "napari-srgan"
"""Where a result layer's metadata says how it was made."""

_SAMPLED = 2**20
"""Values of a result that are looked at for its contrast limits, about."""
_LIMITS = (0.1, 99.9)
"""Percentiles of a result that become its contrast limits."""

# Their places are counted in pixels of the data, or they belong to a pyramid.
_NOT_CARRIED = ("multiscale", "locked_data_level", "plane", "depiction", "experimental_clipping_planes")


def upscale_layer_job(
    layer: Layer,
    model: Chosen = None,
    options: UpscaleOptions = AS_USUAL,
    *,
    axes: str | None = None,
) -> Job[Image]:
    """Upscale an image layer.

    The layer is read here and now, except for its pixels: the job may run on another
    thread while the layer is moved or renamed.

    Parameters
    ----------
    layer
        The layer to upscale; the finest level of a multiscale layer is used, and only read in parts.
    model
        A model, its name, its file, or two models to blend; None: the default for the kind of
        image.
    options
        The options of the upscaling.
    axes
        One letter for each axis; None: from the layer's axis labels, else from its shape.

    Returns
    -------
    Job
        Yields :class:`~napari_srgan.progress.Progress`, returns a new
        :class:`napari.layers.Image` that is in no viewer yet: named
        ``<layer> x4 (model)``, or ``<layer> restored (model)`` where the size stays, placed so that
        every pixel centre stays where it was, and looking the same. Clipping planes and plane
        depiction, which are counted in pixels, start afresh.

    Raises
    ------
    UserError
        If it is no image layer, or its axes cannot be known.
    """
    request = LayerRequest.of(layer, model, axes)
    image = request.image()

    def job() -> Job[Image]:
        given = yield from request.prepare_job(lambda: image)
        result = yield from upscale_job(given.image, given.model, options, notes=given.notes)
        return _result_layer(request.appearance, result, given.model)

    return job()


@dataclass(frozen=True)
class PreparedLayer:
    """What is upscaled of a layer, and with what."""

    image: Pixels
    model: Model
    notes: tuple[str, ...]
    """What is to be said of the image."""


@dataclass(frozen=True)
class LayerRequest:
    """An image layer that is to be upscaled, as it was when that was asked for."""

    layer: Image
    axes: str
    """One letter for each axis of its data."""
    appearance: dict[str, Any]
    """See :func:`appearance_of`."""
    model: Model | Blending | str | os.PathLike[str]

    @classmethod
    def of(cls, layer: Layer, model: Chosen, axes: str | None) -> LayerRequest:
        """Read everything but the pixels; for parameters and errors see :func:`upscale_layer_job`."""
        image = check_image(layer)
        return cls(
            image,
            layer_axes(image) if axes is None else axes,
            appearance_of(image),
            default_model_name(rgb=image.rgb) if model is None else model,
        )

    def image(self) -> Pixels:
        """The finest level as an image to be upscaled; raises UserError if it cannot be."""
        return Pixels(finest_data(self.layer), self.axes)

    def prepare_job(self, image: Callable[[], Pixels]) -> Job[PreparedLayer]:
        """Load the model, and look at the image with it.

        Parameters
        ----------
        image
            Makes the image; it may read pixels.
        """
        yield Progress(0, 1, "Loading the model")
        model = load_chosen(self.model)
        yield Progress(0, 1, "Looking at the image")
        made = image()
        return PreparedLayer(made, model, notes_on_input(made.pixels, made.axes, model.card))


def layer_image(layer: Image, axes: str | None = None) -> Pixels:
    """A layer as an image to be upscaled: its finest level.

    Parameters
    ----------
    layer
        The layer, whose data is ``(..., Y, X)`` or ``(..., Y, X, S)`` of any real dtype.
    axes
        One letter for each axis; by default from the layer's axis labels, else from its shape.

    Raises
    ------
    UserError
        If it cannot be upscaled, or its axes cannot be known.
    """
    return Pixels(finest_data(layer), layer_axes(layer) if axes is None else axes)


def load_chosen(model: Model | Blending | str | os.PathLike[str]) -> Model:
    """A model that was chosen in one of the ways there are.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    if isinstance(model, Blending):
        return model.load()
    return model if isinstance(model, Model) else load_model(model)


def check_image(layer: Any) -> Image:
    """An image layer as it is.

    Raises
    ------
    UserError
        If it is anything else.
    """
    if not isinstance(layer, Image):
        kind = type(layer).__name__
        hint = "; its labels are no brightness: use Image layers" if kind == "Labels" else ""
        raise UserError(f"only image layers can be upscaled, {str(layer)!r} is a {kind} layer{hint}")
    return cast(Image, layer)


def finest_data(layer: Image) -> Any:
    """The layer's pixels as they are; of a pyramid those of its finest level."""
    return layer.data[0] if layer.multiscale else layer.data


def layer_axes(layer: Image) -> str:
    """Letters for the axes of a layer's data, from its axis labels where they say so.

    Raises
    ------
    UserError
        If there are too few or too many axes.
    """
    data = finest_data(layer)
    if not layer.rgb and letters_of(layer.axis_labels)[-1:] != "X":
        refuse_channels_last(data.shape, of_layer=True)
    axes = guess_axes(data.shape, layer.axis_labels, layer.rgb)
    named = getattr(data, "dims", None)
    if "Q" in axes and named is not None:  # xarray knows what napari was not told
        return guess_axes(data.shape, named, layer.rgb)
    return axes


def appearance_of(layer: Image) -> dict[str, Any]:
    """Everything about a layer but its pixels, as arguments of a new one, and `contrast_limits_range`."""
    state = dict(cast(Mapping[str, Any], layer.as_layer_data_tuple()[1]))
    for name in _NOT_CARRIED:
        state.pop(name, None)
    return state | {
        "metadata": dict(layer.metadata),
        "contrast_limits_range": tuple(layer.contrast_limits_range),
    }


def result_state(
    appearance: dict[str, Any], provenance: dict[str, Any], region: Region, model: Model
) -> dict[str, Any]:
    """Arguments of a result's layer: its name, its place, its looks and how it was made.

    Parameters
    ----------
    appearance
        Appearance of the layer that was upscaled, without `contrast_limits_range`.
    provenance
        A record of how the result was made.
    region
        The pixels of the layer that were upscaled.
    model
        The model that made the result.
    """
    state = dict(appearance)
    if model.card.result is not None:  # other quantities
        state.pop("contrast_limits")
    linear = Affine(scale=state["scale"], rotate=state["rotate"], shear=state["shear"]).linear_matrix
    (y, _), (x, _) = region
    placement = place_result(linear, state["scale"], state["translate"], model.scale_factor, (y, x))
    metadata = state["metadata"]
    made = {**provenance, "layer": state["name"], "region": region}
    if METADATA_KEY in metadata:
        made["before"] = metadata[METADATA_KEY]
    return state | {
        "name": f"{state['name']} {result_suffix(model.scale_factor)} ({model.name})",
        "scale": placement.scale,
        "translate": placement.translate,
        "metadata": {**metadata, METADATA_KEY: made},
    }


def _result_layer(appearance: dict[str, Any], result: Upscaled, model: Model) -> Image:
    looks = dict(appearance)
    limits_range = looks.pop("contrast_limits_range")
    layer = Image(np.asarray(result.data), **result_state(looks, result.provenance, result.region, model))
    if model.card.result is None:
        layer.contrast_limits_range = limits_range
    elif (limits := _limits(layer)) is not None:
        layer.contrast_limits = limits
    return layer


def _limits(layer: Image) -> tuple[float, float] | None:
    """Contrast limits that show a result; napari takes the whole range of 8 bits. None if it is constant."""
    data = np.asarray(layer.data)
    step = max(1, round((data.size / _SAMPLED) ** 0.5))
    values = data[..., ::step, ::step, :] if layer.rgb else data[..., ::step, ::step]
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, high = np.percentile(finite, _LIMITS)
    return (float(low), float(high)) if low < high else None
