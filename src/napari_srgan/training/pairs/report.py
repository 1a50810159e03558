"""What a check of a pair has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from napari_srgan.significant import significant
from napari_srgan.training.pairs.magnification import OtherFactor
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.scale_factor import pixels_in_words


@dataclass(frozen=True)
class BlockShift:
    """How a square block of the low-resolution image lies on the high-resolution one."""

    plane: tuple[int, ...]
    """Along the leading axes."""
    y: int
    """First row, in low-resolution pixels of the matched region."""
    x: int
    """First column."""
    side: int
    """Low-resolution pixels."""
    shift: tuple[float, float]
    """Y and X in low-resolution pixels: move the high image by this to lie on the low one."""
    correlation: float
    """Pearson's, of the block and the moved high image, both without noise and background."""
    good: bool
    """Whether `shift` can be believed."""
    empty: bool = False
    """Whether there is nothing in it to compare: not `good`, yet nothing speaks against it."""


@dataclass(frozen=True)
class PairReport:
    """Whether a pair can be trained on, in numbers and sentences."""

    pair: MatchedPair
    shift: tuple[float, float]
    """Y and X, median over good blocks, low-resolution pixels: move the high image by this."""
    spread: float
    """Median distance of good blocks' shifts from their plane's, low-resolution pixels."""
    blocks: tuple[BlockShift, ...]
    gain: float
    """low = gain * high (downsampled) + offset, by robust regression."""
    offset: float
    correlation: float
    """Median of good blocks' correlations; 0 without any."""
    problem: str = ""
    """Empty, or a sentence that says why these must not be trained on."""
    notes: tuple[str, ...] = ()
    """Sentences on what else was seen."""
    planes: tuple[tuple[int, ...], ...] = ()
    """Planes that were looked at; those without blocks do not fit."""
    blur: float = 0.0
    """How much blurrier the low image is than the downsampled high one, sigma in low-resolution pixels."""
    relations: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Gain and offset of each channel on its own, of those of which planes fit."""
    empty: tuple[tuple[int, ...], ...] = ()
    """Planes that were looked at and of which one image shows nothing: the planes beside them may show
    something."""
    other: OtherFactor | None = None
    """The factor at which they would fit, and where, if that of their shapes is wrong."""

    @property
    def brief(self) -> str:
        """A few words for someone who only wants to know whether the pair is one."""
        if self.problem:
            return self.problem
        apart = float(np.hypot(*self.shift))
        return f"Same field, shift {apart:.1f} {pixels_in_words(self.pair.factor)}"

    @property
    def summary(self) -> str:
        """One plain sentence with the numbers."""
        if self.problem:
            return self.problem
        judged = [block for block in self.blocks if not block.empty]
        good = sum(block.good for block in judged)
        y, x = self.shift
        field = "one field: the high-resolution image"
        if self.pair.factor == 1:
            field = f"one field, of one size: {self.pair.high.name!r}"
        return (
            f"{self.pair.name} show {field} is off by {y:+z.2f}, {x:+z.2f} "
            f"{pixels_in_words(self.pair.factor)} (Y, X; blocks differ by {self.spread:.2f}), "
            f"{good} of {len(judged)} blocks correlate (median {self.correlation:.2f}), "
            f"low = {significant(self.gain, 4)} x high {significant(self.offset, 4, sign=True)}"
        )


def shift_of(report: PairReport, index: tuple[int, ...]) -> tuple[float, float]:
    """The shift of a plane: the median of its own good blocks, or of the nearest plane's that has some.

    A long recording may drift, and channels may differ.
    """
    nearest = nearest_plane(report, index, {block.plane for block in report.blocks if block.good})
    found = [block.shift for block in report.blocks if block.plane == nearest and block.good]
    return median_shift(found) if found else report.shift


def nearest_plane(
    report: PairReport, index: tuple[int, ...], planes: Iterable[tuple[int, ...]]
) -> tuple[int, ...] | None:
    """The one of some planes that is nearest to `index`, of the same channel if there is one."""
    axes = report.pair.low.axes
    channel = axes.index("C") if "C" in axes else None

    def distance(plane: tuple[int, ...]) -> tuple[bool, int, tuple[int, ...]]:
        other = channel is not None and plane[channel] != index[channel]
        return other, sum(abs(a - b) for a, b in zip(plane, index, strict=True)), plane

    return min(planes, key=distance, default=None)


def median_shift(shifts: list[tuple[float, float]]) -> tuple[float, float]:
    """Median along Y and along X; 0 without any."""
    if not shifts:
        return 0.0, 0.0
    y, x = np.median(np.array(shifts), axis=0)
    return float(y), float(x)
