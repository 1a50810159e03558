"""The radial power spectrum of an image: how much detail there is of which fineness, and how much noise.

Frequencies are in parts of the Nyquist frequency, the finest that pixels can show along an axis: 1 is two
pixels a period. Along the diagonals pixels show frequencies up to 1.41. Nearly nothing of what an
optics or an antialiased downsampling leaves is there, but as much of a noise that is independent from
pixel to pixel as everywhere else: so the noise is read off there.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

_RINGS = 24
"""Number of rings of the spectrum up to the Nyquist frequency; beyond it they are as wide."""
_ALL_RINGS = math.ceil(_RINGS * math.sqrt(2))
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


def radial_spectrum(windows: Sequence[NDArray[np.floating]], direction: Direction = "all") -> Spectrum | None:
    """Mean spectrum of some windows, each weighted by its area, under a Hann window.

    Parameters
    ----------
    windows
        Windows ``(Y, X)`` of float32 or float64, in which they are transformed; finite.
    direction
        The frequencies that count. Those along one axis contain nothing of the corners, where only noise is
        expected.

    Returns
    -------
    Spectrum or None
        The mean spectrum; None if all windows are smaller than :data:`LEAST_SIDE` along a side.
    """
    by_shape: dict[tuple[int, int], list[NDArray[np.floating]]] = defaultdict(list)
    for window in windows:
        if min(window.shape) >= LEAST_SIDE:
            by_shape[window.shape[0], window.shape[1]].append(window)
    if not by_shape:
        return None
    power, frequency, count = np.zeros(_ALL_RINGS), np.zeros(_ALL_RINGS), np.zeros(_ALL_RINGS, np.int64)
    for shape, alike in by_shape.items():
        rings = _rings(shape, direction)
        power += np.bincount(rings.ring, _power(alike).ravel()[rings.meant], _ALL_RINGS)
        frequency += len(alike) * rings.frequency
        count += len(alike) * rings.count
    seen = count > 0
    return Spectrum(frequency[seen] / count[seen], power[seen] / count[seen], count[seen])


def _power(windows: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Squared amplitudes ``(Y, X // 2 + 1)`` of windows of one shape, their sum."""
    dtype, (rows, columns) = windows[0].dtype, windows[0].shape
    taper = (np.hanning(rows)[:, None] * np.hanning(columns)).astype(dtype)
    total, squares = taper.sum(), np.sum(taper**2)
    power = np.zeros((rows, columns // 2 + 1), dtype)
    for window in windows:
        mean = np.vdot(window, taper) / total
        transformed = scipy.fft.rfft2((window - mean) * taper)
        power += np.square(transformed.real) + np.square(transformed.imag)
    power /= squares
    return power


@dataclass(frozen=True)
class _Rings:
    """The rings of all windows of one shape."""

    meant: NDArray[np.intp]
    """Which frequencies count, of those of a window one after the other."""
    ring: NDArray[np.intp]
    """Number of the ring of each that counts."""
    frequency: NDArray[np.float64]
    """``(rings,)``: sum over the frequencies of each ring, as fractions of Nyquist."""
    count: NDArray[np.int64]
    """``(rings,)``: frequencies in each ring."""


@lru_cache(maxsize=4)
def _rings(shape: tuple[int, int], direction: Direction) -> _Rings:
    y, x = 2 * np.fft.fftfreq(shape[0])[:, None], 2 * np.fft.rfftfreq(shape[1])[None]
    radius, meant = np.hypot(y, x).ravel(), np.arange(y.size * x.size)
    if direction != "all":
        across, along = (abs(x), abs(y)) if direction == "y" else (abs(y), abs(x))
        meant = np.flatnonzero(across <= _NARROW * along)
        radius = radius[meant]
    ring = np.minimum((radius * _RINGS).astype(np.intp), _ALL_RINGS - 1)
    frequency = np.asarray(np.bincount(ring, radius, _ALL_RINGS), np.float64)
    return _Rings(meant, ring, frequency, np.bincount(ring, minlength=_ALL_RINGS))
