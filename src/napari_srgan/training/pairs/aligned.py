"""Pairs as a training holds them: its own copy, shifts corrected, with what must not be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.budget import InARow, plan
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_pair import read_part
from napari_srgan.training.pairs.report import PairReport, nearest_plane, shift_of
from napari_srgan.training.pairs.values import usable_pixels


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
    origin: tuple[int, int] = (0, 0)
    """Row and column of its first pixel in the user's low-resolution image."""


def read_pair_job(
    pair: MatchedPair,
    report: PairReport,
    *,
    correct_shift: bool,
    budget: int,
    despite_problem: bool = False,
    in_a_row: InARow | None = None,
) -> Job[list[AlignedPlane]]:
    """Read a checked pair into memory.

    A shift is corrected by whole high-resolution pixels, which resamples nothing: by other rows and
    columns of the high image where there are any, and else the plane is smaller by those of the low
    image that have no partner. Planes that were found not to fit are left out.

    Parameters
    ----------
    pair, report
        The pair, and its report from :func:`~napari_srgan.training.pairs.check.check_pair_job`.
    correct_shift
        Whether to move the high image by the shift that was measured, plane by plane.
    budget
        Number of bytes that all planes together may take; see
        :func:`~napari_srgan.training.pairs.budget.plan`.
    despite_problem
        Whether to read a pair whose report has a problem, too: all of it as it lies, as nothing was measured.
    in_a_row
        Planes that have to stay together where not all fit into memory.

    Raises
    ------
    UserError
        If the report has a problem (unless `despite_problem`), or nothing usable is left; with the name of
        the pair.
    """
    if report.problem and not despite_problem:
        raise UserError(f"{pair.name} cannot be trained on: {report.problem}")
    # Frames of a time-lapse are looked at one by one when they are read: an empty one says nothing of others.
    judged = set(report.planes) - (set(report.empty) if in_a_row else set())
    reading = plan(pair, budget, [index for index in pair.planes() if _fits(report, index, judged)], in_a_row)
    planes = []
    for done, index in enumerate(reading.indices):
        yield Progress(done, len(reading.indices), f"reading {pair.name}")
        plane = _read(pair, report, index, reading.region, correct_shift)
        if plane is not None and plane.usable.any():
            planes.append(plane)
    if not planes:
        raise UserError(
            f"{pair.name} cannot be trained on: no pixel of it is finite, not saturated and part of a "
            "block that correlates; choose other images"
        )
    return planes


def _fits(report: PairReport, index: tuple[int, ...], judged: Iterable[tuple[int, ...]]) -> bool:
    """Whether the plane, or the nearest one that was judged, is one of those that fit."""
    nearest = nearest_plane(report, index, judged)
    return bool(report.problem) or nearest is None or any(block.plane == nearest for block in report.blocks)


def _read(
    pair: MatchedPair, report: PairReport, index: tuple[int, ...], region: Region, correct_shift: bool
) -> AlignedPlane | None:
    shift = shift_of(report, index) if correct_shift else (0.0, 0.0)
    moved = tuple(round(by * pair.factor) for by in shift)
    spans = [_with_partner(pair, axis, region[axis], moved[axis]) for axis in (0, 1)]
    if min(stop - start for start, stop in spans) <= 0:
        return None
    part = spans[0], spans[1]
    first = pair.high_region[0][0] - moved[0], pair.high_region[1][0] - moved[1]
    low = np.array(read_part(pair.low, index, (pair.low_region[0][0], pair.low_region[1][0]), part, 1))
    high = np.array(read_part(pair.high, pair.high_index(index), first, part, pair.factor))
    y, x = low.shape[:2]
    partner = usable_pixels(high).reshape(y, pair.factor, x, pair.factor).all(axis=(1, 3))
    usable = usable_pixels(low) & partner & _correlating(report, index, part)
    origin = pair.low_region[0][0] + spans[0][0], pair.low_region[1][0] + spans[1][0]
    return AlignedPlane(pair.name, index, pair.channel_of(index), low, high, usable, origin)


def _with_partner(pair: MatchedPair, axis: int, span: tuple[int, int], moved: int) -> tuple[int, int]:
    """Low-resolution pixels of the matched region whose partners lie inside the high image."""
    first, size = pair.high_region[axis][0] - moved, pair.high.plane_shape[axis]
    start = max(span[0], -(first // pair.factor))
    return start, min(span[1], (size - first) // pair.factor)


def _correlating(report: PairReport, index: tuple[int, ...], part: Region) -> NDArray[np.bool_]:
    """Where blocks of the plane, or of the nearest one that was looked at, are good or empty."""
    (top, bottom), (left, right) = part
    usable = np.full((bottom - top, right - left), bool(report.problem))
    nearest = nearest_plane(report, index, {block.plane for block in report.blocks})
    for block in report.blocks:
        if block.plane == nearest and (block.good or block.empty):
            rows = slice(max(block.y - top, 0), max(block.y + block.side - top, 0))
            columns = slice(max(block.x - left, 0), max(block.x + block.side - left, 0))
            usable[rows, columns] = True
    return usable
