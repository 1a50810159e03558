"""The most that any result can score against a real long exposure; used by real_noise.py.

Two things stand between the long exposure and a perfect result of the short one. It has noise of its own,
which nothing could foretell: its power is that of the finest frequencies, beyond what a lens passes or nearly
so, where white noise is all there is; structure that is left there makes it look larger. And the two
differ slowly over the field, in background and bleaching, which the gain and offset of least squares cannot
undo and which is no upscaling's to mend.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from markdown_table import markdown
from numpy.typing import NDArray
from real_pairs import Pair, fitted
from scipy.ndimage import gaussian_filter

from napari_srgan.inference.intensity import percentile_transform

Image = NDArray[Any]

BLOCK = 64
"""Pixels along the side of the blocks, half over one another, over which spectra are averaged."""
FINEST = 0.62
"""Cycles per pixel, by the length of the vector, above which noise is all there is; the corner is at 0.71."""
SMOOTH = 8.0
"""Sigma in pixels of the Gaussian filter that leaves what differs slowly."""


@dataclass(frozen=True)
class Ceiling:
    """Mean squared errors of a perfect result, as parts of the square of the truth's range."""

    noise: float
    """Of the long exposure's own noise."""
    smooth: float
    """Of what differs slowly between the two exposures."""

    @property
    def psnr(self) -> float:
        """What a result without any other error scores, in dB."""
        return _decibels(self.noise + self.smooth)


def ceiling_of(pair: Pair) -> Ceiling:
    """Find it for a pair of images of the same pixels."""
    long = pair.long.astype(np.float64)
    square = percentile_transform(pair.long).span ** 2
    short = gaussian_filter(pair.short.astype(np.float64), SMOOTH)
    slow = gaussian_filter(long, SMOOTH)
    return Ceiling(_white_noise(long) / square, float(np.mean((fitted(short, slow) - slow) ** 2)) / square)


def _white_noise(image: Image) -> float:
    """Variance of white noise with the power of the finest frequencies."""
    line = np.hanning(BLOCK)
    window = np.outer(line, line)
    window /= np.sqrt(np.mean(window**2))
    views = np.lib.stride_tricks.sliding_window_view(image, (BLOCK, BLOCK))[:: BLOCK // 2, :: BLOCK // 2]
    centred = views - views.mean(axis=(-2, -1), keepdims=True)
    power = np.mean(np.abs(np.fft.fft2(centred * window)) ** 2, axis=(0, 1)) / BLOCK**2
    frequency = np.fft.fftfreq(BLOCK)
    return float(power[np.hypot(frequency[:, None], frequency) > FINEST].mean())


def table(pairs: Iterable[Pair]) -> str:
    """A row for each pair, in dB."""
    rows = [["exposure", "the long one's own noise alone", "slow differences alone", "a perfect result"]]
    for pair in pairs:
        ceiling = ceiling_of(pair)
        alone = (_decibels(ceiling.noise), _decibels(ceiling.smooth), ceiling.psnr)
        rows.append([pair.name, *(f"{each:.1f}" for each in alone)])
    return markdown(rows)


def _decibels(error: float) -> float:
    return float(-10 * np.log10(error))
