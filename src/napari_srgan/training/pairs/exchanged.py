"""Whether two images of one size were given in the wrong order.

Of images of two sizes the larger one is the better; of two of one size the better one is sharper, or has
less noise, or both. Only where it is clear that it is the other way round, they are taken to be exchanged.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate, gaussian_filter

from napari_srgan.training.pairs.registration import Plane
from napari_srgan.training.pairs.relation import is_sharper

NOISIER = 2.5
"""How many times as much noise as the other image an image has that is clearly the noisier one. Of 480
simulated pairs (blur, photons, both) none is refused by it in the right order; in the wrong one 9 of 10 at 20
photons are, half at 100."""
_BLOCK = 8
"""Pixels along the side of a block whose noise is measured."""
_QUIET = 0.3
"""Share of the blocks, those with the least variance, that have less structure than noise in images that are
not all texture."""
_SMOOTH = 2.0
"""Sigma in pixels at which the brightness of both is compared: beyond noise."""
FLOOR = 0.005
"""Part of the range of brightness below which noise is none: 8 bit rounds as much away."""
SECOND_DIFFERENCES = np.outer([1, -2, 1], [1, -2, 1]) / 6
"""The mask of Immerkaer, J. (1996). Fast noise variance estimation. CVIU 64(2), 300-302, eq. 1; its squares
sum to 1."""


def exchanged(low: Plane, high: Plane) -> str:
    """Say in which way `low` is the better one of two images that lie on each other; empty if it is not.

    Parameters
    ----------
    low, high
        ``(Y, X)`` of float64 and of one shape, finite.
    """
    noisier = noise_ratio(low, high)
    if is_sharper(low, high):
        # With less light an image may well be sharper than what was averaged or processed.
        return "is sharper" if noisier < NOISIER else ""
    if noisier <= 1 / NOISIER and not is_sharper(high, low):
        return "has less noise"
    return ""


def noise_ratio(first: Plane, second: Plane) -> float:
    """How many times as much noise the first image has, both at one brightness.

    Parameters
    ----------
    first, second
        ``(Y, X)`` of float64 and of one shape, finite.
    """
    coarse = [gaussian_filter(image, _SMOOTH) for image in (first, second)]
    own, other = (float(image.std()) or 1.0 for image in coarse)
    least = FLOOR * float(np.ptp(np.percentile(coarse[0], [1, 99])))
    return (_noise(first) + least) / (_noise(second) * own / other + least or 1.0)


def _noise(image: Plane) -> float:
    """Standard deviation of the noise in quiet blocks."""
    rows, columns = (size // _BLOCK for size in image.shape)
    residual = correlate(image, SECOND_DIFFERENCES, mode="nearest")[: rows * _BLOCK, : columns * _BLOCK]
    blocks = (residual**2).reshape(rows, _BLOCK, columns, _BLOCK).mean(axis=(1, 3))
    return float(np.sqrt(np.quantile(blocks, _QUIET)))
