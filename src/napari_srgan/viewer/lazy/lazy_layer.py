"""From an image layer to one that is upscaled where it is looked at, and lies exactly on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari.layers import Image, Layer

from napari_srgan.errors import UserError
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.progress import Job
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY, Chosen, LayerRequest, result_state
from napari_srgan.viewer.lazy.coarser_levels import coarser_levels
from napari_srgan.viewer.lazy.level_window import Filling
from napari_srgan.viewer.lazy.refresh import LazyScreen

ON_DEMAND = "where it is looked at"
"""What the metadata says of a lazy result."""


@dataclass(frozen=True)
class LazyResult:
    """A lazy upscaling that no layer shows yet."""

    lazy: LazyUpscaling
    appearance: dict[str, Any]
    """Appearance of the layer that it is made from."""
    levels: list[Any]
    """The levels below the upscaled one: the original, and what is coarser."""
    made: dict[str, Any]
    """How: model, parameters, and what is to be said of the image, of which some is read for it."""

    def layer(self) -> Image:
        """Make the layer; only on the main thread."""
        looks = dict(self.appearance)
        limits_range, visible = looks.pop("contrast_limits_range"), looks.pop("visible")
        y = self.lazy.axes.index("Y")
        height, width = self.lazy.array.shape[y : y + 2]
        made = {**self.made, "computed": ON_DEMAND}
        state = result_state(looks, made, ((0, height), (0, width)), self.lazy.model)
        state["name"] += ", lazy"
        quantities = self.lazy.model.card.result
        if quantities is not None:
            limits_range = quantities.offset, quantities.offset + quantities.span
            state["contrast_limits"] = limits_range
        # Unseen until the screen has something to show while the rest is computed.
        layer = Image([self.lazy.dask(), *self.levels], multiscale=True, visible=False, **state)
        filling: dict[int, Filling] = {
            number: level for number, level in enumerate([self.lazy, *self.levels]) if hasattr(level, "peek")
        }
        LazyScreen(layer, filling, self.lazy.forget)
        layer.contrast_limits_range = limits_range
        layer.visible = visible
        return layer


def lazy_layer(
    layer: Layer,
    model: Chosen = None,
    options: UpscaleOptions = AS_USUAL,
    *,
    axes: str | None = None,
) -> Image:
    """Upscale an image layer lazily: nothing is computed before it is looked at.

    Parameters
    ----------
    layer
        The layer to upscale; the finest level of a multiscale layer is used.
    model
        A model, its name, its file, or two models to blend; None: the default for the kind of
        image.
    options, axes
        See :func:`~napari_srgan.viewer.layers.upscale_layer.upscale_layer_job`; there is no region.

    Returns
    -------
    napari.layers.Image
        A new multiscale layer that is in no viewer yet: named ``<layer> x4 (model), lazy``, placed so that
        every pixel centre stays where it was, and looking the same. Its finest level is the upscaled image,
        a dask array; the others are the original and what is coarser.

    Raises
    ------
    UserError
        If it is no image layer, its axes cannot be known, or something else given cannot be used.
    """
    job = lazy_layer_job(layer, model, options, axes=axes)
    while True:
        try:
            next(job)
        except StopIteration as done:
            result: LazyResult = done.value
            return result.layer()


def lazy_layer_job(
    layer: Layer,
    model: Chosen = None,
    options: UpscaleOptions = AS_USUAL,
    *,
    axes: str | None = None,
) -> Job[LazyResult]:
    """Prepare :func:`lazy_layer`: read the model, settle the brightness.

    The layer is read here and now, except for its pixels: the job may run on another thread.

    Raises
    ------
    UserError
        If the layer or something else given cannot be used, see :func:`lazy_layer`.
    """
    request = LayerRequest.of(layer, model, axes)
    image = request.layer
    if image.metadata.get(METADATA_KEY, {}).get("computed") == ON_DEMAND:
        raise UserError(
            f"{image.name!r} is computed lazily itself, and every look at it would compute it twice; make it "
            "in memory or on disk first, or take the original, and a model of a larger factor"
        )
    whole = request.image()
    levels = [whole.pixels, *(list(image.data)[1:] if image.multiscale else ())]

    def job() -> Job[LazyResult]:
        given = yield from request.prepare_job(lambda: whole)
        lazy = LazyUpscaling(given.image, given.model, options, notes=given.notes)
        return LazyResult(lazy, request.appearance, coarser_levels(lazy, levels), lazy.provenance)

    return job()
