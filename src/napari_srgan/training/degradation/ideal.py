"""Low resolution made from high resolution the way the field measures itself."""

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
        ``(Y // factor, X // factor, C)``, and the crop of `high` that it was made from; both of the dtype of
        `high`.
    """
    y, x = (size // factor * factor for size in high.shape[:2])
    high = high[:y, :x]
    info = np.iinfo(high.dtype) if high.dtype.kind in "iu" else None
    planes = torch.from_numpy(high.astype(np.float64).transpose(2, 0, 1))[None]
    integers = (int(info.min), int(info.max)) if info else None
    low = bicubic_downsample(planes, factor, integers=integers)[0].numpy()
    return low.transpose(1, 2, 0).astype(high.dtype), high
