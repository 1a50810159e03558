"""From the user's quantities to the range a network was trained on, and back.

One affine transform for the whole array (one for each channel of a multichannel
image), remembered and inverted at the end: nothing is clipped on the way in, and on
the way out only to the range of the input's own dtype.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.inference.percentiles import percentiles

_EXTREME = 1e30
"""Quantities beyond which float32 is no working type any more."""
_SMALL = 2.0**-10
"""By what larger quantities are multiplied where they are added up: enough for the sum of a thousand."""
LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
"""What becomes 0 and 1. Robust against hot pixels, near enough to the full range."""


@dataclass(frozen=True)
class IntensityTransform:
    """``network = (value - offset) / span``, and back.

    A span of 0 stands for data without contrast: everything becomes 0 on the way in
    and `offset` on the way out, so that a constant image stays what it is.
    """

    offset: float
    span: float
    partial: bool = False
    """Whether parts of the array could not be read when it was found."""

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Quantities to network range; any real dtype, any shape."""
        if self.span == 0:
            return np.zeros(values.shape, np.float32)
        shifted = values.astype(self.working_dtype(values.dtype))
        if self.extreme:
            shifted *= self.small
        shifted -= self.offset * self.small
        with np.errstate(over="ignore"):  # an outlier too large to compute with: the engine names it
            shifted /= self.span * self.small
            return shifted.astype(np.float32, copy=False)

    def invert(self, values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Network range to the quantities of data of a dtype, in its working dtype and within its range."""
        quantities = values.astype(self.working_dtype(dtype))
        limits = np.finfo(quantities.dtype)
        with np.errstate(over="ignore"):
            quantities *= self.span * self.small
            quantities += self.offset * self.small
            if self.extreme:
                quantities /= self.small
        return quantities.clip(limits.min, limits.max, out=quantities)

    def brighter(self, gain: float, offset: float) -> IntensityTransform:
        """The one that shows quantities ``gain * q + offset`` as this one shows q."""
        if (gain, offset) == (1, 0) or self.span == 0:
            return self
        return IntensityTransform(gain * self.offset + offset, gain * self.span, self.partial)

    @property
    def extreme(self) -> bool:
        """Whether sums and differences of such quantities are not to be had in float32."""
        return max(abs(self.offset), self.span) > _EXTREME

    @property
    def small(self) -> float:
        """By what quantities are multiplied before they are added up."""
        return _SMALL if self.extreme else 1.0

    def working_dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The float type in which quantities of a dtype are computed with."""
        # Differences of the largest float32 values are no float32.
        return np.dtype(np.float64) if self.extreme else working_dtype(dtype)


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The float type that holds every value of a dtype: float32 where that is enough."""
    return np.result_type(dtype, np.float32) if dtype.kind != "b" else np.dtype(np.float32)


BYTE_TRANSFORM = IntensityTransform(offset=0.0, span=255.0)
"""8-bit data seen on its own range, as published figures are measured."""


def percentile_transform(samples: NDArray[Any]) -> IntensityTransform:
    """Transform that maps robust percentiles to 0 and 1.

    Parameters
    ----------
    samples
        Values of the array, any shape and real dtype; those that are not finite are
        left out.
    """
    finite = samples[np.isfinite(samples)] if samples.dtype.kind == "f" else samples.ravel()
    if finite.size == 0:
        return IntensityTransform(0.0, 0.0)
    small = smaller(finite)
    low, high = percentiles(finite, [LOW_PERCENTILE, HIGH_PERCENTILE], small)
    if high <= low:  # a few bright spots on an even ground: only the extremes differ
        low, high = (float(end) * small for end in (finite.min(), finite.max()))
    return IntensityTransform(low / small, min((high - low) / small, sys.float_info.max))


def smaller(values: NDArray[Any]) -> float:
    """By what values are multiplied so that sums and differences of them are no infinities.

    A power of two, which changes no digit; 1 for all that was ever measured.

    Parameters
    ----------
    values
        Values of any real dtype; those that are not finite do not count.
    """
    if values.dtype.kind != "f" or values.dtype.itemsize < 4:  # none of them are as large as that
        return 1.0
    finite = np.isfinite(values)
    ends = values.max(initial=0, where=finite), values.min(initial=0, where=finite)
    return _SMALL if max(float(ends[0]), -float(ends[1])) > _EXTREME else 1.0
