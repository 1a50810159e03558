"""Whether two images show the same field, measured."""

from __future__ import annotations

from napari_srgan.progress import Job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import BlockShift, PairReport

__all__ = ["BlockShift", "PairReport", "check_pair_job"]


def check_pair_job(pair: MatchedPair) -> Job[PairReport]:
    """Register a pair and judge it."""
    raise NotImplementedError
    yield
