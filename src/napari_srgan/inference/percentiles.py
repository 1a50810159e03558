"""Percentiles of many values: small integers are counted, which takes a tenth of the time of sorting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTED_TOGETHER = 2**16
"""Values that are counted at a time: so many as 64-bit numbers, which NumPy counts, stay in a cache."""


def percentiles(values: NDArray[Any], wanted: Sequence[float], factor: float = 1.0) -> list[float]:
    """Percentiles of values as float64, to the last bit those of ``numpy.percentile``.

    Parameters
    ----------
    values
        ``(values,)``, finite, at least one, of any real dtype.
    wanted
        Percentiles, from 0 to 100.
    factor
        By what each value is multiplied before, above 0.
    """
    # Hyndman and Fan (1996), Sample quantiles in statistical packages, type 7.
    places = [(len(values) - 1) * (percentile / 100) for percentile in wanted]
    ranks = sorted({rank for place in places for rank in (math.floor(place), math.ceil(place))})
    found = dict(zip(ranks, (float(value) * factor for value in _ranked(values, ranks)), strict=True))
    return [_between(found[math.floor(place)], found[math.ceil(place)], place % 1) for place in places]


def _ranked(values: NDArray[Any], ranks: list[int]) -> NDArray[Any]:
    """Values that stand at some places when all are in order."""
    if values.dtype.kind not in "biu" or values.dtype.itemsize > 2:
        return np.asarray(np.partition(values, ranks)[ranks])
    lowest = 0 if values.dtype.kind == "b" else int(np.iinfo(values.dtype).min)
    counts = np.zeros(2 ** (8 * values.dtype.itemsize), np.int64)
    for start in range(0, len(values), COUNTED_TOGETHER):
        block = values[start : start + COUNTED_TOGETHER]
        counted = np.bincount(block if lowest == 0 else block.astype(np.int64) - lowest)
        counts[: len(counted)] += counted
    return np.searchsorted(counts.cumsum(), ranks, side="right") + lowest


def _between(low: float, high: float, share: float) -> float:
    """A value between two, from whichever is nearer, as NumPy rounds it."""
    if share >= 0.5:
        return high - (high - low) * (1 - share)
    return low + (high - low) * share
