"""Pixels that are NaN or infinite: kept where they are, kept out of the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from napari_srgan.inference.intensity import smaller

FILL_RADIUS = 4
"""Finite pixels within this distance stand in for one that is not."""


def fill_nonfinite(plane: NDArray[Any], default: float | None = None) -> NDArray[Any]:
    """Replace what is not finite by the mean of the finite pixels near it.

    Depends on nothing farther than :data:`FILL_RADIUS`, so that a tile is filled as the
    whole plane would be.

    Parameters
    ----------
    plane
        ``(Y, X)`` of a float dtype.
    default
        For pixels with no finite one near; None: the mean of all that are finite, 0 if none is.
    """
    finite = np.isfinite(plane)
    if finite.all():
        return plane
    if default is None:
        default = float(plane[finite].mean()) if finite.any() else 0.0
    size = 2 * FILL_RADIUS + 1
    # Differences from the default keep precision where the mean is far from 0.
    small = smaller(plane)
    values = np.where(finite, plane, 0.0).astype(np.float64) * small - default * small
    values[~finite] = 0.0
    weight = uniform_filter(finite.astype(np.float64), size, mode="constant")
    total = uniform_filter(values, size, mode="constant")
    # Less than half a pixel's weight is the rounding of the running mean.
    near = weight > 0.5 / size**2
    mean = (default * small + np.divide(total, weight, out=np.zeros_like(total), where=near)) / small
    return np.where(finite, plane, mean)


def put_back_nonfinite(result: NDArray[Any], plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """Put NaN and infinities into the pixels of the result that theirs became."""
    if plane.dtype.kind != "f" or np.isfinite(plane).all():
        return result
    large = plane.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.where(np.isfinite(large), result, large)
