"""How near an image is to the truth: the figures the field publishes.

All functions take float or integer arrays ``(Y, X)`` or ``(Y, X, 3)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Image = NDArray[Any]


def luma(rgb: Image) -> NDArray[np.float64]:
    """Y of ITU-R BT.601 from 8-bit RGB ``(Y, X, 3)``, in 16..235, as MATLAB's ``rgb2ycbcr``."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return np.asarray(rgb, np.float64) @ weights + 16


def crop_border(image: Image, pixels: int) -> Image:
    """Leave out a border, where methods differ in what they take to lie beyond."""
    return image[pixels:-pixels, pixels:-pixels] if pixels else image


def psnr(result: Image, truth: Image, peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    result, truth
        Arrays of equal shape.
    peak
        The largest difference possible: 255 for 8-bit images.
    """
    error = np.mean((np.asarray(result, np.float64) - np.asarray(truth, np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(peak**2 / float(error))


def ssim(result: Image, truth: Image, peak: float) -> float:
    """Structural similarity with the window of Wang et al. 2004 (11 x 11, Gaussian, sigma 1.5).

    Source: Wang, Z. et al. (2004). Image quality assessment: from error visibility to
    structural similarity. IEEE Trans. Image Processing 13(4), eq. 13; K1 = 0.01, K2 = 0.03.
    """
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            np.asarray(result, np.float64),
            np.asarray(truth, np.float64),
            data_range=peak,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1 if np.ndim(truth) == 3 else None,
        )
    )
