"""How many times finer one image is than another, from pixel sizes or from shapes."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.errors import UserError
from napari_srgan.training.pairs.source import SourceImage

MOST_FACTOR = 8
"""The largest factor a model is made for."""
SCALE_TOLERANCE = 0.01
"""Relative difference of a ratio of pixel sizes from a whole number that is allowed: sizes are often
rounded."""
CROPPED = 0.02
"""Share of a side by which an image may be larger or smaller than the factor says."""
CROPPED_PIXELS = 4
"""Low-resolution pixels by which it may be so in any case, where that is more than :data:`CROPPED`."""


@dataclass(frozen=True)
class Finer:
    """A factor, and how it was found."""

    factor: int
    in_world: bool
    """Whether pixel sizes say so, too: then world coordinates tell where the images lie."""


def pixels_in_words(factor: int) -> str:
    """What pixels of the low image are called in sentences; of two images of one size neither is low."""
    return "low-resolution pixels" if factor > 1 else "pixels"


def find_factor(low: SourceImage, high: SourceImage, asked: int | None = None) -> Finer:
    """Find how many times finer `high` is than `low`.

    Parameters
    ----------
    low, high
        The two checked images.
    asked
        The factor that the user gives; pixel sizes or shapes must agree.

    Raises
    ------
    UserError
        If it is no whole number from 1 to :data:`MOST_FACTOR`, not the same along Y and X, or not what was
        asked.
    """
    if asked is not None and (not isinstance(asked, int) or not 1 <= asked <= MOST_FACTOR):
        raise UserError(f"a factor is a whole number from 1 to {MOST_FACTOR}; got {asked!r}")
    of_scales = _ratio_of_scales(low, high)
    # Equal pixel sizes may only never have been set: shapes can say something else.
    equal = of_scales is not None and _near(of_scales, 1)
    if of_scales is not None and asked is None and not equal:
        return Finer(_whole(of_scales, low, high), True)
    if of_scales is not None and asked is not None and _near(of_scales, asked):
        return Finer(asked, True)
    factor = _of_shapes(low, high, otherwise=1 if equal else None)
    if asked is not None and factor != asked:
        raise UserError(
            f"{_shapes(low, high)} differ by a factor of {factor}, not {asked}; "
            "leave the factor to be found, or choose other images"
        )
    return Finer(factor, equal and factor == 1)


def _ratio_of_scales(low: SourceImage, high: SourceImage) -> tuple[float, float] | None:
    """Along Y and X; None if a pixel size is unknown."""
    if low.scale is None or high.scale is None:
        return None
    if not all(size > 0 for size in (*low.scale, *high.scale)):
        raise UserError(f"pixel sizes are above 0; got {low.scale} and {high.scale}; correct the scales")
    y, x = (ours / theirs for ours, theirs in zip(low.scale, high.scale, strict=True))
    return y, x


def _near(ratio: tuple[float, float], factor: int) -> bool:
    return all(abs(value / factor - 1) <= SCALE_TOLERANCE for value in ratio)


def _whole(ratio: tuple[float, float], low: SourceImage, high: SourceImage) -> int:
    factor = round(ratio[0])
    if 1 <= factor <= MOST_FACTOR and _near(ratio, factor):
        return factor
    if any(_near((1 / ratio[0], 1 / ratio[1]), candidate) for candidate in range(2, MOST_FACTOR + 1)):
        raise UserError(_exchanged(low, high, "pixel size"))
    told = f"{ratio[0]:.4g}" if abs(ratio[0] / ratio[1] - 1) < 1e-3 else f"{ratio[0]:.4g} and {ratio[1]:.4g}"
    raise UserError(
        f"their pixel sizes {low.scale} and {high.scale} differ by a factor of {told}; it has to be a whole "
        f"number from 1 to {MOST_FACTOR}: correct the scales, or resample one image"
    )


def _of_shapes(low: SourceImage, high: SourceImage, *, otherwise: int | None) -> int:
    """The factor by shapes, or another one where they tell nothing."""
    ours, theirs = low.plane_shape, high.plane_shape
    factor = _shape_factor(ours, theirs)
    if factor is not None:
        return factor
    if _shape_factor(theirs, ours) is not None:
        raise UserError(_exchanged(low, high, "shape"))
    if _shape_factor(ours, theirs[::-1]) is not None:
        raise UserError(
            f"{_shapes(low, high)} fit only if one image is turned by 90 degrees; turn it and try again"
        )
    if otherwise is not None:
        return otherwise
    ratios = " and ".join(f"{b / a:.4g}" for a, b in zip(ours, theirs, strict=True))
    raise UserError(
        f"{_shapes(low, high)} differ by factors of {ratios} along Y and X; it has to be one whole number "
        f"from 1 to {MOST_FACTOR}: crop or resample one image, or set the scales of both"
    )


def _shape_factor(low: tuple[int, int], high: tuple[int, int]) -> int | None:
    """The whole factor that both sides agree with, but for a few pixels."""
    for factor in range(1, MOST_FACTOR + 1):
        spare = (max(CROPPED * side, CROPPED_PIXELS) for side in low)
        # Half of the way to the next factor is no cropping any more, in however small an image.
        if all(
            abs(b / factor - a) <= min(few, a / (2 * factor + 2))
            for a, b, few in zip(low, high, spare, strict=True)
        ):
            return factor
    return None


def _exchanged(low: SourceImage, high: SourceImage, what: str) -> str:
    return (
        f"by their {what}, {low.name!r} is the high-resolution image and {high.name!r} the low one; "
        "exchange them"
    )


def _shapes(low: SourceImage, high: SourceImage) -> str:
    (a, b), (c, d) = low.plane_shape, high.plane_shape
    return f"{a} x {b} and {c} x {d} pixels"
