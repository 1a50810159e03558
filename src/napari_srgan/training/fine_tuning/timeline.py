"""What a time-lapse looks like along its time before it is learned from: cuts, and a wrong order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_srgan.inference.movies.timeline import (
    NOT_IN_ORDER,
    FrameStats,
    frame_stats,
    scenes,
    seems_unordered,
)
from napari_srgan.inference.tiles.tiling import Span
from napari_srgan.training.fine_tuning.reading import has_contrast
from napari_srgan.training.fine_tuning.training_image import TrainingImage
from napari_srgan.training.pairs.aligned import AlignedPlane
from napari_srgan.training.pairs.budget import evenly_spread

_LOOKED_AT = 512
"""Pixels along the side of the middle of a frame that is looked at."""
_RUN, MOST_RUNS = 8, 6
"""Frames in a row that are compared with each other, and how many such rows, spread over the time-lapse."""


def looked_through(subject: TrainingImage) -> TrainingImage:
    """Find where another scene begins, and say it; and say if frames do not seem to be in the order of time.

    Parameters
    ----------
    subject
        A time-lapse. Of several channels and depths the one that shows most is looked at.
    """
    looks = _looks(subject)
    if not looks:
        return subject
    if seems_unordered(_runs(looks)):
        return replace(subject, notes=(*subject.notes, f"{subject.name!r}: {NOT_IN_ORDER}"))
    found = scenes(looks, Span(min(looks), max(looks) + 1))
    cuts = tuple(scene.start for scene in found[1:])
    if not cuts:
        return subject
    where = ", ".join(map(str, cuts))
    note = f"{subject.name!r} has {len(found)} scenes, learned from one by one: cuts before frame {where}"
    return replace(subject, cuts=cuts, notes=(*subject.notes, note))


def _looks(subject: TrainingImage) -> dict[int, FrameStats]:
    """At the frames that show something, by their place in time."""
    beside: dict[tuple[object, ...], dict[int, FrameStats]] = defaultdict(dict)
    for plane in subject.planes:
        if has_contrast(plane):
            beside[subject.movie_of(plane)][subject.frame_of(plane)] = frame_stats(_gray(plane))
    return max(beside.values(), key=_shown, default={})


def _shown(looks: Mapping[int, FrameStats]) -> float:
    return float(np.sum([look.certain for look in looks.values()]))


def _gray(plane: AlignedPlane) -> NDArray[np.float32]:
    """The middle of the low-resolution frame, or of the only one there is."""
    image = plane.high if plane.low is None else plane.low
    y, x = (slice(max(size - _LOOKED_AT, 0) // 2, (size + _LOOKED_AT) // 2) for size in image.shape[:2])
    gray: NDArray[np.float32] = image[y, x].mean(axis=-1, dtype=np.float32)
    return gray


def _runs(looks: Mapping[int, FrameStats]) -> list[list[FrameStats]]:
    """Rows of frames without a gap, from several places."""
    times = sorted(looks)
    ends = [0, *(at + 1 for at, (a, b) in enumerate(pairwise(times)) if b != a + 1), len(times)]
    rows: list[Sequence[int]] = [
        times[start : min(start + _RUN, stop)]
        for first, stop in pairwise(ends)
        for start in range(first, stop, _RUN)
    ]
    return [[looks[at] for at in row] for row in evenly_spread(rows, MOST_RUNS)]
