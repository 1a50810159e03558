"""Whether two images show the same field, measured plane by plane and block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.budget import evenly_spread
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_check import PlaneCheck, check_plane_job, relation_of
from napari_srgan.training.pairs.plane_pair import checked_region, joined, read_strip, strips
from napari_srgan.training.pairs.report import BlockShift, PairReport, median_shift
from napari_srgan.training.pairs.scale_factor import pixels_in_words

__all__ = ["BlockShift", "PairReport", "check_pair_job"]

_MOST_PLANES = 12
"""Planes of a stack that are looked at, evenly spread; with several channels this many of each."""


def check_pair_job(pair: MatchedPair) -> Job[PairReport]:
    """Register a pair and judge it.

    A pair is judged by its planes: those that do not fit are named and left out, and if none fits the
    report's `problem` says why. It is no error: what to do about it is the user's.

    Parameters
    ----------
    pair
        The pair, from :func:`~napari_srgan.training.pairs.matching.match`.
    """
    indices = _chosen(pair)
    rows = list(strips(pair))
    checks: list[PlaneCheck] = []
    total = len(indices) * (len(rows) + 1)
    for number, index in enumerate(indices):
        first = number * (len(rows) + 1)
        parts = []
        for done, strip in enumerate(rows):
            yield Progress(first + done, total, f"reading {pair.name}")
            parts.append(read_strip(pair, index, strip))
        progress = Progress(first + len(rows), total, f"comparing {pair.name}")
        checks.append((yield from check_plane_job(pair, joined(parts), progress)))
    return _report(pair, checks)


def _chosen(pair: MatchedPair) -> list[tuple[int, ...]]:
    """Evenly spread planes of each channel."""
    by_channel: dict[int, list[tuple[int, ...]]] = {}
    for index in pair.planes():
        by_channel.setdefault(pair.channel_of(index), []).append(index)
    chosen: list[tuple[int, ...]] = []
    for planes in by_channel.values():
        chosen.extend(evenly_spread(planes, _MOST_PLANES))
    return sorted(chosen)


def _report(pair: MatchedPair, checks: list[PlaneCheck]) -> PairReport:
    fitting = [check for check in checks if not check.problem]
    blocks = tuple(block for check in checks for block in check.blocks)
    good = [block for block in blocks if block.good]
    gain, offset = relation_of(fitting)
    by_channel: dict[int, list[PlaneCheck]] = {}
    for check in fitting:
        by_channel.setdefault(pair.channel_of(check.index), []).append(check)
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
        {
            channel: relation_of(those) if len(by_channel) > 1 else (gain, offset)
            for channel, those in by_channel.items()
        },
        tuple(check.index for check in checks if check.low_values.problem or check.high_values.problem),
        None if fitting else next((check.other for check in checks if check.other is not None), None),
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
    (top, bottom), (left, right) = checked_region(pair)
    if (bottom - top, right - left) != pair.shape:
        notes.append(f"only its middle was looked at: rows {top} to {bottom}, columns {left} to {right}")
    largest = max((max(map(abs, check.shift)) for check in fitting), default=0.0)
    if largest > min(pair.shape) / 8:
        notes.append(
            f"they are shifted by {largest:.0f} {pixels_in_words(pair.factor)}: much of each has no partner"
        )
    return tuple(notes)


MOST_NAMED = 6
"""Blocks that are named one by one."""


def plane_name(pair: MatchedPair, index: tuple[int, ...]) -> str:
    """Name a plane: "plane T 3, Z 0"; "the plane" where there is one."""
    told = ", ".join(f"{letter} {at}" for (letter, _), at in zip(pair.low.leading, index, strict=True))
    return f"plane {told}".replace("Q ", "") if told else "the plane"


def left_out(pair: MatchedPair, blocks: Sequence[BlockShift]) -> list[str]:
    """Name blocks that do not correlate, and count empty ones."""
    sentences = []
    bad = [block for block in blocks if not (block.good or block.empty)]
    if bad:
        several = len({block.plane for block in blocks}) > 1
        named = "; ".join(_block_name(pair, block, several) for block in bad[:MOST_NAMED])
        more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        sentences.append(
            f"{len(bad)} of {len(blocks)} blocks do not correlate and are left out: {named}{more} "
            f"({pixels_in_words(pair.factor)})"
        )
    empty = sum(block.empty for block in blocks)
    if empty:
        sentences.append(f"{empty} of {len(blocks)} blocks hold nothing to compare; they are kept")
    return sentences


def _block_name(pair: MatchedPair, block: BlockShift, several: bool) -> str:
    (top, _), (left, _) = pair.low_region
    y, x = top + block.y, left + block.x
    where = f"rows {y} to {y + block.side}, columns {x} to {x + block.side}"
    return f"{plane_name(pair, block.plane)}, {where}" if several else where
