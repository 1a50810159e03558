"""Which part of an image is learned from, and on which part the model is judged.

A block at an edge or in a corner is held back, at the same place of all planes, because planes next to
each other show nearly the same. Between it and what is learned from lies a guard band as wide as
the network sees, so that no held-back pixel was ever seen in training, not even as surroundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON, UNUSED

LEAST_HELD_BACK = 16
"""Low-resolution pixels along the shorter side of what is held back."""
LEAST_PART = 0.4
"""Part of an image that must be left to learn from, before the guard band is made narrower."""

SplitBlock = tuple[slice, slice]


@dataclass(frozen=True)
class Split:
    """Roles of the pixels of a plane."""

    roles: NDArray[np.int8]
    """``(Y, X)`` at low resolution."""
    guard: int
    """Width of the guard band, in low-resolution pixels."""
    block: SplitBlock = (slice(0, 0), slice(0, 0))
    """What is held back, also where it cannot be used; empty where whole frames are."""


def split_blocks(
    usable: NDArray[np.bool_], signal: NDArray[np.float32], *, part: float, guard: int, patch: int
) -> Split:
    """Hold back a block with about as much signal as the rest.

    Parameters
    ----------
    usable
        ``(Y, X)``: what may be used at all.
    signal
        ``(Y, X)``: how much there is to be seen; never negative.
    part
        Of the area, to be held back.
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
        roles_of(usable, block, narrowed(block, shape, guard, patch)) for block in _candidates(shape, part)
    ]
    fair = [split for split in splits if _leaves_enough(split, patch)]
    if not fair:
        least = patch + LEAST_HELD_BACK
        raise UserError(
            f"the part of {shape[0]} x {shape[1]} low-resolution pixels that can be used is too small to "
            f"learn from one part and be judged on another; it needs about {least} x {least} with signal, or "
            f"choose smaller patches than {patch}"
        )
    return min(fair, key=lambda split: _unfairness(split, signal, guard))


def frame_roles(count: int, part: float, *, guard: int = 1, least: int = 1) -> list[int]:
    """Hold back the last of several frames, with some in between that are not used.

    Parameters
    ----------
    count
        Frames there are.
    part
        Of them, to be held back.
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


def roles_of(usable: NDArray[np.bool_], block: SplitBlock, guard: int) -> Split:
    """Roles, if a block is held back with a guard band."""
    roles = np.full(usable.shape, TRAINED_ON, np.int8)
    y, x = block
    roles[max(y.start - guard, 0) : y.stop + guard, max(x.start - guard, 0) : x.stop + guard] = GUARD
    roles[block] = HELD_BACK
    roles[~usable & (roles != GUARD)] = UNUSED
    return Split(roles, guard, block)


def narrowed(block: SplitBlock, shape: tuple[int, ...], guard: int, patch: int) -> int:
    """The guard band, as wide as wished if enough is left to learn from beside it."""
    room = 0
    for span, size in zip(block, shape, strict=True):
        beside = max(span.start, size - span.stop)
        room = max(room, beside - max(patch, int(LEAST_PART * size)))
    return max(min(guard, room), 0)


def _candidates(shape: tuple[int, ...], part: float) -> Iterator[SplitBlock]:
    """Strips along the four edges, and blocks in the four corners."""
    whole = [slice(0, size) for size in shape]
    ends = [_ends(size, part) for size in shape]
    corners = [_ends(size, part**0.5) for size in shape]
    for axis in (0, 1):
        for end in ends[axis]:
            yield (end, whole[1]) if axis == 0 else (whole[0], end)
    for y in corners[0]:
        for x in corners[1]:
            yield y, x


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


def _unfairness(split: Split, signal: NDArray[np.float32], guard: int) -> float:
    """How far the held-back part's signal is from that of the whole, how much is lost to the guard
    band, and how much narrower it is than wished."""
    usable = split.roles != UNUSED
    everywhere = float(signal[usable].mean())
    here = float(signal[split.roles == HELD_BACK].mean())
    lost = np.count_nonzero(split.roles == GUARD) / split.roles.size
    ratio = abs(np.log((here + 1e-6) / (everywhere + 1e-6)))
    narrower = 1 - split.guard / guard if guard else 0.0
    return float(ratio) + float(lost) + narrower
