"""Eager and lazy results of the same arrays, to be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_srgan.images.upscaled import Upscaled
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model

RANDOM = np.random.default_rng(0)
EXACT = {"device": "cpu", "precision": "float32"}


def image(*shape: int, dtype: Any = np.float32) -> Any:
    return (RANDOM.random(shape) * 200).astype(dtype)


def eager(array: Any, model: Model, **options: Any) -> Upscaled:
    job = upscale_job(array, model, **(EXACT | options))
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Upscaled = end.value
            return result


def lazy(array: Any, model: Model, **options: Any) -> LazyUpscaling:
    return LazyUpscaling(array, model, **(EXACT | options))
