"""Between grey levels and the network's range, for images that are learned from.

As a rule results have the brightness of the low-resolution image: the high-resolution image is
brought to it by the gain and offset that the check of a pair has found. Another modality can be so
much brighter in places that the low-resolution image's type would cut it off, and a short exposure can
have so few grey levels that a result without its noise would be steps; then results have the
grey levels of the high-resolution images, and the model's card says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import (
    BYTE_TRANSFORM,
    HIGH_PERCENTILE,
    LOW_PERCENTILE,
    IntensityTransform,
    percentile_transform,
)
from napari_srgan.models.card import ResultIntensity
from napari_srgan.training.fine_tuning.settings import Brightness
from napari_srgan.training.pairs.aligned import AlignedPlane

_LEAST_LEVELS = 32
"""Grey levels from black to white, below which steps are seen between them."""
SAMPLE_STEP = 3
"""Every so many pixels of each axis are looked at."""


@dataclass(frozen=True)
class Relation:
    """low = gain * high + offset, in grey levels."""

    gain: float
    offset: float


def like_low(seen: IntensityTransform, relation: Relation) -> IntensityTransform:
    """From grey levels of a high-resolution image to the range in which its partner is seen."""
    return IntensityTransform(
        offset=(seen.offset - relation.offset) / relation.gain, span=seen.span / relation.gain
    )


def keeps_low(choice: Brightness, planes: Sequence[tuple[AlignedPlane, Relation]]) -> bool:
    """Whether results have the brightness of the low-resolution images.

    Raises
    ------
    UserError
        If that is asked for, and the images cannot be brought to one brightness.
    """
    usable = all(relation.gain > 0 for _, relation in planes)
    if choice == "low" and not usable:
        raise UserError(
            "the high-resolution image is dark where the low-resolution image is bright, so that results "
            "cannot have the brightness of the latter; choose that of the high-resolution image"
        )
    if choice != "auto":
        return choice == "low"
    return usable and all(_fits(plane, relation) for plane, relation in planes)


def like_high(
    planes: Sequence[AlignedPlane], *, as_bytes: bool
) -> tuple[IntensityTransform, ResultIntensity]:
    """One range for the high-resolution images of all planes, and what a card says of it.

    Parameters
    ----------
    planes
        All that is learned from.
    as_bytes
        Whether 8-bit images are seen on their own 0..255.
    """
    highs = [plane.high for plane in planes]
    dtypes = {high.dtype for high in highs}
    dtype = dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float32)
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if as_bytes and dtype == np.uint8:
        transform = BYTE_TRANSFORM
    else:
        transform = percentile_transform(np.concatenate([_sample(high) for high in highs]))
    if transform.span == 0:
        raise UserError("the high-resolution images have no contrast: there is nothing to learn")
    return transform, ResultIntensity(offset=transform.offset, span=transform.span, dtype=dtype.name)


def _fits(plane: AlignedPlane, relation: Relation) -> bool:
    """Whether the grey levels of the high-resolution image can be told in its partner's type."""
    assert plane.low is not None
    if plane.low.dtype.kind not in "iu":
        return plane.low.dtype.kind == "f"
    values = _sample(plane.high)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return True
    darkest, brightest = np.percentile(finite, [LOW_PERCENTILE, HIGH_PERCENTILE])
    own = brightest - darkest if plane.high.dtype.kind in "iu" else np.inf
    # Few levels are no loss where there are no more of them in the truth either.
    enough = relation.gain * (brightest - darkest) >= min(_LEAST_LEVELS, own)
    return bool(enough and relation.gain * brightest + relation.offset <= np.iinfo(plane.low.dtype).max)


def _sample(high: np.ndarray) -> np.ndarray:
    return high[::SAMPLE_STEP, ::SAMPLE_STEP].ravel().astype(np.float64)
