"""Low resolution made from high resolution, the way the field measures itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.networks import bicubic_downsample


def degrade(high: NDArray[Any], factor: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make a low-resolution image by antialiased bicubic interpolation.

    Parameters
    ----------
    high
        ``(Y, X, C)`` of any real dtype; cropped at its end to multiples of `factor`.
    factor
        How many times smaller the result is.

    Returns
    -------
    low, high
        Both of the dtype of `high`: ``(Y // factor, X // factor, C)``, and the crop of
        `high` that it was made from.
    """
    y, x = (size // factor * factor for size in high.shape[:2])
    high = high[:y, :x]
    whole_numbers = high.dtype.kind in "iu"
    planes = torch.from_numpy(high.astype(np.float64).transpose(2, 0, 1))[None]
    low = bicubic_downsample(planes, factor, whole_numbers=whole_numbers)[0].numpy()
    if whole_numbers:
        low = low.clip(np.iinfo(high.dtype).min, np.iinfo(high.dtype).max)
    return low.transpose(1, 2, 0).astype(high.dtype), high
