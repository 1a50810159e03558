"""Up to which fineness two images agree: Fourier ring correlation.

Nieuwenhuizen, R. P. J. et al. (2013). Measuring image resolution in optical nanoscopy. Nature Methods 10,
557-562, eq. 1, at the threshold 1/7. A few frequencies of unlike images correlate as much by chance: there is
a resolution only where a ring also stands above the 3 sigma curve of van Heel, M. and Schatz, M. (2005).
Fourier shell correlation threshold criteria. J. Struct. Biol. 151, 250-262: 3 over the root of half the
ring's frequencies, for the other half are their conjugates. Between a result and its *truth* it tells how
fine a detail is right. Between two results of one network it tells nothing: both may share what was invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal.windows import tukey

THRESHOLD = 1 / 7
_TAPER = 0.25
"""Part of each axis over which images fade out to their ends, as in the paper's supplement."""
_SMOOTHED = 2.0
"""Sigma in rings of the Gaussian over the curve, without which it crosses the threshold by chance."""
_SIGMAS = 3.0
"""Standard deviations of unlike images' correlation above which a ring's is no chance."""
LEAST_RING_SIDE = 32


@dataclass(frozen=True)
class RingCorrelation:
    """How much two images have in common at each frequency."""

    frequency: NDArray[np.float64]
    """``(rings,)`` in periods a pixel, up to 0.5."""
    correlation: NDArray[np.float64]
    """``(rings,)`` from -1 to 1."""
    independent: NDArray[np.float64]
    """``(rings,)``: how many independent frequencies each is the correlation of."""

    @property
    def resolution(self) -> float | None:
        """Pixels a period from which on images agree no more; None if they do at all that pixels show.

        Infinite if they agree in nothing, or no more than unlike images do by chance.
        """
        smooth = gaussian_filter1d(self.correlation, _SMOOTHED, mode="nearest")
        below = np.flatnonzero(smooth < THRESHOLD)
        if not below.size:
            return None
        agreeing = slice(int(below[0]))
        beyond_chance = self.correlation[agreeing] > _SIGMAS / np.sqrt(self.independent[agreeing])
        return float(1 / self.frequency[below[0]]) if beyond_chance.any() else float("inf")


def ring_correlation(result: NDArray[Any], truth: NDArray[Any]) -> RingCorrelation:
    """Correlate two images ring by ring in Fourier space.

    Parameters
    ----------
    result, truth
        ``(Y, X)`` of one shape and any real dtype, finite, at least 32 pixels along each side; the larger
        side is cut.

    Raises
    ------
    ValueError
        If they are too small, or their shapes differ.
    """
    if result.shape != truth.shape or result.ndim != 2 or min(result.shape) < LEAST_RING_SIDE:
        raise ValueError(
            f"ring correlation needs two images (Y, X) of one shape and {LEAST_RING_SIDE} pixels or more "
            f"along each side; got {result.shape} and {truth.shape}"
        )
    side = min(result.shape)
    starts = [(size - side) // 2 for size in result.shape]
    square = tuple(slice(start, start + side) for start in starts)
    window = np.outer(*(tukey(side, _TAPER),) * 2)
    ours, theirs = (
        np.fft.fft2((image[square] - image[square].mean()) * window)
        for image in (np.asarray(result, np.float64), np.asarray(truth, np.float64))
    )
    places = np.fft.fftfreq(side) * side
    ring = np.hypot(places[:, None], places[None]).round().astype(int).ravel()
    rings = side // 2
    inside = ring <= rings

    def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(ring[inside], values.ravel()[inside], rings + 1)[1:].astype(np.float64)

    common = summed((ours * theirs.conj()).real)
    power = np.sqrt(summed(np.abs(ours) ** 2) * summed(np.abs(theirs) ** 2))
    correlation = np.divide(common, power, out=np.zeros_like(common), where=power > 0)
    # Under a window, what lies near each other in Fourier space is alike.
    alike = np.sum(window**4) * window.size / np.sum(window**2) ** 2
    independent = summed(np.ones_like(window)) / 2 / alike
    return RingCorrelation(np.arange(1, rings + 1) / side, correlation, independent)
