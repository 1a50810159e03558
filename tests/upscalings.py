"""Upscalings of plain arrays and layers by keywords, for tests that are about one option or another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from napari_srgan.images.image import Image, Origin
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job
from napari_srgan.results.upscaled_store import StoreRun

RANDOM = np.random.default_rng(0)
EXACT = {"device": "cpu", "precision": "float32"}
OPTIONS = {one.name for one in fields(UpscaleOptions)}


def image(*shape: int, dtype: Any = np.float32) -> Any:
    return (RANDOM.random(shape) * 200).astype(dtype)


def options_in(given: dict[str, Any]) -> tuple[UpscaleOptions, dict[str, Any]]:
    """What of some keywords is an option of upscaling, and the others."""
    chosen = {name: value for name, value in given.items() if name in OPTIONS}
    return UpscaleOptions(**chosen), {name: given[name] for name in given.keys() - chosen.keys()}


def image_of(array: Any, axes: str | None = None, **known: Any) -> Image:
    """An array as an image of which something is known beside its pixels."""
    plain = Image.of_array(array, axes)
    return Image(plain.pixels, plain.axes, **known)


def array_job(array: Any, model: Model, axes: str | None = None, **given: Any) -> Job[Upscaled]:
    options, others = options_in(given)
    return upscale_job(Image.of_array(array, axes), model, options, **others)


def lazy_array(array: Any, model: Model, axes: str | None = None, **given: Any) -> LazyUpscaling:
    options, others = options_in(given)
    return LazyUpscaling(Image.of_array(array, axes), model, options, **others)


def zarr_job(
    array: Any,
    model: Model,
    path: Path,
    *,
    notes: Iterable[str] = (),
    overwrite: bool = False,
    **given: Any,
) -> Job[Path]:
    options, known = options_in(given)
    run = StoreRun(image_of(array, **known), model, path, options, tuple(notes), overwrite)
    return (yield from upscale_to_zarr_job(run))


def cluster_job(
    array: Any,
    model: Model,
    path: Path,
    client: Any,
    *,
    origin: Origin | None = None,
    overwrite: bool = False,
    **given: Any,
) -> Job[Path]:
    from napari_srgan.cluster.job import upscale_on_cluster_job

    options, known = options_in(given)
    given_image = image_of(array, origin=origin, **known)
    run = StoreRun(given_image, model, path, options, overwrite=overwrite)
    return (yield from upscale_on_cluster_job(run, client))


def eager(array: Any, model: Model, **options: Any) -> Upscaled:
    job = array_job(array, model, **(EXACT | options))
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Upscaled = end.value
            return result


def lazy(array: Any, model: Model, **options: Any) -> LazyUpscaling:
    return lazy_array(array, model, **(EXACT | options))
