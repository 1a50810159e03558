"""Pairs as a training holds them: its own copy, shifts corrected, with what must not be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.progress import Job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import PairReport


@dataclass(frozen=True)
class AlignedPlane:
    """One plane of a pair; a copy, so that edited or deleted layers change nothing."""

    source: str
    """Name of the pair."""
    index: tuple[int, ...]
    """Along the leading axes."""
    channel: int
    """0 where there is no channel axis."""
    low: NDArray[Any] | None
    """``(Y, X, K)``, K = 1 or 3, of the image's dtype; None where it is to be simulated."""
    high: NDArray[Any]
    """``(Y * factor, X * factor, K)``."""
    usable: NDArray[np.bool_]
    """``(Y, X)``: False where blocks do not correlate, values are not finite or are saturated."""


def read_pair_job(
    pair: MatchedPair, report: PairReport, *, correct_shift: bool, budget: int
) -> Job[list[AlignedPlane]]:
    """Read a checked pair."""
    raise NotImplementedError
    yield
