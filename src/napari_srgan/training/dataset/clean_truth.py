"""Truth without noise: a network that is shown noise as truth learns to make it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.camera import estimate_camera
from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import percentile_transform

_LEAST_SIDE = 16
"""Pixels along the side of an image below which it is binned no further."""


def without_noise(pixels: NDArray[Any], largest: float) -> NDArray[Any]:
    """Bin an image by two until its noise is small enough; each time halves it.

    Parameters
    ----------
    pixels
        ``(Y, X, C)`` of any real dtype.
    largest
        Standard deviation of the noise at half of the brightness, as a part of the range of brightness.

    Returns
    -------
    ndarray
        ``(y, x, C)``; the same array if nothing had to be done, and float32 otherwise.
    """
    while min(pixels.shape[:2]) > _LEAST_SIDE and relative_noise(pixels) > largest:
        rows, columns = (size // 2 for size in pixels.shape[:2])
        blocks = pixels[: 2 * rows, : 2 * columns].astype(np.float32)
        pixels = (
            blocks.reshape(rows, 2, columns, 2, -1).mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
        )
    return pixels


def relative_noise(pixels: NDArray[Any]) -> float:
    """Noise of an image ``(Y, X, C)`` of any real dtype, at half of its brightness, as a part of its range.

    0 where it cannot be told.
    """
    try:
        camera = estimate_camera(pixels)
    except UserError:
        return 0.0
    transform = percentile_transform(pixels)
    if transform.span == 0:
        return 0.0
    half = transform.offset + transform.span / 2
    return float(camera.deviation(np.array([half]))[0]) / transform.span
