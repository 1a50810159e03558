"""Whether one plane of a pair fits, and what is wrong with it if it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved

from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.blocks import (
    SMOOTH,
    Structure,
    judge_blocks,
    measure_blocks,
    overlap,
    structure_of,
)
from napari_srgan.training.pairs.diagnosis import fit_job
from napari_srgan.training.pairs.exchanged import exchanged
from napari_srgan.training.pairs.magnification import OtherFactor, other_factor_job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_pair import PlanePair
from napari_srgan.training.pairs.registration import Plane
from napari_srgan.training.pairs.relation import robust_line
from napari_srgan.training.pairs.report import BlockShift, median_shift
from napari_srgan.training.pairs.values import TOO_LARGE, Extremes

AGREE = 0.5
"""Share of blocks that must agree where the planes as a whole are not sure."""
LONE = 0.6
"""Correlation that is enough where there is one block only: of 132 wrong pairs of 32 pixels, 4 have it."""
_SAMPLES = 50_000
"""Pixels of a plane that the intensity relation is found from."""
_SMALL = 128
"""Low-resolution pixels below which a plane may hold too little to tell whether it fits."""


@dataclass(frozen=True)
class PlaneCheck:
    """What was found in one plane."""

    index: tuple[int, ...]
    low_values: Extremes
    high_values: Extremes
    blocks: tuple[BlockShift, ...] = ()
    problem: str = ""
    """What is wrong with it; empty if it can be trained on."""
    blur: float = 0.0
    samples: tuple[Plane, Plane] | None = None
    """Values of the downsampled high image and of the low one, where blocks are good."""
    other: OtherFactor | None = None
    """At which they fit, where they do not at that of their shapes."""

    @property
    def shift(self) -> tuple[float, float]:
        return median_shift([block.shift for block in self.blocks if block.good])


def check_plane_job(pair: MatchedPair, plane: PlanePair, progress: Progress) -> Job[PlaneCheck]:
    """Compare the two images of a plane, whole and block by block.

    Parameters
    ----------
    pair, plane
        The pair, and the plane of it that is looked at.
    progress
        The progress that is yielded between blocks, where the check can be cancelled.
    """
    problem = _values_problem(pair, plane)
    if problem and not _have_contrast(plane):
        return PlaneCheck(plane.index, plane.low_values, plane.high_values, problem=problem)
    yield progress
    fitting = yield from fit_job(plane.low, plane.high, progress)
    structure, blocks = yield from _blocks_job(plane, fitting.peak.shift, fitting.binned, progress)
    if not (fitting.instead or fitting.sure or _agree(blocks)):
        # Little or noisy images have their highest peak anywhere; they may fit as they are.
        structure, blocks = yield from _blocks_job(plane, (0, 0), 0, progress)
    yield progress
    if fitting.instead:
        problem = f"{pair.high.name!r} {fitting.instead}"
    elif not problem:
        problem = _misfit(pair, plane, fitting.sure, blocks)
    other = None
    if problem and not fitting.instead and not _fits(fitting.sure, blocks):
        other = yield from other_factor_job(pair, plane, progress)
        problem = problem if other is None else f"{pair.high.name!r} {other.words(pair)}"
    return PlaneCheck(
        plane.index,
        plane.low_values,
        plane.high_values,
        () if problem else blocks,
        problem,
        structure.blur,
        None if problem else _samples(plane, structure.blur, blocks),
        other,
    )


def _blocks_job(
    plane: PlanePair, whole: tuple[int, int], uncertain: int, progress: Progress
) -> Job[tuple[Structure, tuple[BlockShift, ...]]]:
    yield progress
    structure = structure_of(plane, whole)
    blocks = []
    for block in measure_blocks(plane, structure, whole, uncertain):
        blocks.append(block)
        yield progress
    return structure, judge_blocks(blocks, plane, structure, whole)


def _agree(blocks: Sequence[BlockShift]) -> bool:
    """Whether blocks alone are proof enough."""
    good = [block for block in blocks if block.good]
    if len(good) == 1:
        return len(blocks) == 1 and good[0].correlation >= LONE
    return len(good) >= max(AGREE * sum(not block.empty for block in blocks), 2)


def _fits(sure: bool, blocks: Sequence[BlockShift]) -> bool:
    """Whether planes fit as they are, beyond chance."""
    return any(block.good for block in blocks) and (sure or _agree(blocks))


def _misfit(pair: MatchedPair, plane: PlanePair, sure: bool, blocks: Sequence[BlockShift]) -> str:
    """What is wrong with a plane that fits in no other way; empty if it fits as it is."""
    low, high = repr(pair.low.name), repr(pair.high.name)
    if all(block.empty for block in blocks):
        return f"{low} and {high} hold nothing but noise: there is nothing to compare"
    if not _fits(sure, blocks):
        told = "different fields"
        if min(plane.low.shape) < _SMALL:
            told = "different fields, or too little to tell"
        return f"{low} and {high} show {told}: nothing of one is found in the other, in any orientation"
    if pair.factor == 1 and (how := exchanged(*_on_each_other(plane, blocks))):
        return f"{low} {how} than {high}: they are exchanged"
    return ""


def _values_problem(pair: MatchedPair, plane: PlanePair) -> str:
    for image, values in ((pair.low, plane.low_values), (pair.high, plane.high_values)):
        if values.problem:
            return f"{image.name!r} {values.problem}"
    return ""


def _have_contrast(plane: PlanePair) -> bool:
    """Whether there is something to compare, whatever else is wrong: a dark ground may only be inverted."""
    largest = max(float(np.abs(image).max()) for image in (plane.low, plane.high))
    return bool(np.ptp(plane.low) > 0 and np.ptp(plane.high) > 0 and largest <= TOO_LARGE)


def _on_each_other(plane: PlanePair, blocks: Sequence[BlockShift]) -> tuple[Plane, Plane]:
    y, x = median_shift([block.shift for block in blocks if block.good])
    ours, theirs = overlap(plane.low.shape, (round(y), round(x)))
    return plane.low[ours], plane.high[theirs]


def _samples(plane: PlanePair, blur: float, blocks: Sequence[BlockShift]) -> tuple[Plane, Plane]:
    """Evenly spread pixels of good and of empty blocks, as pairs of high and low."""
    inside = np.zeros(plane.low.shape, bool)
    for block in blocks:
        if block.good or block.empty:
            y, x = block.y - plane.origin[0], block.x - plane.origin[1]
            inside[y : y + block.side, x : x + block.side] = True
    shift = median_shift([block.shift for block in blocks if block.good])
    ours, _ = overlap(plane.low.shape, (round(shift[0]), round(shift[1])))
    chosen = inside[ours]
    # Both smoothed alike: the relation stays the same, and noise and small misfits do not flatten it.
    smooth_high = gaussian_filter(plane.high, float(np.hypot(SMOOTH, blur)))
    high = moved(smooth_high, shift, order=1, mode="nearest")[ours][chosen]
    low = gaussian_filter(plane.low, SMOOTH)[ours][chosen]
    step = max(low.size // _SAMPLES, 1)
    return high[::step], low[::step]


def relation_of(checks: Sequence[PlaneCheck]) -> tuple[float, float]:
    """Gain and offset over several planes: low = gain * high + offset; 0 and 0 without any."""
    samples = [check.samples for check in checks if check.samples is not None]
    if not samples:
        return 0.0, 0.0
    high, low = (np.concatenate(values) for values in zip(*samples, strict=True))
    return robust_line(high, low)
