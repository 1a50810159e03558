"""Whether two images that do not fit show one field all the same, with pixels finer by another factor than
their shapes say.

Two cameras may have frames of shapes that seem to tell a factor, though behind them are other lenses: the
finer image then shows a part of the other one, or more than it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skimage.transform import resize

from napari_srgan.images.upscaled import Region
from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.common_part import LEAST_COMMON_SIDE
from napari_srgan.training.pairs.diagnosis import MOST_SIDE, padded_peak, taken_together
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.plane_pair import PlanePair
from napari_srgan.training.pairs.registration import SURE, Peak, Plane
from napari_srgan.training.pairs.scale_factor import MOST_FACTOR

MOST_APART = 2.0
"""Times the factor of the shapes, or parts of it, that are tried: beyond, little of one image is in the
other."""


@dataclass(frozen=True)
class OtherFactor:
    """A factor at which two images fit, which is not that of their shapes."""

    factor: int
    """How many times finer the high-resolution image's pixels are."""
    low_region: Region
    """Rows and columns of the low-resolution image that both show, about: to a pixel."""
    high_region: Region
    """The same of the high-resolution image: `factor` times as large."""

    def words(self, pair: MatchedPair) -> str:
        """What is wrong, and what to do; to stand after the high image's name."""
        told = f"has pixels {self.factor} times finer than {pair.low.name!r}, not {pair.factor}: crop "
        parts = [
            f"{image.name!r} to rows {rows[0]} to {rows[1]}, columns {columns[0]} to {columns[1]}"
            for image, (rows, columns) in ((pair.low, self.low_region), (pair.high, self.high_region))
            if ((0, image.plane_shape[0]), (0, image.plane_shape[1])) != (rows, columns)
        ]
        return told + " and ".join(parts)


def other_factor_job(pair: MatchedPair, plane: PlanePair, progress: Progress) -> Job[OtherFactor | None]:
    """Look for a whole factor at which two planes fit that do not fit at that of their shapes.

    Parameters
    ----------
    pair, plane
        To look at.
    progress
        Yielded between factors: places where it can be cancelled.

    Returns
    -------
    OtherFactor or None
        None if there is none beyond chance.
    """
    binned = max(-(-max(plane.low.shape) // MOST_SIDE), 1)
    low, high = taken_together(plane.low, binned), taken_together(plane.high, binned)
    best: tuple[Peak, int] | None = None
    for factor in _factors(pair.factor):
        yield progress
        shape = tuple(round(side * pair.factor / factor) for side in high.shape)
        if min(shape) < LEAST_COMMON_SIDE:
            continue
        scaled: Plane = resize(  # type: ignore[no-untyped-call]
            high, shape, order=1, anti_aliasing=True, preserve_range=True
        )
        peak = padded_peak(low, scaled)
        if peak.height > 0 and peak.score >= SURE and (best is None or peak.score > best[0].score):
            best = peak, factor
    return None if best is None else _found(pair, plane, best[0].shift, binned, best[1])


def _factors(given: int) -> Iterator[int]:
    for factor in range(1, MOST_FACTOR + 1):
        if factor != given and 1 / MOST_APART <= factor / given <= MOST_APART:
            yield factor


def _found(
    pair: MatchedPair, plane: PlanePair, shift: tuple[int, int], binned: int, factor: int
) -> OtherFactor | None:
    ours, theirs = [], []
    for axis in range(2):
        first_low = pair.low_region[axis][0] + plane.origin[axis]
        first_high = pair.high_region[axis][0] + plane.origin[axis] * pair.factor
        # Where the high image's own first pixel lies on the low one.
        start = round(first_low + shift[axis] * binned - first_high / factor)
        first = max(start, 0)
        side = min(
            pair.low.plane_shape[axis] - first, pair.high.plane_shape[axis] // factor - (first - start)
        )
        if side < LEAST_COMMON_SIDE:
            return None
        ours.append((first, first + side))
        begin = (first - start) * factor
        theirs.append((begin, begin + side * factor))
    return OtherFactor(factor, (ours[0], ours[1]), (theirs[0], theirs[1]))
