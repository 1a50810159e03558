"""Pictures of a check, as plain arrays that a viewer or a page can show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved

from napari_srgan.training.pairs.plane_pair import checked_region, joined, read_strip, strips
from napari_srgan.training.pairs.report import PairReport, shift_of

_LIMITS = (25.0, 99.7)
"""Percentiles of an image's structure that are shown as black and as full colour."""
_GROUND = 16.0
"""Sigma of the background that is taken off, low-resolution pixels."""
_LEAST = 0.3
"""Share of the plane's contrast below which structure is not made stronger."""


def overlay(report: PairReport, *, corrected: bool = False) -> NDArray[np.float32]:
    """The low image in red and the downsampled high image in green, of the first plane that was looked at.

    Where they agree, it is yellow.

    Background and differences in brightness are evened out: it shows where structure lies.

    Parameters
    ----------
    report
        The report of the pair.
    corrected
        Whether to move the high image by the measured shift.

    Returns
    -------
    NDArray
        ``(Y, X, 3)`` of float32 from 0 to 1, on the low-resolution grid; it begins at :func:`overlay_origin`.
    """
    pair = report.pair
    plane = next((block.plane for block in report.blocks), pair.planes()[0])
    pixels = joined([read_strip(pair, plane, rows) for rows in strips(pair)])
    high = pixels.high
    if corrected:
        high = moved(high, shift_of(report, plane), order=1, mode="constant", cval=float(high.min()))
    picture = np.zeros((*pixels.low.shape, 3), np.float32)
    picture[..., 0], picture[..., 1] = _shown(pixels.low), _shown(high)
    return picture


def overlay_origin(report: PairReport) -> tuple[int, int]:
    """Row and column of the low-resolution image at which the overlay begins."""
    (top, _), (left, _) = checked_region(report.pair)
    return report.pair.low_region[0][0] + top, report.pair.low_region[1][0] + left


def arrows(report: PairReport, *, enlarged: float = 10.0) -> NDArray[np.float64]:
    """Where the high image of that plane is to be moved, block by block: napari's Vectors.

    Parameters
    ----------
    report
        The report of the pair.
    enlarged
        How many times longer than the shift an arrow is: half a pixel would not be seen.

    Returns
    -------
    NDArray
        ``(N, 2, 2)`` of float64: for each good block its centre and the enlarged shift, Y and X in pixels of
        the low-resolution image.
    """
    plane = next((block.plane for block in report.blocks), None)
    (top, _), (left, _) = report.pair.low_region
    found = []
    for block in report.blocks:
        if block.good and block.plane == plane:
            middle = (block.side - 1) / 2
            start = (top + block.y + middle, left + block.x + middle)
            found.append((start, (block.shift[0] * enlarged, block.shift[1] * enlarged)))
    return np.array(found, np.float64).reshape(-1, 2, 2)


def _shown(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Structure alone, equally strong everywhere: out-of-focus light would drown it."""
    detail = plane - gaussian_filter(plane, _GROUND)
    spread = float(detail.std()) or 1.0
    local = np.sqrt(gaussian_filter(detail**2, 2 * _GROUND))
    # Where there is little, noise is not made as strong as structure is elsewhere.
    even = detail / (local + _LEAST * spread)
    low, high = np.percentile(even, _LIMITS)
    shown: NDArray[np.float64] = np.clip((even - low) / ((high - low) or 1.0), 0, 1)
    return shown
