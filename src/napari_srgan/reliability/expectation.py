"""How much better than bicubic interpolation a faithful model can be expected to be on an image, and why.

The spectrum of the image tells signal from noise (:mod:`napari_srgan.reliability.detail`), and with that what
bicubic interpolation does wrong: it lets the noise through, weakens fine detail, puts mirror images of coarse
detail among the fine one (Keys 1981, section III). No linear estimate of a stationary signal has less mean
squared error than Wiener's: signal times noise, divided by their sum (Wiener, N. (1949). Extrapolation,
interpolation, and smoothing of stationary time series, chapter III). What a network leaves of the rest is
measured, not derived: `LEFT`. What is finer than the pixels neither has; a part of the continued spectrum
that stood for it was fitted to nothing, and is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.spectrum import Spectrum
from napari_srgan.models.verdict import LITTLE
from napari_srgan.networks.resampling import keys_kernel

LEFT = 0.04
"""Part of what bicubic interpolation does wrong to detail that networks do wrong, too. By
``benchmarks/trust_layer.py --fit``: half of the source sets, the other half is judged."""

MEDIAN_ERROR = {2: 1.1, 4: 1.3}
"""Decibels by which half of the expected gains were off, by factor: the rows "x2, all" and "x4, all" that
``benchmarks/trust_layer.py`` prints, as in ``docs/trust.md``. The only place where they are written down."""


@dataclass(frozen=True)
class Expectation:
    """What a faithful model can be expected to do to an image."""

    gain: float
    """Decibels of PSNR over bicubic interpolation."""
    noise_share: float
    """Part of the error of bicubic interpolation that is noise of the image, from 0 to 1."""

    @property
    def little(self) -> bool:
        """Whether bicubic interpolation is about as good."""
        return self.gain < LITTLE


UNKNOWN = Expectation(math.nan, math.nan)
"""Of an image whose noise neighbouring pixels share: its spectrum does not tell noise from detail."""


def expected(spectrum: Spectrum, factor: int) -> Expectation:
    """Expect a gain from the spectrum of an image.

    Parameters
    ----------
    spectrum
        In all directions, in parts of the contrast.
    factor
        How many times Y and X are enlarged; at 1 nothing is interpolated, and only noise is taken off.
    """
    frequency, noise = spectrum.frequency, max(spectrum.floor, 1e-8)
    share = spectrum.count / spectrum.count.sum()
    signal = np.maximum(spectrum.power - noise, 0) * (frequency <= 1.05)
    weakened, passed = _interpolated(tuple(frequency)) if factor > 1 else (0 * frequency, 1 + 0 * frequency)
    wrong_signal = float(np.sum(share * weakened * signal))
    wrong_noise = float(np.sum(share * passed * noise))
    best = float(np.sum(share * signal * noise / np.maximum(signal + noise, 1e-300)))
    bicubic = wrong_signal + wrong_noise
    network = best + LEFT * wrong_signal
    return Expectation(10 * math.log10(bicubic / max(network, 1e-300)), wrong_noise / bicubic)


@cache
def _interpolated(frequency: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What bicubic interpolation does wrong to detail of a frequency, and what it lets through of noise.

    Both as parts of the power, means over all directions; mirror images at frequencies beyond Nyquist
    count in both.
    """
    angle = np.linspace(0, np.pi / 2, 33)
    y, x = (np.outer(frequency, part(angle)) / 2 for part in (np.sin, np.cos))
    passed = _response(y) * _response(x)
    mirrored = sum(
        (_response(y + down) * _response(x + across)) ** 2
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
        if (down, across) != (0, 0)
    )
    return ((1 - passed) ** 2 + mirrored).mean(axis=1), (passed**2 + mirrored).mean(axis=1)


def _response(cycles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic kernel's transform at frequencies in cycles a pixel."""
    places = np.linspace(-2, 2, 2001)
    known = np.linspace(0, 2, 401)
    of_known = np.trapezoid(keys_kernel(places) * np.cos(2 * np.pi * np.outer(known, places)), places, axis=1)
    return np.interp(np.abs(cycles), known, of_known)
