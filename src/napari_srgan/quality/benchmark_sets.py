"""Figures on the field's evaluation images, such as Set5 and Set14."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imread

from napari_srgan.errors import UserError
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import crop_border, luma, psnr, ssim

Image = NDArray[Any]


@dataclass(frozen=True)
class Figures:
    """Means over the images of a set."""

    psnr: float
    """dB on the Y channel, as many border pixels as the factor left out."""
    ssim: float
    """Of the same pixels."""


def bicubic(low: Image, factor: int) -> Image:
    """Bicubic interpolation of an 8-bit image, rounded and clipped as one would save it."""
    planes = low[..., None] if low.ndim == 2 else low
    tensor = torch.from_numpy(planes.astype(np.float64).transpose(2, 0, 1))[None]
    large = bicubic_upsample(tensor, factor)[0].numpy().transpose(1, 2, 0)
    large = large.round().clip(0, 255).astype(np.uint8)
    return large if low.ndim == 3 else large[..., 0]


def evaluate_folder(folder: Path, factor: int, upscale: Callable[[Image], Image]) -> Figures:
    """Upscale every ``NNN_lr.png`` of a folder and compare it with its ``NNN_hr.png``.

    Raises
    ------
    UserError
        If there are no such pairs.
    """
    files = sorted(folder.glob("*_lr.png"))
    if not files:
        raise UserError(f"{folder} holds no pairs NNN_lr.png and NNN_hr.png")
    figures = []
    for file in files:
        truth = imread(file.with_name(file.name.replace("_lr", "_hr")))
        result = upscale(imread(file))
        ours, theirs = (
            crop_border(luma(image) if image.ndim == 3 else image, factor) for image in (result, truth)
        )
        figures.append((psnr(ours, theirs, peak=255), ssim(ours, theirs, peak=255)))
    means = np.mean(figures, axis=0)
    return Figures(psnr=float(means[0]), ssim=float(means[1]))
