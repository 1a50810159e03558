"""What two images of one field both show, in whole pixels.

napari's coordinates are pixel centres. Low pixel `i` reaches in the world from
`origin + (i - 1/2) * scale` on, so that the corner of the low image lies

    d = (low origin - high origin) / high scale - (factor - 1) / 2

high-resolution pixels behind that of the high image; low pixel `i` begins at high pixel
`factor * i + d`. Images whose pixel sizes are unknown begin at a common corner: `d` is 0.
"""

from __future__ import annotations

import math

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.training.pairs.scale_factor import Finer, pixels_in_words
from napari_srgan.training.pairs.source import SourceImage

LEAST_COMMON_SIDE = 32
"""Low-resolution pixels that both sides of the common part need: below, no shift can be measured."""


def common_part(low: SourceImage, high: SourceImage, finer: Finer) -> tuple[Region, Region]:
    """The common part in pixels of each.

    Where the world says that corners of images of fitting shapes lie within half a
    low-resolution pixel, they are taken to agree: such a shift is what comes of centres laid
    on each other, and the check of the pair measures it.

    Returns
    -------
    tuple
        The region of `low` and that of `high`, which is `factor` times as large.

    Raises
    ------
    UserError
        If it is smaller than :data:`LEAST_COMMON_SIDE` along Y or X.
    """
    spans = [_span(low, high, finer, axis) for axis in (0, 1)]
    sides = [stop - start for start, stop, _ in spans]
    if min(sides) < LEAST_COMMON_SIDE:
        raise UserError(_too_small(low, high, finer, sides))
    (y, x) = ((start, stop) for start, stop, _ in spans)
    (high_y, high_x) = ((first, first + (stop - start) * finer.factor) for start, stop, first in spans)
    return (y, x), (high_y, high_x)


def _span(low: SourceImage, high: SourceImage, finer: Finer, axis: int) -> tuple[int, int, int]:
    """First and last (exclusive) pixel of `low`, first pixel of `high`."""
    factor, ours, theirs = finer.factor, low.plane_shape[axis], high.plane_shape[axis]
    offset = 0
    if finer.in_world and low.scale is not None and high.scale is not None:
        apart = (low.origin[axis] - high.origin[axis]) / high.scale[axis] - (factor - 1) / 2
        fitting = abs(theirs - ours * factor) < factor and abs(apart) <= factor / 2
        offset = 0 if fitting else round(apart)
    start = max(math.ceil(-offset / factor), 0)
    stop = max(min(math.floor((theirs - offset) / factor), ours), start)
    return start, stop, factor * start + offset


def _too_small(low: SourceImage, high: SourceImage, finer: Finer, sides: list[int]) -> str:
    if min(low.plane_shape) < LEAST_COMMON_SIDE:
        return (
            f"{low.name!r} has {low.plane_shape[0]} x {low.plane_shape[1]} pixels; "
            f"both sides need at least {LEAST_COMMON_SIDE}"
        )
    if not finer.in_world:
        shared = f"{sides[0]} x {sides[1]} {pixels_in_words(finer.factor)}"
        return f"they share {shared}; both sides need {LEAST_COMMON_SIDE}"
    if min(sides) <= 0:
        return (
            f"they lie apart: {low.name!r} begins at {low.origin}, {high.name!r} at {high.origin}; "
            "correct the layers' translation, or choose images of one field"
        )
    return (
        f"in the world they share only {sides[0]} x {sides[1]} {pixels_in_words(finer.factor)}, both sides "
        f"need {LEAST_COMMON_SIDE}; correct the layers' translation, or choose images of one field"
    )
