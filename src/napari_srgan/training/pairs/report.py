"""What a check of a pair has found."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.training.pairs.matching import MatchedPair


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
    """Pearson's, of the block and the moved high image, both smoothed."""
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
    """Median distance of good blocks' shifts from `shift`, low-resolution pixels."""
    blocks: tuple[BlockShift, ...]
    gain: float
    """low = gain * high (downsampled) + offset, by robust regression."""
    offset: float
    correlation: float
    """Pearson's, over the planes looked at, after the shift."""
    problem: str = ""
    """Empty, or a sentence that says why these must not be trained on."""
    notes: tuple[str, ...] = ()
    """Sentences on what else was seen."""

    @property
    def summary(self) -> str:
        """One plain sentence with the numbers."""
        raise NotImplementedError
