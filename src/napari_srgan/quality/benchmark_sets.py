"""Figures on the field's evaluation images, such as Set5 and Set14."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.io import imread

from napari_srgan.errors import UserError
from napari_srgan.quality.comparison import Figures, Image, measure


def evaluate_folder(folder: Path, factor: int, upscale: Callable[[Image], Image]) -> Figures:
    """Upscale every ``NNN_lr.png`` of a folder and compare it with its ``NNN_hr.png``.

    Returns
    -------
    Figures
        Means over the images: of the Y channel, as many border pixels as the factor left out.

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
        each = measure(upscale(imread(file)), truth, border=factor, peak=255)
        figures.append((each.psnr, each.ssim))
    means = np.mean(figures, axis=0)
    return Figures(psnr=float(means[0]), ssim=float(means[1]))
