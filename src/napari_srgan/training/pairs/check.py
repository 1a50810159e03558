"""Whether two images show the same field, measured plane by plane and block by block."""

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
from napari_srgan.training.pairs.diagnosis import Fit, fit
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_pair import PlanePair, joined, looked_at, read_strip, strips
from napari_srgan.training.pairs.relation import is_sharper, robust_line
from napari_srgan.training.pairs.report import BlockShift, PairReport, median_shift
from napari_srgan.training.pairs.sentences import left_out, plane_name
from napari_srgan.training.pairs.values import TOO_LARGE, Extremes

__all__ = ["MOST_PLANES", "BlockShift", "PairReport", "check_pair_job"]

MOST_PLANES = 12
"""Planes of a stack that are looked at, evenly spread; with several channels this many of each."""
AGREE = 0.5
"""Share of blocks that must agree where the planes as a whole are not sure."""
SAMPLES = 50_000
"""Pixels of a plane that the intensity relation is found from."""


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
    samples: tuple[np.ndarray, np.ndarray] | None = None
    """Values of the downsampled high image and of the low one, where blocks are good."""

    @property
    def shift(self) -> tuple[float, float]:
        return median_shift([block.shift for block in self.blocks if block.good])


def check_pair_job(pair: MatchedPair) -> Job[PairReport]:
    """Register a pair and judge it.

    A pair is judged by its planes: those that do not fit are named and left out, and if none fits the
    report's `problem` says why. It is no error: what to do about it is the user's.

    Parameters
    ----------
    pair
        Of :func:`~napari_srgan.training.pairs.matching.match`.
    """
    indices = _chosen(pair)
    rows = list(strips(pair))
    checks: list[PlaneCheck] = []
    total = len(indices) * (len(rows) + 2)
    for number, index in enumerate(indices):
        parts = []
        for done, strip in enumerate(rows):
            yield Progress(number * (len(rows) + 2) + done, total, f"reading {pair.name}")
            parts.append(read_strip(pair, index, strip))
        at = number * (len(rows) + 2) + len(rows)
        yield Progress(at, total, f"comparing {pair.name}")
        plane = joined(parts)
        problem = _values_problem(pair, plane)
        if problem and not _have_contrast(plane):
            checks.append(PlaneCheck(index, plane.low_values, plane.high_values, problem=problem))
            continue
        fitting = fit(plane.low, plane.high)
        yield Progress(at + 1, total, f"comparing blocks of {pair.name}")
        structure = structure_of(plane, fitting.peak.shift)
        blocks = []
        for block in measure_blocks(plane, structure, fitting.peak.shift, fitting.binned):
            blocks.append(block)
            yield Progress(at + 1, total, f"comparing blocks of {pair.name}")
        judged = judge_blocks(blocks, plane, structure, fitting.peak.shift)
        checks.append(_judged(pair, plane, fitting, structure, judged, problem))
    return _report(pair, checks)


def _chosen(pair: MatchedPair) -> list[tuple[int, ...]]:
    """Evenly spread planes of each channel."""
    by_channel: dict[int, list[tuple[int, ...]]] = {}
    for index in pair.planes():
        by_channel.setdefault(pair.channel_of(index), []).append(index)
    chosen: list[tuple[int, ...]] = []
    for planes in by_channel.values():
        places = np.unique(np.linspace(0, len(planes) - 1, min(len(planes), MOST_PLANES)).round().astype(int))
        chosen.extend(planes[place] for place in places)
    return sorted(chosen)


def _values_problem(pair: MatchedPair, plane: PlanePair) -> str:
    for image, values in ((pair.low, plane.low_values), (pair.high, plane.high_values)):
        if values.problem:
            return f"{image.name!r} {values.problem}"
    return ""


def _have_contrast(plane: PlanePair) -> bool:
    """Whether there is something to compare, whatever else is wrong: a dark ground may only be inverted."""
    largest = max(float(np.abs(image).max()) for image in (plane.low, plane.high))
    return bool(np.ptp(plane.low) > 0 and np.ptp(plane.high) > 0 and largest <= TOO_LARGE)


def _judged(
    pair: MatchedPair,
    plane: PlanePair,
    fitting: Fit,
    structure: Structure,
    blocks: tuple[BlockShift, ...],
    values_problem: str,
) -> PlaneCheck:
    """Whether a plane fits, and what is wrong if it does not."""
    problem = ""
    full = [block for block in blocks if not block.empty]
    good = sum(block.good for block in blocks)
    if fitting.instead:
        problem = f"{pair.high.name!r} {fitting.instead}"
    elif values_problem:
        problem = values_problem
    elif good == 0 or not (fitting.sure or good >= max(AGREE * len(full), 2)):
        problem = (
            f"{pair.low.name!r} and {pair.high.name!r} show different fields: "
            "nothing of one is found in the other, in any orientation"
        )
    elif pair.factor == 1 and is_sharper(*_on_each_other(plane, blocks)):
        problem = f"{pair.low.name!r} is sharper than {pair.high.name!r}: they are exchanged"
    if problem:
        blocks = ()
    return PlaneCheck(
        plane.index,
        plane.low_values,
        plane.high_values,
        blocks,
        problem,
        structure.blur,
        None if problem else _samples(plane, structure.blur, blocks),
    )


def _on_each_other(plane: PlanePair, blocks: Sequence[BlockShift]) -> tuple[np.ndarray, np.ndarray]:
    y, x = median_shift([block.shift for block in blocks if block.good])
    ours, theirs = overlap(plane.low.shape, (round(y), round(x)))
    return plane.low[ours], plane.high[theirs]


def _samples(plane: PlanePair, blur: float, blocks: Sequence[BlockShift]) -> tuple[np.ndarray, np.ndarray]:
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
    step = max(low.size // SAMPLES, 1)
    return high[::step], low[::step]


def _report(pair: MatchedPair, checks: list[PlaneCheck]) -> PairReport:
    fitting = [check for check in checks if not check.problem]
    blocks = tuple(block for check in checks for block in check.blocks)
    good = [block for block in blocks if block.good]
    samples = [check.samples for check in fitting if check.samples is not None]
    gain, offset = (
        robust_line(
            np.concatenate([high for high, _ in samples]), np.concatenate([low for _, low in samples])
        )
        if samples
        else (0.0, 0.0)
    )
    own = {check.index: check.shift for check in fitting}
    apart = [np.hypot(b.shift[0] - own[b.plane][0], b.shift[1] - own[b.plane][1]) for b in good]
    return PairReport(
        pair,
        median_shift([block.shift for block in good]),
        float(np.median(apart)) if apart else 0.0,
        blocks,
        gain,
        offset,
        float(np.median([block.correlation for block in good])) if good else 0.0,
        "" if fitting else _problem(checks),
        _notes(pair, checks),
        tuple(check.index for check in checks),
        float(np.median([check.blur for check in fitting])) if fitting else 0.0,
    )


def _problem(checks: list[PlaneCheck]) -> str:
    """The commonest of what is wrong with planes none of which fits."""
    problems = [check.problem for check in checks]
    return max(problems, key=problems.count) + "; put this right first, or choose other images"


def _notes(pair: MatchedPair, checks: list[PlaneCheck]) -> tuple[str, ...]:
    fitting = [check for check in checks if not check.problem]
    notes = []
    if fitting:
        notes += [
            f"{plane_name(pair, check.index)} is left out: {check.problem}"
            for check in checks
            if check.problem
        ]
    for name, values in (
        (pair.low.name, [check.low_values for check in fitting]),
        (pair.high.name, [check.high_values for check in fitting]),
    ):
        if values and (note := sum(values[1:], values[0]).note):
            notes.append(f"{name!r} {note}")
    notes += left_out(pair, [block for check in fitting for block in check.blocks])
    planes = len(pair.planes())
    if len(checks) < planes:
        notes.append(f"{len(checks)} of {planes} planes were looked at, evenly spread")
    (top, bottom), (left, right) = looked_at(pair)
    if (bottom - top, right - left) != pair.shape:
        notes.append(f"only its middle was looked at: rows {top} to {bottom}, columns {left} to {right}")
    largest = max((max(map(abs, check.shift)) for check in fitting), default=0.0)
    if largest > min(pair.shape) / 8:
        notes.append(f"they are shifted by {largest:.0f} low-resolution pixels: much of each has no partner")
    return tuple(notes)
