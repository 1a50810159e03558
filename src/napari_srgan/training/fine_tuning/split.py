"""Which part of an image is learned from, and on which part the model is judged.

A block at an edge or in a corner is held back, or one in each of two opposite corners, at the same place of
all planes, because planes next to each other show nearly the same. Between them and what is learned from lies
a guard band as wide as the network sees, so that no held-back pixel was ever seen in training, not even as
surroundings.

Of these the one is chosen that looks most like the whole: what is found of errors on a part that is darker,
emptier or blurrier than the rest says little of the rest. Blocks in the middle, or more of them, would be
more like it, but the guard band goes around each: of 320 x 640 pixels with a band of 48 a block in one corner
leaves 75 % to learn from, two in opposite corners 70 %, four 63 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON, UNUSED

LEAST_HELD_BACK = 16
"""Low-resolution pixels along the shorter side of what is held back."""
LEAST_PART = 0.4
"""Part of an image that must be left to learn from, before the guard band is made narrower."""

_SAMPLED = 2**16
"""Pixels whose distributions are compared at most, about: evenly spread ones."""

SplitBlock = tuple[slice, slice]


@dataclass(frozen=True)
class Split:
    """Roles of the pixels of a plane."""

    roles: NDArray[np.int8]
    """``(Y, X)`` at low resolution."""
    guard: int
    """Width of the guard band, in low-resolution pixels."""
    blocks: tuple[SplitBlock, ...] = ()
    """What is held back, also where it cannot be used; none where whole frames are."""


def split_blocks(
    usable: NDArray[np.bool_],
    signal: NDArray[np.float32],
    *looks: NDArray[np.floating],
    part: float,
    guard: int,
    patch: int,
) -> Split:
    """Hold back blocks that look like the rest, and have about as much signal.

    Parameters
    ----------
    usable
        ``(Y, X)``: what may be used at all.
    signal
        ``(Y, X)``: how much there is to be seen; never negative.
    looks
        ``(Y, X)`` each: what else should be distributed alike, e.g. brightness.
    part
        Share of the area that is held back, from 0 to 1.
    guard
        Width wished for the guard band: the network's receptive radius. It becomes narrower where
        the image is too small for it.
    patch
        Side of the patches that must fit into what is left.

    Raises
    ------
    UserError
        If the image is too small, or too little of it is usable.
    """
    shape = usable.shape
    splits = [
        roles_of(usable, blocks, min(narrowed(block, shape, guard, patch) for block in blocks))
        for blocks in _candidates(shape, part)
    ]
    fair = [split for split in splits if _leaves_enough(split, patch)]
    if not fair:
        least = patch + LEAST_HELD_BACK
        raise UserError(
            f"the part of {shape[0]} x {shape[1]} low-resolution pixels that can be used is too small to "
            f"learn from one part and be judged on another; it needs about {least} x {least} with signal, or "
            f"choose smaller patches than {patch}"
        )
    return min(fair, key=lambda split: _unfairness(split, signal, looks, guard))


def frame_roles(count: int, part: float, *, guard: int = 1, least: int = 1) -> list[int]:
    """Hold back the last of several frames, with some in between that are not used.

    Parameters
    ----------
    count
        Frames there are.
    part
        Share of them that is held back, from 0 to 1.
    guard
        Frames in between: as many as a network sees around its own.
    least
        Frames that must be left to learn from.

    Raises
    ------
    UserError
        If there are too few.
    """
    if count < least + guard + 1:
        raise UserError(
            f"whole frames can be held back from {least + guard + 1} frames on; there are {count}: hold back "
            "blocks instead"
        )
    held_back = min(max(round(part * count), 1), count - least - guard)
    return [TRAINED_ON] * (count - held_back - guard) + [GUARD] * guard + [HELD_BACK] * held_back


def roles_of(usable: NDArray[np.bool_], blocks: Sequence[SplitBlock], guard: int) -> Split:
    """Roles, if blocks are held back with a guard band."""
    roles = np.full(usable.shape, TRAINED_ON, np.int8)
    for y, x in blocks:
        roles[max(y.start - guard, 0) : y.stop + guard, max(x.start - guard, 0) : x.stop + guard] = GUARD
    for block in blocks:
        roles[block] = HELD_BACK
    roles[~usable & (roles != GUARD)] = UNUSED
    return Split(roles, guard, tuple(blocks))


def narrowed(block: SplitBlock, shape: tuple[int, ...], guard: int, patch: int) -> int:
    """The guard band, as wide as wished if enough is left to learn from beside it."""
    room = 0
    for span, size in zip(block, shape, strict=True):
        beside = max(span.start, size - span.stop)
        room = max(room, beside - max(patch, int(LEAST_PART * size)))
    return max(min(guard, room), 0)


def _candidates(shape: tuple[int, ...], part: float) -> Iterator[tuple[SplitBlock, ...]]:
    """Strips along the four edges, blocks in the four corners, and halves of such in two opposite ones."""
    whole = [slice(0, size) for size in shape]
    yield from (((end, whole[1]),) for end in _ends(shape[0], part))
    yield from (((whole[0], end),) for end in _ends(shape[1], part))
    top, bottom, left, right = _corners(shape, part)
    yield from (((y, x),) for y in (top, bottom) for x in (left, right))
    top, bottom, left, right = _corners(shape, part / 2)
    yield (top, left), (bottom, right)
    yield (top, right), (bottom, left)


def _corners(shape: tuple[int, ...], part: float) -> tuple[slice, slice, slice, slice]:
    """First and last rows, first and last columns of blocks in the corners."""
    return *_ends(shape[0], part**0.5), *_ends(shape[1], part**0.5)


def _ends(size: int, part: float) -> tuple[slice, slice]:
    length = min(max(round(part * size), LEAST_HELD_BACK), size)
    return slice(0, length), slice(size - length, size)


def _leaves_enough(split: Split, patch: int) -> bool:
    held_back = np.count_nonzero(split.roles == HELD_BACK)
    return bool(held_back >= LEAST_HELD_BACK**2 // 2 and fits(split.roles, patch).any())


def fits(roles: NDArray[np.int8], patch: int) -> NDArray[np.bool_]:
    """Places ``(Y - patch + 1, X - patch + 1)`` at which a patch lies wholly on what is learned from."""
    if min(roles.shape) < patch:
        return np.zeros((0, 0), bool)
    inside: NDArray[np.bool_] = window_sums(roles == TRAINED_ON, patch) == patch**2
    return inside


def window_sums(values: NDArray[np.generic], side: int) -> NDArray[np.float64]:
    """Sums of all windows of a side that lie inside."""
    sums = np.pad(np.asarray(values, np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside: NDArray[np.float64] = (
        sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    )
    return inside


def _unfairness(
    split: Split, signal: NDArray[np.float32], looks: Sequence[NDArray[np.floating]], guard: int
) -> float:
    """How far the held-back part is from the whole, in signal and in its distribution of all looks, how much
    is lost to the guard band, and how much narrower that is than wished."""
    usable = split.roles != UNUSED
    held = split.roles == HELD_BACK
    lost = np.count_nonzero(split.roles == GUARD) / split.roles.size
    ratio = abs(np.log((float(signal[held].mean()) + 1e-6) / (float(signal[usable].mean()) + 1e-6)))
    unlike = max(_unlike(look[held], look[usable]) for look in (signal, *looks))
    narrower = 1 - split.guard / guard if guard else 0.0
    return float(ratio) + unlike + float(lost) + narrower


def _unlike(some: NDArray[np.floating], all_: NDArray[np.floating]) -> float:
    """The largest difference of two distribution functions, after Kolmogorov and Smirnov: 0 to 1."""
    some, all_ = (values[:: max(values.size // _SAMPLED, 1)] for values in (some, all_))
    return float(ks_2samp(some, all_, method="asymp").statistic)
