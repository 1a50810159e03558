"""Small images of cells, at both resolutions, and a way to run a fine-tuning to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.models import Model
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage

SMALL: dict[str, Any] = {
    "steps": 40, "minutes": None, "validate_every": 20, "batch": 4, "patch": 16, "device": "cpu",
    "width": 8, "blocks": 1, "learning_rate": 2e-3,
}  # fmt: skip
"""A network and a training of the smallest size that learns something."""


def cells(seed: int = 0, shape: tuple[int, int] = (160, 192)) -> NDArray[np.uint16]:
    """Blobs with sharp rims and texture on a dark ground, 16 bit."""
    draw = np.random.default_rng(seed)
    field = gaussian_filter(draw.standard_normal(shape), 4)
    blobs = (field > np.quantile(field, 0.6)) * (1 + 0.3 * gaussian_filter(draw.standard_normal(shape), 1.0))
    image = gaussian_filter(4000 * blobs, 0.5) + 500
    return image.clip(0, 65535).astype(np.uint16)


def pair_of(high: NDArray[Any], factor: int = 2, **places: Any) -> MatchedPair:
    """A high-resolution plane with its partner."""
    planes = high if high.ndim == 3 and high.shape[-1] == 3 else high[..., None]
    low, high = degrade(planes, factor)
    axes = "YXS" if low.shape[-1] == 3 else "YX"
    low, high = (image if axes == "YXS" else image[..., 0] for image in (low, high))
    return match(SourceImage("low", low, axes, **places), SourceImage("high", high, axes, **places))


def run(
    pairs: Sequence[MatchedPair | SourceImage], base: Model | str | None = None, **chosen: Any
) -> tuple[Model, list[TrainingProgress]]:
    """Fine-tune to the end: the model, and all that was told."""
    options = {name: chosen.pop(name) for name in ("checkpoint", "team") if name in chosen}
    job = fine_tune_job(pairs, base=base, settings=FineTuning(**(SMALL | chosen)), **options)
    told = []
    while True:
        try:
            told.append(next(job))
        except StopIteration as end:
            return end.value, told


@pytest.fixture
def high() -> NDArray[np.uint16]:
    return cells()


Runner = Callable[..., tuple[Model, list[TrainingProgress]]]
