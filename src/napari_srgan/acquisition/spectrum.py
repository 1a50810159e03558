"""The radial power spectrum of an image: how much detail there is of which fineness, and how much noise.

Frequencies are in parts of the Nyquist frequency, the finest that pixels can show along an axis: 1 is two
pixels a period. Along the diagonals pixels show frequencies up to 1.41. Nearly nothing of what an
optics or an antialiased downsampling leaves is there, but as much of a noise that is independent from
pixel to pixel as everywhere else: so the noise is read off there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_RINGS = 24
"""Number of rings of the spectrum up to the Nyquist frequency; beyond it they are as wide."""
LEAST_SIDE = 32
"""Side in pixels below which a window has no spectrum worth the name."""
CORNERS = (1.05, 1.42)
"""Band in which only noise is expected, as fractions of Nyquist."""
FINE, MIDDLE, COARSE = (0.7, 1.0), (0.35, 0.7), (0.1, 0.35)
"""Bands of detail, as fractions of Nyquist."""


Direction = Literal["all", "y", "x"]
"""The frequencies that count: all, or those within 30 degrees of an axis, of what changes along that axis."""
_NARROW = np.tan(np.pi / 6)


@dataclass(frozen=True)
class Spectrum:
    """Mean power of the frequencies in each of some rings of the spectrum; white noise has its variance in
    all rings."""

    frequency: NDArray[np.float64]
    """``(rings,)``: mean frequency of each ring, as a fraction of the Nyquist frequency."""
    power: NDArray[np.float64]
    """``(rings,)``: mean squared amplitude of each ring, in squared units of the pixel values."""
    count: NDArray[np.int64]
    """``(rings,)``: number of frequencies in each ring."""

    def between(self, band: tuple[float, float]) -> float:
        """Mean power of the frequencies in a band ``(above, up to)``, as fractions of Nyquist."""
        inside = (self.frequency > band[0]) & (self.frequency <= band[1])
        count = self.count[inside]
        return float(np.sum(self.power[inside] * count) / count.sum())

    @property
    def floor(self) -> float:
        """Power of the noise, if it is white: that of the corners."""
        return self.between(CORNERS)


def radial_spectrum(windows: Sequence[NDArray[np.float64]], direction: Direction = "all") -> Spectrum | None:
    """Mean spectrum of some windows, each weighted by its area, under a Hann window.

    Parameters
    ----------
    windows
        Windows ``(Y, X)`` of float64, finite.
    direction
        The frequencies that count. Those along one axis contain nothing of the corners, where only noise is
        expected.

    Returns
    -------
    Spectrum or None
        The mean spectrum; None if all windows are smaller than :data:`LEAST_SIDE` along a side.
    """
    rings = int(np.ceil(_RINGS * np.sqrt(2)))
    power, frequency, count = np.zeros(rings), np.zeros(rings), np.zeros(rings, np.int64)
    for window in windows:
        if min(window.shape) < LEAST_SIDE:
            continue
        taper = np.hanning(window.shape[0])[:, None] * np.hanning(window.shape[1])
        mean = np.sum(window * taper) / taper.sum()
        squared = np.abs(np.fft.rfft2((window - mean) * taper)) ** 2 / np.sum(taper**2)
        y, x = 2 * np.fft.fftfreq(window.shape[0])[:, None], 2 * np.fft.rfftfreq(window.shape[1])[None]
        radius = np.hypot(y, x)
        if direction != "all":
            across, along = (abs(x), abs(y)) if direction == "y" else (abs(y), abs(x))
            meant = across <= _NARROW * along
            radius, squared = radius[meant], squared[meant]
        ring = np.minimum((radius * _RINGS).astype(int), rings - 1).ravel()
        power += np.bincount(ring, squared.ravel(), rings)
        frequency += np.bincount(ring, radius.ravel(), rings)
        count += np.bincount(ring, minlength=rings)
    seen = count > 0
    if not seen.any():
        return None
    return Spectrum(frequency[seen] / count[seen], power[seen] / count[seen], count[seen])
