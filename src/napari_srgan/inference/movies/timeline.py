"""What a movie looks like along its time: scenes, empty frames, exposure, and whether its order can be right.

All of it is decided from a sample of each frame, smoothed, so that noise is not taken for a change; pure
functions on arrays, the same wherever they are called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter

from napari_srgan.inference.tiles.tiling import Span

_EXTREME = 1e15
"""Quantities beyond which squares are no float32: all that is larger looks alike."""
_SMOOTHED, BROAD = 2.0, 16.0
"""Sigmas in pixels: noise is smaller than the first, uneven illumination larger than the second."""
OUTSTANDING = 3.0
"""Standard deviations, of most of a sample, beyond which bright is bright: one flash is no cut."""
FALLEN = 0.5
"""Likeness of frames on both sides of a cut, as a fraction of that of frames on one side, at most."""
_CERTAIN = 4.0
"""Standard errors that a difference must have to be one."""
EXPLAINED = 0.5
"""Part of the difference of two frames that may be left for it to be one of brightness."""
ONE_OBJECT = 0.8
"""Correlation from which on two frames tell how much contrast one has more than the other."""
MOST_GAIN = 8.0
"""How many times as bright as another a frame may be."""
CHANGED = 0.7
"""Part of how alike frames of a still scene would be: above, nothing has changed and no order is wrong."""
ORDERED = 0.15
"""Part of the change between far frames by which those next to each other are more alike, at the least."""

NOT_IN_ORDER = (
    "frames next to each other are no more alike than frames far apart: they do not seem to be in the order "
    "of time, or are too far apart for one to help the other; sort them, or take a model for single images"
)
"""What is said where :func:`seems_unordered` is true."""

_FINE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
"""Immerkaer, J. (1996). Fast noise variance estimation. Computer Vision and Image Understanding 64(2):
what neither edges nor slopes leave behind, but noise does."""


@dataclass(frozen=True)
class FrameStats:
    """What is known of a frame from its sample."""

    smooth: NDArray[np.float32]
    """The frame, smoothed, every few pixels ``(y, x)``, in the user's quantities."""
    pattern: NDArray[np.float32]
    """The smoothed frame ``(y, x)`` without uneven illumination and brightness, of length 1; all 0 if there
    is nothing to be seen."""
    independent: float
    """How many of its values do not follow from others."""
    certain: float
    """How alike another picture of the same thing would be, with other noise: from 0 to 1."""
    fine: NDArray[np.float32] | None = None
    """The pattern with all of its pixels, if it was asked for: whoever looks for drift needs them."""


@dataclass(frozen=True)
class FrameBrightness:
    """How bright a frame is beside another: ``own = gain * other + offset``."""

    gain: float = 1.0
    offset: float = 0.0


def frame_stats(sample: NDArray[Any], *, fine: bool = False) -> FrameStats:
    """Look at a sample of a frame.

    Parameters
    ----------
    sample
        ``(Y, X)`` of any real dtype; what is not finite counts as the mean of the rest.
    fine
        Whether to keep all pixels of the pattern, and not only every few.
    """
    finite = np.isfinite(sample)
    every = np.where(finite, sample, 0).astype(np.result_type(sample, np.float32))
    values = every.clip(-_EXTREME, _EXTREME).astype(np.float32)
    if not finite.all() and finite.any():
        values[~finite] = values[finite].mean()
    step = 4 if min(values.shape) > 128 else 2
    whole = gaussian_filter(values, _SMOOTHED)
    smooth = whole[::step, ::step].copy()
    pattern = smooth - gaussian_filter(smooth, BROAD / step)
    # White noise leaves so much of its variance.
    noise = _noise_variance(values) / (4 * math.pi * _SMOOTHED**2)
    variance = float(pattern.var())
    return FrameStats(
        smooth=smooth,
        pattern=_of_length_one(pattern),
        independent=max(values.size / (4 * math.pi * _SMOOTHED**2), 1.0),
        certain=max(1 - noise / variance, 0.0) if variance > 0 else 0.0,
        fine=_of_length_one(whole - gaussian_filter(whole, BROAD)) if fine else None,
    )


def _noise_variance(values: NDArray[np.float32]) -> float:
    if min(values.shape) < 3:
        return 0.0
    fine = convolve(values, _FINE)[1:-1, 1:-1]
    return float(np.mean(fine**2)) / float(np.sum(_FINE**2))


def _of_length_one(pattern: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = float(pattern.std())
    if not spread > 1e-6 * float(np.abs(pattern).max()):
        return np.zeros_like(pattern)
    most = 1.4826 * float(np.median(np.abs(pattern - np.median(pattern))))
    most = OUTSTANDING * max(most, spread / 10)
    clipped = pattern.clip(-most, most)
    clipped -= clipped.mean()
    clipped /= max(float(np.linalg.norm(clipped)), np.finfo(np.float32).tiny)
    return clipped.astype(np.float32, copy=False)


def alike(first: FrameStats, second: FrameStats) -> float:
    """Correlation of two frames, from -1 to 1; whatever their brightness."""
    return float(np.vdot(first.pattern, second.pattern))


def scenes(looks: Mapping[int, FrameStats], frames: Span) -> list[Span]:
    """Cut frames into scenes.

    Between two scenes frames are much less alike than on one of its sides. Noise makes all
    frames less alike, and so does fast motion: neither is a cut.

    Parameters
    ----------
    looks
        What was found in the frames that show something, by number.
    frames
        The frames to be cut; those that show nothing belong to the scene before.
    """
    seen = sorted(looks)
    likeness = [alike(looks[a], looks[b]) for a, b in pairwise(seen)]
    starts = [frames.start]
    for number, across in enumerate(likeness):
        beside = [likeness[at] for at in (number - 1, number + 1) if 0 <= at < len(likeness)]
        sure = _CERTAIN / math.sqrt(looks[seen[number]].independent)
        if beside and across < FALLEN * max(beside) and max(beside) - across > sure:
            starts.append(seen[number + 1])
    return [Span(a, b) for a, b in pairwise([*starts, frames.stop])]


def nearest(frame: int, usable: Sequence[int]) -> int:
    """The usable frame nearest to a frame, the earlier of two; the frame itself if there is none."""
    return min(usable, key=lambda other: (abs(other - frame), other), default=frame)


def brightness(own: FrameStats, other: FrameStats) -> FrameBrightness:
    """How a frame's brightness differs from another's: a lamp that flickers, a dye that bleaches.

    Only what explains most of their difference is believed; what moves does not.
    """
    mine, theirs = own.smooth, other.smooth
    spreads = float(mine.std()), float(theirs.std())
    gain = 1.0
    if min(spreads) > 0:
        correlation = float(np.mean((mine - mine.mean()) * (theirs - theirs.mean()))) / math.prod(spreads)
        if correlation > ONE_OBJECT:
            gain = spreads[0] / spreads[1]
    if not 1 / MOST_GAIN < gain < MOST_GAIN:
        return FrameBrightness()
    offset = float(np.median(mine - gain * theirs))
    left = float(np.mean(((mine - offset) / gain - theirs) ** 2))
    return (
        FrameBrightness(gain, offset)
        if left < EXPLAINED * float(np.mean((mine - theirs) ** 2))
        else FrameBrightness()
    )


def seems_unordered(runs: Sequence[Sequence[FrameStats]]) -> bool:
    """Whether frames next to each other are no more alike than frames far apart.

    Where nothing changes but noise the order is all the same, and it is not said.

    Parameters
    ----------
    runs
        Runs of frames that follow each other, from several places of the movie.
    """
    near = [alike(a, b) for run in runs for a, b in pairwise(run)]
    far = [alike(run[a], run[b]) for run in runs for a, b in combinations(range(len(run)), 2) if b - a > 2]
    far += [alike(a, b) for one, two in combinations(runs, 2) for a, b in zip(one, two, strict=False)]
    if len(near) < 3 or len(far) < 3:
        return False
    every = [look for run in runs for look in run]
    still = median(look.certain for look in every)
    change = still - median(far)
    sure = _CERTAIN / math.sqrt(every[0].independent)
    if median(near) > CHANGED * still or change < sure:
        return False
    return median(near) - median(far) < ORDERED * change
