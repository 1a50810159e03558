"""Results brought to the brightness of the truth, before they are compared.

Two measured images of one field differ in brightness for reasons no network can know: exposure,
another camera, another modality. The field compares them after the affine map that brings the
result nearest (Weigert, M. et al. (2018). Content-aware image restoration: pushing the limits of
fluorescence microscopy. Nature Methods 15, 1090-1097, whose figures are made so).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXTREMES = (0.1, 99.9)
"""Percentiles beyond which values are held back for the first fit."""
_OUTLIER = 10.0
"""Standard deviations of the first fit's residuals from which a pixel is left out of the second."""


def match_intensities(result: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Map a result by the gain and offset that bring it nearest to the truth.

    Least squares over all pixels but gross outliers (hot pixels, values that are not finite): a
    first fit is made with both images clipped to their percentiles :data:`_EXTREMES`, a second
    with the pixels that lie within :data:`_OUTLIER` standard deviations of the first. More would
    not be right to leave out: where truth is sparse and bright, as in localisation microscopy,
    it is the image itself that lies far from most pixels. The gain is never negative: an
    image of inverted contrast is not like its truth.

    Parameters
    ----------
    result, truth
        ``(Y, X)`` or ``(Y, X, 3)`` of equal shape and any real dtype. Colours share one map.

    Returns
    -------
    NDArray
        ``gain * result + offset``, neither rounded nor clipped.
    """
    gain, offset = affine_map(result, truth)
    return gain * np.asarray(result, np.float64) + offset


def affine_map(result: NDArray[Any], truth: NDArray[Any]) -> tuple[float, float]:
    """Find the gain and the offset of :func:`match_intensities`.

    Parameters
    ----------
    result, truth
        Arrays of equal shape and any real dtype.

    Returns
    -------
    tuple of float
        Gain, not negative, and offset in grey levels of the truth; 0 and 0 if no pixel is finite in both.
    """
    x, y = np.asarray(result, np.float64).ravel(), np.asarray(truth, np.float64).ravel()
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if x.size == 0:
        return 0.0, 0.0
    (x, x_power), (y, y_power) = _scaled(x), _scaled(y)
    clipped_x, clipped_y = (np.clip(values, *np.percentile(values, _EXTREMES)) for values in (x, y))
    gain, offset = _least_squares(clipped_x, clipped_y)
    width = float(np.std(clipped_y - gain * clipped_x - offset))
    inside = np.abs(y - gain * x - offset) <= max(_OUTLIER * width, 1e-9 * float(np.abs(y).max()))
    if inside.any():
        gain, offset = _least_squares(x[inside], y[inside])
    return float(np.ldexp(gain, y_power - x_power)), float(np.ldexp(offset, y_power))


def _scaled(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Values divided by a power of two, so that their squares are floats; and its exponent."""
    power = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -power), power


def _least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    x_mean, y_mean = float(x.mean()), float(y.mean())
    variance = float(np.mean((x - x_mean) ** 2))
    gain = max(float(np.mean((x - x_mean) * (y - y_mean))) / variance, 0.0) if variance > 0 else 0.0
    return gain, y_mean - gain * x_mean
