"""The three ways to a result: in memory, lazily, into a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.images.writing.in_memory import TooLarge
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.progress import Job
from napari_srgan.viewer.layers.stored_layer import StoredResult, stored_layer_job
from napari_srgan.viewer.layers.upscale_layer import upscale_layer_job
from napari_srgan.viewer.lazy.lazy_layer import LazyResult, lazy_layer_job
from napari_srgan.viewer.upscale import choices

OTHER_WAYS = "have it computed only where you look, or write it to a file"
"""What to do with a result that does not fit into memory."""


@dataclass(frozen=True)
class DoesNotFit:
    """A result that is larger than memory."""

    reason: str


Result: TypeAlias = Image | LazyResult | StoredResult | DoesNotFit
"""What a job gives: a layer, what will be one, or why it cannot be."""


def result_job(
    way: str,
    image: Image,
    model: Any,
    options: UpscaleOptions,
    *,
    axes: str | None = None,
    path: Path | None = None,
    replace: bool = False,
) -> Job[Result]:
    """Upscale a layer in one of the ways.

    Parameters
    ----------
    way
        The way, one of :data:`~napari_srgan.viewer.upscale.choices.RESULTS`.
    image, model, options, axes
        See :func:`~napari_srgan.viewer.layers.upscale_layer.upscale_layer_job`; a lazy result has no region.
    path, replace
        The file on disk, and whether it takes the place of what is there.

    Raises
    ------
    UserError
        If the layer cannot be upscaled in that way.
    """
    if way == choices.LAZY:
        return lazy_layer_job(image, model, options, axes=axes)
    if way == choices.DISK:
        assert path is not None
        return stored_layer_job(image, model, path, options, axes=axes, overwrite=replace)
    return _if_it_fits(upscale_layer_job(image, model, options, axes=axes))


def _if_it_fits(job: Job[Image]) -> Job[Result]:
    try:
        return (yield from job)
    except TooLarge as error:
        return DoesNotFit(error.reason)


def layer_of(result: Result) -> Image:
    """The layer of a result; only on the main thread.

    Raises
    ------
    UserError
        If there can be none.
    """
    if isinstance(result, DoesNotFit):
        raise UserError(f"{result.reason}; {OTHER_WAYS}")
    if isinstance(result, LazyResult):
        return result.layer()
    if not isinstance(result, StoredResult):
        return result
    if not result.can_be_shown:
        raise UserError(
            f"{result.stored.path} is written. It is a plain array without coarser levels and too large for "
            "napari, which would read a plane whole: look at it with a program of your own, in parts"
        )
    return result.layer()
