"""How near an image is to the truth: the figures the field publishes.

All functions take float or integer arrays ``(Y, X)`` or ``(Y, X, 3)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

Pixels = NDArray[Any]


def luma(rgb: Pixels) -> NDArray[np.float64]:
    """Y of ITU-R BT.601, in 16..235, as MATLAB's ``rgb2ycbcr`` computes it.

    Parameters
    ----------
    rgb
        8-bit RGB ``(Y, X, 3)``: values from 0 to 255 of any real dtype.

    Returns
    -------
    NDArray
        ``(Y, X)`` of float64.
    """
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return np.asarray(rgb, np.float64) @ weights + 16


def crop_border(image: Pixels, pixels: int) -> Pixels:
    """Leave out a border, where methods differ in what they take to lie beyond.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)`` of any real dtype.
    pixels
        Number of pixels that are left out on each side.

    Returns
    -------
    NDArray
        ``(Y - 2 * pixels, X - 2 * pixels[, 3])`` of the same dtype.
    """
    return image[pixels:-pixels, pixels:-pixels] if pixels else image


def psnr(result: Pixels, truth: Pixels, peak: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal images.

    Parameters
    ----------
    result, truth
        Arrays of equal shape and any real dtype.
    peak
        The largest difference possible: 255 for 8-bit images.
    """
    error = np.mean((np.asarray(result, np.float64) - np.asarray(truth, np.float64)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(peak**2 / float(error))


def ssim(result: Pixels, truth: Pixels, peak: float) -> float:
    """Structural similarity with the window of Wang et al. 2004 (11 x 11, Gaussian, sigma 1.5).

    Source: Wang, Z. et al. (2004). Image quality assessment: from error visibility to
    structural similarity. IEEE Trans. Image Processing 13(4), eq. 13; K1 = 0.01, K2 = 0.03.

    Parameters
    ----------
    result, truth
        ``(Y, X)`` or ``(Y, X, 3)`` of equal shape and any real dtype, at least 11 pixels along Y and X.
    peak
        The largest difference possible: 255 for 8-bit images.

    Raises
    ------
    ValueError
        If the window does not fit into the image.
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


SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales of multi-scale SSIM, finest first (Wang et al. 2003, section 3.2)."""
_WINDOW_RADIUS, _WINDOW_SIGMA = 5, 1.5
_K1, _K2 = 0.01, 0.03


def ms_ssim(result: Pixels, truth: Pixels, peak: float) -> float:
    """Multi-scale structural similarity: 1 for equal images.

    Contrast and structure are compared at five scales, each half as fine as the one before
    (means of 2 x 2 pixels), brightness at the coarsest. An image whose smaller side is below
    176 pixels has no room for the 11 x 11 window at the coarsest scale: as many scales as fit are
    compared, with their weights brought to a sum of 1, so that figures of small and of large
    images must not be compared. Anticorrelated structure counts as 0. Colours are averaged.

    Source: Wang, Z., Simoncelli, E. P. and Bovik, A. C. (2003). Multiscale structural
    similarity for image quality assessment. Asilomar Conf. Signals, Systems and Computers,
    eq. 7; window and constants as in :func:`ssim`.

    Parameters
    ----------
    result, truth
        Arrays of equal shape, both sides at least 11.
    peak
        The largest difference possible: 255 for 8-bit images.

    Raises
    ------
    ValueError
        If the window does not fit into the image.
    """
    ours, theirs = np.asarray(result, np.float64), np.asarray(truth, np.float64)
    if ours.ndim == 3:
        return float(np.mean([ms_ssim(ours[..., k], theirs[..., k], peak) for k in range(ours.shape[2])]))
    window = 2 * _WINDOW_RADIUS + 1
    if min(ours.shape) < window:
        raise ValueError(f"multi-scale SSIM needs {window} x {window} pixels; got {ours.shape}")
    fitting = int(math.log2(min(ours.shape) / window)) + 1
    weights = np.array(SCALE_WEIGHTS[:fitting])
    weights /= weights.sum()
    value = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            ours, theirs = _halved(ours), _halved(theirs)
        brightness, structure = _ssim_terms(ours, theirs, peak)
        term = float((brightness * structure).mean() if scale == len(weights) - 1 else structure.mean())
        value *= max(term, 0.0) ** float(weight)
    return value


def _ssim_terms(ours: Pixels, theirs: Pixels, peak: float) -> tuple[Pixels, Pixels]:
    """Luminance, and contrast times structure, where the window lies inside the image."""

    def blurred(image: Pixels) -> Pixels:
        whole = gaussian_filter(image, _WINDOW_SIGMA, radius=_WINDOW_RADIUS)
        return crop_border(whole, _WINDOW_RADIUS)

    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    our_mean, their_mean = blurred(ours), blurred(theirs)
    our_variance = blurred(ours**2) - our_mean**2
    their_variance = blurred(theirs**2) - their_mean**2
    covariance = blurred(ours * theirs) - our_mean * their_mean
    brightness = (2 * our_mean * their_mean + c1) / (our_mean**2 + their_mean**2 + c1)
    return brightness, (2 * covariance + c2) / (our_variance + their_variance + c2)


def _halved(image: Pixels) -> NDArray[np.float64]:
    """Means of 2 x 2 pixels; a last odd row or column is left out."""
    y, x = (size // 2 for size in image.shape)
    means: NDArray[np.float64] = image[: 2 * y, : 2 * x].reshape(y, 2, x, 2).mean(axis=(1, 3))
    return means
