"""One result beside the truth and beside bicubic interpolation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from napari_srgan.images.arrays import restore_dtype
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import Pixels, crop_border, luma, psnr, ssim


@dataclass(frozen=True)
class Figures:
    """How near an image is to the truth, or the means over several."""

    psnr: float
    """dB."""
    ssim: float


def bicubic(low: Pixels, factor: int) -> Pixels:
    """Bicubic interpolation of ``(Y, X)`` or ``(Y, X, 3)``, of its dtype: rounded and clipped."""
    planes = low if low.ndim == 3 else low[..., None]
    tensor = torch.from_numpy(planes.astype(np.float64).transpose(2, 0, 1))[None]
    large = restore_dtype(bicubic_upsample(tensor, factor)[0].numpy().transpose(1, 2, 0), low.dtype)
    return large if low.ndim == 3 else large[..., 0]


def measure(result: Pixels, truth: Pixels, border: int, peak: float | None = None) -> Figures:
    """PSNR and SSIM of an image: of the Y channel for 8-bit RGB.

    Parameters
    ----------
    result, truth
        ``(Y, X)`` or ``(Y, X, 3)``, of equal shape.
    border
        Number of pixels that are left out on each side.
    peak
        The largest difference possible; by default 255 for RGB, and the range of the truth for other images.
    """
    if peak is None:
        peak = 255.0 if truth.ndim == 3 else float(truth.max()) - float(truth.min())
    ours, theirs = (
        crop_border(luma(image) if image.ndim == 3 else image, border) for image in (result, truth)
    )
    return Figures(psnr(ours, theirs, peak), ssim(ours, theirs, peak))
