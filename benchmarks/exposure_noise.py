"""What the noise of real short exposures is like, which a simulation has to resemble; used by real_noise.py.

The noise is what is left of the short exposure when the long one, brought to its brightness, is taken away,
and what is coarser than a few pixels is filtered out. It is looked at where the long exposure is flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markdown_table import markdown
from numpy.typing import NDArray
from real_pairs import Pair, fitted
from scipy.ndimage import gaussian_filter

Image = NDArray[Any]

FLAT = 0.4
"""The part of the image with the least gradients of the long exposure."""
SMOOTH, COARSE = 2.0, 5.0
"""Sigma of the filter before gradients and levels are read from the long exposure, and of the high-pass."""
LEVELS = 8
"""Groups of pixels of equal brightness."""
BLOCK = 8
"""Pixels along the side of JPEG's blocks."""


@dataclass(frozen=True)
class ExposureNoise:
    """Of one short exposure."""

    along_x: float
    """Correlation of the noise of neighbours along X; white noise has 0."""
    along_y: float
    blocks: float
    """Change across every eighth line over that across others, the most of X and Y; JPEG has more than 1."""
    black: float
    """Part of the pixels at 0."""
    white: float
    """Part of the pixels at 255."""
    grey_levels: int
    """Values that occur."""
    gain: float
    """Grey levels per electron: the slope of the noise's variance over the mean."""
    electrons: float
    """From the background to 255."""
    read_noise: float
    """Noise of the background in electrons: its own light and read noise."""


def noise_of(pair: Pair) -> ExposureNoise:
    """Find them in a pair of 8-bit images."""
    short = pair.short.astype(np.float64)
    noise = short - fitted(pair.long, pair.short)
    noise -= gaussian_filter(noise, COARSE)
    smooth = gaussian_filter(pair.long.astype(np.float64), SMOOTH)
    slope = np.hypot(*np.gradient(smooth))
    flat = slope <= np.quantile(slope, FLAT)
    background, gain, least = _photon_transfer(short, noise, smooth, slope)
    return ExposureNoise(
        along_x=_correlation(noise, flat),
        along_y=_correlation(noise.T, flat.T),
        blocks=max(_blockiness(short), _blockiness(short.T)),
        black=float(np.mean(pair.short == 0)),
        white=float(np.mean(pair.short == 255)),
        grey_levels=len(np.unique(pair.short)),
        gain=gain,
        electrons=(255 - background) / gain,
        read_noise=least / gain,
    )


def _correlation(noise: Image, flat: Image) -> float:
    """Of neighbours along the last axis, both in flat places."""
    both = flat[:, 1:] & flat[:, :-1]
    left, right = noise[:, :-1][both], noise[:, 1:][both]
    return float(np.mean(left * right) / np.sqrt(np.mean(left**2) * np.mean(right**2)))


def _blockiness(image: Image) -> float:
    change = np.abs(np.diff(image, axis=1)).mean(axis=0)
    phases = [change[start::BLOCK].mean() for start in range(BLOCK)]
    return float(max(phases) / np.median(phases))


def _photon_transfer(short: Image, noise: Image, smooth: Image, slope: Image) -> tuple[float, float, float]:
    """Grey level of the background, grey levels per electron, and deviation of the background's noise."""
    bounds = np.quantile(smooth, np.linspace(0, 1, LEVELS + 1))
    means, variances = [], []
    for low, high in pairwise(bounds):
        group = (smooth >= low) & (smooth <= high)
        group &= slope <= np.median(slope[group])
        means.append(float(short[group].mean()))
        variances.append(float(noise[group].var()))
    gain = float(np.polyfit(means, variances, 1)[0])
    return means[0], gain, variances[0] ** 0.5


def table(pairs: Iterable[Pair]) -> str:
    """A row for each short exposure."""
    rows = [[
        "short exposure", "correlation of neighbours X, Y", "8-pixel blocks", "at 0", "at 255",
        "grey levels", "grey levels per electron", "electrons, background to 255",
        "noise of the background, electrons",
    ]]  # fmt: skip
    for pair in pairs:
        n = noise_of(pair)
        rows.append([
            pair.name, f"{n.along_x:+.2f}, {n.along_y:+.2f}", f"{n.blocks:.3f}", f"{n.black:.2%}",
            f"{n.white:.2%}", str(n.grey_levels), f"{n.gain:.2g}", f"{n.electrons:.0f}",
            f"{n.read_noise:.1f}",
        ])  # fmt: skip
    return markdown(rows)
