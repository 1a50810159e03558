"""What is wrong with two planes that do not lie on each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.registration import SURE, Peak, Plane, find_peak

MOST_SIDE = 1024
"""Planes are binned to at most this side before they are compared whole."""
CLEARLY = 1.5
"""Times the score from which another orientation is the right one: symmetric objects fit in several."""
BEYOND_QUESTION = 100.0
"""Score from which no other orientation is tried: of 178 turned or mirrored tiles, the highest is at 54."""

_TURNS = {
    1: "is turned by 90 degrees clockwise",
    2: "is turned by 180 degrees",
    3: "is turned by 90 degrees counter-clockwise",
}
"""What is wrong, by the quarter turns counter-clockwise that would bring the high image right."""
MIRRORED = {
    0: "is mirrored left to right",
    1: "is mirrored and turned by 90 degrees: its Y and X are exchanged",
    2: "is mirrored top to bottom",
    3: "is mirrored and turned by 90 degrees: its Y and X are exchanged and run backwards",
}
"""What is wrong, by the quarter turns after mirroring left to right that would bring the high image right."""
INVERTED = "has its contrast inverted: what is bright in one is dark in the other"


@dataclass(frozen=True)
class PlaneFit:
    """How two planes fit as they are, and better ways if there are any."""

    peak: Peak
    """The best agreement of both planes as they are, in low-resolution pixels."""
    binned: int
    """Pixels of the planes that were taken together: so exact is the shift."""
    instead: str = ""
    """What the high image is if another orientation or contrast fits; to stand after its name."""

    @property
    def sure(self) -> bool:
        """Whether both show one field beyond chance, as they are."""
        return not self.instead and self.peak.score >= SURE


def fit_job(low: Plane, high: Plane, progress: Progress) -> Job[PlaneFit]:
    """Compare two planes as they are, turned and mirrored, with their contrast and inverted.

    Other orientations are left out where planes fit beyond question as they are.

    Parameters
    ----------
    low, high
        ``(Y, X)`` of float64 and of one shape, finite.
    progress
        The progress that is yielded between orientations.
    """
    binned = max(-(-max(low.shape) // MOST_SIDE), 1)
    low, high = taken_together(low, binned), taken_together(high, binned)
    straight = find_peak(low, high)
    shift = (straight.shift[0] * binned, straight.shift[1] * binned)
    peak = Peak(shift, straight.height, straight.clearness)
    best, instead = straight, ""
    for told, first, second in _others(low, high) if straight.score < BEYOND_QUESTION else ():
        yield progress
        other = find_peak(first, second)
        if other.score >= SURE and other.score > CLEARLY * straight.score and other.score > best.score:
            best, instead = other, told
    if best.score >= SURE and best.height < 0:
        instead = f"{instead}, and {INVERTED}" if instead else INVERTED
    return PlaneFit(peak, binned, instead)


def _others(low: Plane, high: Plane) -> Iterator[tuple[str, Plane, Plane]]:
    """The seven other orientations: words, and planes to compare.

    What is not square is turned by quarters in its middle.
    """
    for mirrored, told in ((False, _TURNS), (True, MIRRORED)):
        for quarters, words in told.items():
            other = np.rot90(high[:, ::-1] if mirrored else high, quarters)
            first: NDArray[Any] = low
            if other.shape != low.shape:
                first, other = _square(low), np.rot90(_square(high[:, ::-1] if mirrored else high), quarters)
            yield words, first, other


def taken_together(plane: Plane, size: int) -> Plane:
    """Means of squares of `size` pixels; what is left at the ends is left out."""
    y, x = (length // size for length in plane.shape)
    means: Plane = plane[: y * size, : x * size].reshape(y, size, x, size).mean(axis=(1, 3))
    return means


def padded_peak(low: Plane, high: Plane) -> Peak:
    """The shift at which two planes of any shapes agree best: each is continued by its mean."""
    shape = np.maximum(low.shape, high.shape)
    first, second = (
        np.pad(
            plane,
            [(0, int(most - size)) for most, size in zip(shape, plane.shape, strict=True)],
            constant_values=float(plane.mean()),
        )
        for plane in (low, high)
    )
    return find_peak(first, second)


def _square(plane: Plane) -> Plane:
    side = min(plane.shape)
    top, left = ((length - side) // 2 for length in plane.shape)
    return plane[top : top + side, left : left + side]
