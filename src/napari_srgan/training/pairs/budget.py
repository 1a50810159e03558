"""How much of a pair is read, where not all of it fits into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_srgan.training.pairs.matching import LEAST_SIDE, MatchedPair
from napari_srgan.training.pairs.plane_pair import looked_at
from napari_srgan.training.pairs.source import Region


@dataclass(frozen=True)
class Reading:
    """What of a pair is read."""

    indices: tuple[tuple[int, ...], ...]
    """Planes, along the leading axes of the low image."""
    region: Region
    """Rows and columns, in low-resolution pixels of the matched region."""
    note: str
    """What is not read; empty if all is."""


def plan(pair: MatchedPair, budget: int, indices: Sequence[tuple[int, ...]] | None = None) -> Reading:
    """Choose evenly spread planes that fit into memory; of a plane that is too large alone, its middle.

    Parameters
    ----------
    pair
        To read.
    budget
        Bytes.
    indices
        Planes there are to choose from; all unless told.
    """
    there = tuple(pair.planes() if indices is None else indices)
    region = _middle(looked_at(pair), math.sqrt(min(budget / _plane_bytes(pair, looked_at(pair)), 1)))
    most = max(budget // _plane_bytes(pair, region), 1)
    places = np.unique(np.linspace(0, len(there) - 1, min(len(there), most)).round().astype(int))
    chosen = tuple(there[place] for place in places)
    (top, bottom), (left, right) = region
    note = ""
    if len(chosen) < len(there):
        note = f"{len(chosen)} of {len(there)} planes, evenly spread"
    if (bottom - top, right - left) != pair.shape:
        sizes = f"{bottom - top} x {right - left} of {pair.shape[0]} x {pair.shape[1]}"
        middle = f"the middle {sizes} low-resolution pixels"
        note = f"{note}, and of each {middle}" if note else middle
    return Reading(chosen, region, f"{pair.name}: {note}: more does not fit into memory" if note else "")


def _plane_bytes(pair: MatchedPair, region: Region) -> int:
    (top, bottom), (left, right) = region
    samples = 3 if pair.low.rgb else 1
    # Once as it is, and once as the network sees it.
    as_seen = 4
    each = pair.low.dtype.itemsize + as_seen + (pair.high.dtype.itemsize + as_seen) * pair.factor**2
    return (bottom - top) * (right - left) * (samples * each + 1)


def _middle(region: Region, share: float) -> Region:
    """That share of both sides, but no less than can be trained on."""
    spans = []
    for start, stop in region:
        side = min(max(int((stop - start) * share), LEAST_SIDE), stop - start)
        first = start + (stop - start - side) // 2
        spans.append((first, first + side))
    return spans[0], spans[1]
