"""Figures on the field's evaluation images, such as Set5 and Set14."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from skimage.io import imread

from napari_srgan.errors import UserError
from napari_srgan.quality.comparison import Figures, measure
from napari_srgan.quality.metrics import Pixels, crop_border, psnr, ssim

WHITE = 255
"""Of the evaluation images, which are 8-bit."""


@dataclass(frozen=True)
class SetFigures:
    """Means over the images of a set; as many border pixels as the factor left out."""

    psnr: float
    """dB, of the Y channel."""
    ssim: float
    """Of the Y channel."""
    rgb_psnr: float
    """dB, over the samples of all three colours."""
    rgb_ssim: float
    """Mean over the colours."""
    distance: float | None
    """The distance asked for, if one was."""


def evaluate_folder(
    folder: Path,
    factor: int,
    upscale: Callable[[Pixels], Pixels],
    distance: Callable[[Pixels, Pixels], float] | None = None,
) -> SetFigures:
    """Upscale every ``NNN_lr.png`` of a folder and compare it with its ``NNN_hr.png``.

    Parameters
    ----------
    folder
        With 8-bit pictures, gray or RGB.
    factor
        Of the upscaling.
    upscale
        From a picture to one `factor` times larger.
    distance
        Of a result and the truth, without border, e.g. a
        :class:`~lpips_like.LpipsLike`.

    Raises
    ------
    UserError
        If there are no such pairs.
    """
    files = sorted(folder.glob("*_lr.png"))
    if not files:
        raise UserError(f"{folder} holds no pairs NNN_lr.png and NNN_hr.png")
    luma_figures, rgb_figures, distances = [], [], []
    for file in files:
        truth = imread(file.with_name(file.name.replace("_lr", "_hr")))
        result = upscale(imread(file))
        luma_figures.append(measure(result, truth, border=factor, peak=WHITE))
        rgb_figures.append(_measure_rgb(result, truth, border=factor, peak=WHITE))
        if distance:
            distances.append(distance(crop_border(result, factor), crop_border(truth, factor)))
    return SetFigures(
        psnr=mean(each.psnr for each in luma_figures),
        ssim=mean(each.ssim for each in luma_figures),
        rgb_psnr=mean(each.psnr for each in rgb_figures),
        rgb_ssim=mean(each.ssim for each in rgb_figures),
        distance=mean(distances) if distances else None,
    )


def _measure_rgb(result: Pixels, truth: Pixels, border: int, peak: float) -> Figures:
    """PSNR over all samples, and SSIM as the mean over the colours; gray is judged as it is.

    Parameters are those of :func:`~napari_srgan.quality.comparison.measure`.
    """
    ours, theirs = crop_border(result, border), crop_border(truth, border)
    return Figures(psnr(ours, theirs, peak), ssim(ours, theirs, peak))
