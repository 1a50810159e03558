"""Values that nothing can be learned from: constant, not finite, saturated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

FULL_SCALES = frozenset(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""Largest values of cameras and of integer types."""
PLATEAU = 0.01
"""Share of pixels at the largest value from which it is a limit, whatever value it is."""
BINARY = 0.9
"""Share of pixels at the smallest or the largest value from which an image is a mask."""
UNUSABLE = 0.5
"""Share of pixels that are saturated or not finite from which an image cannot be used."""
TOO_LARGE = 1e100
"""Values whose squares are no numbers any more."""
WORTH_A_NOTE = 0.002
CLUSTER = 5
"""Side of the square of pixels of which most are saturated where it matters: a lone bright spot does not."""


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest values of some pixels, and how many have them; several can be added."""

    size: int
    finite: int
    smallest: float
    largest: float
    at_smallest: int
    at_largest: int

    def __add__(self, other: Extremes) -> Extremes:
        smallest, largest = min(self.smallest, other.smallest), max(self.largest, other.largest)
        return Extremes(
            self.size + other.size,
            self.finite + other.finite,
            smallest,
            largest,
            sum(part.at_smallest for part in (self, other) if part.smallest == smallest),
            sum(part.at_largest for part in (self, other) if part.largest == largest),
        )

    @property
    def saturated(self) -> float:
        """Share of pixels at the largest value, if that is a limit of the camera or of the data."""
        share = self.at_largest / max(self.size, 1)
        ends = (self.at_largest + self.at_smallest) / max(self.size, 1)
        is_limit = self.largest in FULL_SCALES or share >= PLATEAU
        mask = ends >= BINARY and self.at_smallest > 0 and share < UNUSABLE
        return share if is_limit and not mask and self.largest > self.smallest else 0.0

    @property
    def problem(self) -> str:
        """What the image is, if it is nothing to learn from; to stand after its name."""
        if self.finite == 0:
            return "has no finite pixel"
        if self.finite < (1 - UNUSABLE) * self.size:
            return f"is NaN or infinite in {1 - self.finite / self.size:.0%} of its pixels"
        if max(abs(self.smallest), abs(self.largest)) > TOO_LARGE:
            return f"holds values from {self.smallest:g} to {self.largest:g}, too large to compute with"
        if self.smallest == self.largest:
            return "is all zero" if self.largest == 0 else f"is constant: every pixel is {self.largest:g}"
        if self.saturated >= UNUSABLE:
            return f"is saturated: {self.saturated:.0%} of its pixels are {self.largest:g}"
        return ""

    @property
    def note(self) -> str:
        """What else is worth telling; to stand after the image's name."""
        missing = 1 - self.finite / max(self.size, 1)
        if missing > 0:
            return f"is NaN or infinite in {_share(missing)} of its pixels, which are left out"
        if self.saturated >= WORTH_A_NOTE:
            return (
                f"is saturated ({self.largest:g}) in {_share(self.saturated)} of its pixels; "
                "where they lie together they are left out"
            )
        return ""


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.001 else "less than 0.1%"


def extremes_of(pixels: NDArray[Any]) -> Extremes:
    """Look at pixels of any shape and real dtype."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if finite.size == 0:
        return Extremes(int(pixels.size), 0, np.inf, -np.inf, 0, 0)
    smallest, largest = finite.min(), finite.max()
    return Extremes(
        int(pixels.size),
        int(finite.size),
        float(smallest),
        float(largest),
        int(np.count_nonzero(finite == smallest)),
        int(np.count_nonzero(finite == largest)),
    )


def usable_pixels(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which pixels are finite and not in the middle of a saturated part.

    Parameters
    ----------
    pixels
        ``(Y, X, K)`` of any real dtype.

    Returns
    -------
    NDArray
        ``(Y, X)`` of truth values: whether all samples of a pixel can be used.
    """
    usable: NDArray[np.bool_] = np.isfinite(pixels).all(axis=2)
    values = extremes_of(pixels)
    if values.saturated > 0:
        full = (pixels == values.largest).any(axis=2)
        usable &= ~(full & (uniform_filter(full.astype(np.float32), CLUSTER) > 0.5))
    return usable
