"""How each block of a plane lies on the other image, and which blocks can be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, laplace, uniform_filter
from scipy.ndimage import shift as moved

from napari_srgan.training.pairs.plane_pair import PlanePair
from napari_srgan.training.pairs.registration import Plane, block_shift
from napari_srgan.training.pairs.relation import pearson
from napari_srgan.training.pairs.report import BlockShift

SIDES = (64, 128)
"""Smallest and largest side of a block, low-resolution pixels: about a sixth of the plane between."""
SMOOTH, _GROUND = 1.0, 12.0
"""Sigmas in low-resolution pixels between which structure is compared: above noise, below background."""
_BLURS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Sigmas in low-resolution pixels that are tried, to find how much blurrier the low image is."""
_MIDDLE = 512
LEAST_CORRELATION = 0.25
_AGREEING, FAR = 1.5, 4.0
"""Low-resolution pixels, or times their spread, by which blocks' shifts may differ from their median."""
NEAR_WHOLE = 4.0
"""Low-resolution pixels from the shift of the whole plane within which that median is taken first."""
COVERED = 0.75
"""Share of a block's side that the other image has to cover."""
_FAINT = 0.05
"""Structure, as a share of that of the plane's strongest blocks, below which a block is empty."""
NOISE_LEFT = 0.28 * 1.4
"""Share of white noise that is left at SMOOTH (1 / (2 sqrt(pi) sigma)), and some more for its own scatter."""


@dataclass(frozen=True)
class Structure:
    """Both images of a plane without noise and background, on one grid."""

    low: Plane
    high: Plane
    blur: float
    """How much blurrier the low image is, sigma in low-resolution pixels."""


def structure_of(plane: PlanePair, shift: tuple[int, int]) -> Structure:
    """Find what is compared: `high` as blurred as `low`.

    The blur is found in the middle of the plane, of up to :data:`_MIDDLE` pixels' side.
    """
    ours, theirs = (tuple(_middle(part) for part in parts) for parts in overlap(plane.low.shape, shift))
    low, high = _structure(plane.low[ours], SMOOTH), plane.high[theirs]

    def likeness(blur: float) -> float:
        # Of blurs that are equally good, the least.
        return pearson(low, _structure(high, float(np.hypot(SMOOTH, blur)))) - 0.002 * blur

    blur = max(_BLURS, key=likeness) if min(low.shape) > 0 else 0.0
    return Structure(
        _structure(plane.low, SMOOTH), _structure(plane.high, float(np.hypot(SMOOTH, blur))), blur
    )


def _middle(part: slice) -> slice:
    spare = max(part.stop - part.start - _MIDDLE, 0) // 2
    return slice(part.start + spare, part.stop - spare)


def overlap(shape: Sequence[int], shift: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Parts of the low and of the high plane that lie on each other, the high one moved by whole pixels."""
    ours = [slice(max(by, 0), max(size + min(by, 0), 0)) for by, size in zip(shift, shape, strict=True)]
    theirs = [slice(max(-by, 0), max(size - max(by, 0), 0)) for by, size in zip(shift, shape, strict=True)]
    return (ours[0], ours[1]), (theirs[0], theirs[1])


def _structure(image: Plane, sigma: float) -> Plane:
    # Two boxes are nearly the Gaussian of that sigma, and take no longer for a wide one.
    box = round(np.sqrt(6 * _GROUND**2 + 1))
    ground = uniform_filter(uniform_filter(image, box), box)
    band: Plane = gaussian_filter(image, sigma) - ground
    return band


def measure_blocks(
    plane: PlanePair, structure: Structure, whole: tuple[int, int], uncertain: int = 1
) -> Iterator[BlockShift]:
    """Measure every block of a plane; none is judged yet.

    Parameters
    ----------
    plane
        Both images of the plane.
    structure
        The structure of both images, from :func:`structure_of`.
    whole
        Number of pixels by which `high` is moved at first, along Y and X.
    uncertain
        Number of pixels that `whole` may be off besides a quarter of a block.
    """
    height, width = plane.low.shape
    side = min(max(min(height, width) // 6, SIDES[0]), SIDES[1], height, width)
    for y, x in product(_starts(height, side), _starts(width, side)):
        shift, correlation = _measure(plane, structure, (y, x, side), whole, side / 4 + uncertain)
        yield BlockShift(
            plane.index, plane.origin[0] + y, plane.origin[1] + x, side, shift, correlation, False
        )


def _starts(length: int, side: int) -> list[int]:
    """First pixels of blocks that cover an axis; the last ones overlap where it does not divide."""
    count = -(-length // side)
    return [round(start) for start in np.linspace(0, length - side, count)]


def _measure(
    plane: PlanePair, structure: Structure, block: tuple[int, int, int], whole: tuple[int, int], most: float
) -> tuple[tuple[float, float], float]:
    """Shift and correlation; the correlation is 0 where there is nothing to compare with."""
    shift, rest = (float(whole[0]), float(whole[1])), (0.0, 0.0)
    for _ in range(2):  # again, with what lies on the block after the first answer
        steps = (round(shift[0]), round(shift[1]))
        parts = _on_each_other(plane.low.shape, block, steps)
        if parts is None:
            return shift, 0.0
        ours, theirs = parts
        found = block_shift(plane.low[ours], plane.high[theirs])
        if found is None or max(map(abs, found)) > most:
            return shift, 0.0
        rest = found
        shift = (steps[0] + rest[0], steps[1] + rest[1])
        if max(map(abs, rest)) <= 0.5:
            break
    return shift, _likeness(structure, (ours, theirs), rest, block[2])


def _likeness(
    structure: Structure,
    parts: tuple[tuple[slice, slice], tuple[slice, slice]],
    rest: tuple[float, float],
    side: int,
) -> float:
    """Correlation of a part of the low plane with one of the high plane, moved by `rest` pixels."""
    ours, theirs = parts
    lying = moved(structure.high[theirs], rest, order=1, mode="nearest")
    edge = min(int(np.ceil(max(map(abs, rest)))) + 1, side // 4)
    inside = slice(edge, -edge), slice(edge, -edge)
    return pearson(structure.low[ours][inside], lying[inside])


def _on_each_other(
    shape: Sequence[int], block: tuple[int, int, int], steps: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """The part of a block that the moved high plane covers, in both planes; None if it is too little."""
    ours, theirs = [], []
    for start, by, size in zip(block[:2], steps, shape, strict=True):
        first, last = max(start, by), min(start + block[2], size + by)
        if last - first < COVERED * block[2]:
            return None
        ours.append(slice(first, last))
        theirs.append(slice(first - by, last - by))
    return (ours[0], ours[1]), (theirs[0], theirs[1])


def judge_blocks(
    blocks: Sequence[BlockShift], plane: PlanePair, structure: Structure, whole: tuple[int, int]
) -> tuple[BlockShift, ...]:
    """Say which blocks are good, and which are empty.

    A block is good if it correlates and its shift agrees with the others': what is unlike has a peak
    of correlation, too, but anywhere. One whose own shift cannot be found in its noise is good if it
    correlates where the others lie.
    """
    centre, tolerance = _agreement(blocks, whole)
    faint = _faint(blocks, plane, structure)
    judged = []
    for block in blocks:
        off = np.hypot(block.shift[0] - centre[0], block.shift[1] - centre[1])
        judged.append(replace(block, good=bool(block.correlation >= LEAST_CORRELATION and off <= tolerance)))
    if any(block.good for block in judged):
        judged = [
            block if block.correlation >= LEAST_CORRELATION else _moved_to(block, plane, structure, centre)
            for block in judged
        ]
    return tuple(
        replace(block, empty=bool(is_faint and not block.good))
        for block, is_faint in zip(judged, faint, strict=True)
    )


def _moved_to(
    block: BlockShift, plane: PlanePair, structure: Structure, centre: NDArray[np.float64]
) -> BlockShift:
    """A block with the shift of the others, if it correlates there."""
    steps = (round(float(centre[0])), round(float(centre[1])))
    y, x = (part.start for part in _part(block, plane))
    parts = _on_each_other(plane.low.shape, (y, x, block.side), steps)
    if parts is None:
        return block
    rest = (float(centre[0]) - steps[0], float(centre[1]) - steps[1])
    there = _likeness(structure, parts, rest, block.side)
    if there < LEAST_CORRELATION:
        return block
    return replace(block, shift=(float(centre[0]), float(centre[1])), correlation=there, good=True)


def _agreement(blocks: Sequence[BlockShift], whole: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
    shifts = np.array([b.shift for b in blocks if b.correlation >= LEAST_CORRELATION]).reshape(-1, 2)
    centre = np.asarray(whole, dtype=np.float64)
    tolerance = NEAR_WHOLE
    for _ in range(2):
        distance = np.hypot(*(shifts - centre).T)
        near = shifts[distance <= tolerance]
        if len(near) == 0:
            break
        centre = np.median(near, axis=0)
        spread = float(np.median(np.hypot(*(near - centre).T)))
        tolerance = max(_AGREEING, FAR * spread)
    return centre, tolerance


def _faint(blocks: Sequence[BlockShift], plane: PlanePair, structure: Structure) -> NDArray[np.bool_]:
    """Tell for each block whether it holds no structure in either image beyond noise: ``(blocks,)``."""
    faint = np.ones(len(blocks), bool)
    for image, band in ((plane.low, structure.low), (plane.high, structure.high)):
        parts = [_part(block, plane) for block in blocks]
        strength = np.array([band[part].std() for part in parts])
        noise = float(np.percentile([_noise(image[part]) for part in parts], 10))
        faint &= strength <= max(_FAINT * float(np.percentile(strength, 95)), NOISE_LEFT * noise)
    return faint


def _part(block: BlockShift, plane: PlanePair) -> tuple[slice, slice]:
    y, x = block.y - plane.origin[0], block.x - plane.origin[1]
    return slice(y, y + block.side), slice(x, x + block.side)


def _noise(image: Plane) -> float:
    """Standard deviation of white noise, from the median of the Laplacian's size (its norm is sqrt 20)."""
    return float(1.4826 * np.median(np.abs(laplace(image))) / np.sqrt(20))
