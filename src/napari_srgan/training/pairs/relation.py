"""How the brightness and the sharpness of two registered images relate."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

Values = NDArray[np.float64]

START_SAMPLES = 800
"""Evenly spread pixels for the first fit, whose work grows with their square."""
MOST_SAMPLES = 200_000
_TURNS = 20
BEND = 4.685
"""Robust standard deviations beyond which a pixel has no say (Beaton and Tukey 1974)."""
_RINGS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Frequencies, cycles a pixel, between which sharpness is compared; below, structure is coarse."""
COHERENT = 0.6
"""Coherence from which a ring counts: noise then has at most 1 / 0.6 - 1 of the structure's power."""
SHARPER = 2.2
"""How many times as much power as the other image, both relative to their coarse structure, the sharper one
has."""


def pearson(first: Values, second: Values) -> float:
    """Pearson's correlation, from -1 to 1; 0 if one is constant.

    Parameters
    ----------
    first, second
        Arrays of float64 and of one size, any shape, finite.
    """
    a, b = first.ravel() - first.mean(), second.ravel() - second.mean()
    # A product of squares may be too large or too small for a float; the roots are not.
    norm = float(np.sqrt(a @ a)) * float(np.sqrt(b @ b))
    return float(a @ b) / norm if norm > 0 else 0.0


def robust_line(x: Values, y: Values) -> tuple[float, float]:
    """Slope and offset of ``y = slope * x + offset`` that outliers do not move.

    Starts at the median of slopes between pairs of points (Theil, H. (1950). A rank-invariant method of
    linear regression. Proc. Kon. Ned. Akad. Wet. 53; Sen, P. K. (1968). JASA 63, 1379-1389), and goes on
    by least squares with the biweight of Beaton, A. E. and Tukey, J. W. (1974). Technometrics
    16(2), 147-185. Where most of `x` is one value (localisation microscopy: empty ground), as many
    pixels above it as on it are looked at, or the line would be that of the ground alone.

    Parameters
    ----------
    x, y
        Arrays of float64 and of one size, any shape, finite.
    """
    x, y = x.ravel(), y.ravel()
    chosen = _balanced(x)
    x, y = x[chosen], y[chosen]
    if x.size < 2 or np.ptp(x) == 0:
        return 0.0, float(np.median(y)) if y.size else 0.0
    few = np.linspace(0, x.size - 1, min(x.size, START_SAMPLES)).astype(int)
    if np.ptp(x[few]) > 0:
        slope, offset, *_ = map(float, theilslopes(y[few], x[few]))
    else:
        slope, offset = 0.0, float(np.median(y))
    for _ in range(_TURNS):
        residuals = y - slope * x - offset
        width = 1.4826 * float(np.median(np.abs(residuals)))
        if width <= 1e-12 * float(np.ptp(y)):
            break
        weight = np.clip(1 - (residuals / (BEND * width)) ** 2, 0, None) ** 2
        before = slope
        slope, offset = _weighted_line(x, y, weight)
        if abs(slope - before) <= 1e-6 * abs(slope):
            break
    return slope, offset


def _balanced(x: Values) -> NDArray[np.intp]:
    """Places of the values to fit: at most half of them on the ground, evenly spread."""
    order = np.argsort(x, kind="stable")
    middle = x[order[x.size // 2]]
    ground = x <= x.min() + 0.02 * (np.percentile(x, 99.5) - x.min())
    if middle <= x.min() + 0.02 * (np.percentile(x, 99.5) - x.min()) and not ground.all():
        above = np.flatnonzero(~ground)
        below = np.flatnonzero(ground)
        below = below[np.linspace(0, below.size - 1, min(above.size, below.size)).astype(int)]
        places = np.sort(np.concatenate([above, below]))
    else:
        places = np.arange(x.size)
    step = max(places.size // MOST_SAMPLES, 1)
    thinned: NDArray[np.intp] = places[::step]
    return thinned


def _weighted_line(x: Values, y: Values, weight: Values) -> tuple[float, float]:
    total = float(weight.sum())
    if total <= 0:
        return 0.0, float(np.median(y))
    x_mean, y_mean = float((weight * x).sum()) / total, float((weight * y).sum()) / total
    variance = float((weight * (x - x_mean) ** 2).sum())
    if variance <= 0:
        return 0.0, y_mean
    slope = float((weight * (x - x_mean) * (y - y_mean)).sum()) / variance
    return slope, y_mean - slope * x_mean


def is_sharper(first: Values, second: Values) -> bool:
    """Whether the first of two registered images of one field is clearly the sharper one.

    Only frequencies count at which the two are coherent: noise is not sharpness.

    Parameters
    ----------
    first, second
        ``(Y, X)`` of float64 and of one shape, finite.
    """
    window = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1]))
    ours, theirs = (
        np.fft.fft2((image - image.mean()) / (image.std() or 1) * window) for image in (first, second)
    )
    y, x = (np.fft.fftfreq(size) for size in first.shape)
    frequency = np.hypot(y[:, None], x[None])

    def powers(from_: float, to: float) -> tuple[float, float, float]:
        ring = (frequency >= from_) & (frequency < to)
        a, b = ours[ring], theirs[ring]
        own, other = float((np.abs(a) ** 2).mean()), float((np.abs(b) ** 2).mean())
        return own, other, float(np.abs((a * b.conj()).mean()) ** 2) / (own * other or 1.0)

    coarse_own, coarse_other, _ = powers(1 / min(first.shape), _RINGS[0])
    for ring in pairwise(_RINGS):
        fine_own, fine_other, coherence = powers(*ring)
        ratio = (fine_own * coarse_other) / (fine_other * coarse_own or 1.0)
        if coherence >= COHERENT and ratio >= SHARPER:
            return True
    return False
