"""What a fine-tuning tells while it runs, and what it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_srgan.models.card import Baseline, HistoryPoint
from napari_srgan.progress import Progress
from napari_srgan.training.pairs.check import PairReport

UNUSED, TRAINED_ON, HELD_BACK, GUARD = 0, 1, 2, 3
"""Values of a :class:`SplitPicture`."""


@dataclass(frozen=True)
class SplitPicture:
    """Which part of an image a model learns from, and on which it is judged."""

    source: str
    """Name of the pair or image."""
    roles: NDArray[np.int8]
    """``(Y, X)`` in low-resolution pixels of the part that both images show: :data:`UNUSED`,
    :data:`TRAINED_ON`, :data:`HELD_BACK`, :data:`GUARD` (neither, so that what is held back was never
    seen). The same on all planes."""
    origin: tuple[int, int] = (0, 0)
    """Place of its first pixel in the low-resolution image, Y and X."""


@dataclass(frozen=True)
class Preview:
    """One held-back crop, as it is and as the networks see it; all to be shown in the same place."""

    low: NDArray[Any]
    """``(Y, X)`` or ``(Y, X, 3)`` float32."""
    bicubic: NDArray[Any]
    """``(Y * factor, X * factor)``, or with 3 colours, as the two below."""
    now: NDArray[Any]
    """The model as it is now."""
    high: NDArray[Any]
    """The truth."""
    limits: tuple[float, float]
    """Contrast limits that suit all of them."""


@dataclass(frozen=True)
class TrainingProgress(Progress):
    """How far a fine-tuning is; `done`, `total` and `message` as in every job."""

    phase: Literal["reading", "checking", "starting", "training", "finishing"] = "starting"
    step: int = 0
    minutes: float = 0.0
    """Spent training so far, over all runs, pauses left out."""
    loss: float | None = None
    """Loss of the last step."""
    point: HistoryPoint | None = None
    """A validation that has just been made."""
    baseline: Baseline | None = None
    """Once, before the first step: what is to be beaten."""
    preview: Preview | None = None
    """With each point."""
    split: tuple[SplitPicture, ...] = ()
    """Once, before the first step."""
    notes: tuple[str, ...] = ()
    """Once, before the first step: what was done to the base and the images, in sentences."""
    reports: tuple[PairReport, ...] = ()
    """Once, when the pairs have been checked."""
