"""How much of a pair is read, where not all of it fits into memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from napari_srgan.images.upscaled import Region
from napari_srgan.training.pairs.common_part import LEAST_COMMON_SIDE
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_pair import checked_region
from napari_srgan.training.pairs.scale_factor import pixels_in_words

ThingT = TypeVar("ThingT")


@dataclass(frozen=True)
class InARow:
    """Planes that teach something only with those beside them: frames of a time-lapse."""

    axis: int
    """Number of the time axis among the leading axes."""
    least: int
    """How many of them have to follow each other at least."""


@dataclass(frozen=True)
class Reading:
    """The part of a pair that is read."""

    indices: tuple[tuple[int, ...], ...]
    """Planes, along the leading axes of the low image."""
    region: Region
    """Rows and columns, in low-resolution pixels of the matched region."""
    note: str
    """What is not read; empty if all is."""


def plan(
    pair: MatchedPair,
    budget: int,
    indices: Sequence[tuple[int, ...]] | None = None,
    in_a_row: InARow | None = None,
) -> Reading:
    """Choose planes that fit into memory; of a plane that is too large alone, its middle.

    Parameters
    ----------
    pair
        The pair to read.
    budget
        Number of bytes that all planes together may take.
    indices
        The planes there are to choose from; all of them by default.
    in_a_row
        Planes that have to stay together.
    """
    there = tuple(pair.planes() if indices is None else indices)
    least = in_a_row.least if in_a_row else 1
    share = budget / least / _plane_bytes(pair, checked_region(pair))
    region = _middle(checked_region(pair), math.sqrt(min(share, 1)))
    most = max(budget // _plane_bytes(pair, region), 1)
    chosen = tuple(evenly_spread(there, most)) if in_a_row is None else rows_of(there, most, in_a_row)
    (top, bottom), (left, right) = region
    note = ""
    if len(chosen) < len(there):
        note = f"{len(chosen)} of {len(there)} planes, {'in a row' if in_a_row else 'evenly spread'}"
    if (bottom - top, right - left) != pair.shape:
        sizes = f"{bottom - top} x {right - left} of {pair.shape[0]} x {pair.shape[1]}"
        middle = f"the middle {sizes} {pixels_in_words(pair.factor)}"
        note = f"{note}, and of each {middle}" if note else middle
    return Reading(chosen, region, f"{pair.name}: {note}: more does not fit into memory" if note else "")


def rows_of(there: Sequence[tuple[int, ...]], most: int, in_a_row: InARow) -> tuple[tuple[int, ...], ...]:
    """About `most` planes: frames in a row from the middle of a time-lapse; if there are too many channels or
    depths for that, of evenly spread ones.

    Parameters
    ----------
    there
        Planes, along the leading axes.
    most
        How many there can be.
    in_a_row
        How many have to stay together.
    """

    def beside(index: tuple[int, ...]) -> tuple[int, ...]:
        return index[: in_a_row.axis] + index[in_a_row.axis + 1 :]

    others = sorted({beside(index) for index in there})
    times = sorted({index[in_a_row.axis] for index in there})
    length = min(max(most // max(len(others), 1), in_a_row.least), len(times))
    kept = set(evenly_spread(others, max(most // max(length, 1), 1)))
    start = (len(times) - length) // 2
    row = set(times[start : start + length])
    return tuple(index for index in there if beside(index) in kept and index[in_a_row.axis] in row)


def evenly_spread(things: Sequence[ThingT], most: int) -> list[ThingT]:
    """All of them, or `most`, from the first to the last."""
    return [things[int(at)] for at in np.linspace(0, len(things) - 1, min(len(things), most)).round()]


def _plane_bytes(pair: MatchedPair, region: Region) -> int:
    (top, bottom), (left, right) = region
    samples = 3 if pair.low.rgb else 1
    # Once as it is, and once as the network sees it.
    as_seen = 4
    each = pair.low.dtype.itemsize + as_seen + (pair.high.dtype.itemsize + as_seen) * pair.factor**2
    return (bottom - top) * (right - left) * (samples * each + 1)


def _middle(region: Region, share: float) -> Region:
    """The middle of a region, a share of both sides long, but no less than can be trained on."""
    spans = []
    for start, stop in region:
        side = min(max(int((stop - start) * share), LEAST_COMMON_SIDE), stop - start)
        first = start + (stop - start - side) // 2
        spans.append((first, first + side))
    return spans[0], spans[1]
