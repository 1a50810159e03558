"""A result compared with the truth, for those who have one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.models.error_table import ErrorTable, brightness_and_structure
from napari_srgan.quality.matching import affine_map
from napari_srgan.quality.metrics import ms_ssim, psnr, ssim
from napari_srgan.quality.ring_correlation import LEAST_RING_SIDE, ring_correlation
from napari_srgan.significant import significant
from napari_srgan.training.pairs.registration import SURE, find_peak

_SAID_SHIFT = 0.5
"""Pixels of shift from which on it is said."""


@dataclass(frozen=True)
class Validation:
    """How near a result is to the truth, after the gain and offset that bring it nearest."""

    psnr: float
    """Decibels; the largest difference is the range of the truth, 255 where it has 8 bits."""
    ssim: float | None
    """None for planes of less than 11 pixels a side."""
    ms_ssim: float | None
    """The same."""
    resolution: float | None
    """Pixels a period from which on result and truth do not agree, by Fourier ring correlation at 1/7;
    infinite if they agree in nothing; None if they do at all that pixels show, or are too small to tell."""
    gain: float
    """``gain * result + offset`` is compared with the truth."""
    offset: float
    shift: tuple[float, float] | None
    """How far the truth lies beside the result along Y and X, in pixels; not corrected. None if unclear."""
    error: NDArray[np.float32]
    """``|gain * result + offset - truth|``, of the result's shape, in grey levels of the truth; NaN where
    one of them is not finite."""
    covered: float | None
    """Part of the pixels at which the truth lies within the error table's interval, of those whose
    brightness the table knows; None if there are none, or no table was given."""

    @property
    def sentence(self) -> str:
        """In words."""
        words = f"{self.psnr:.2f} dB PSNR"
        if self.ssim is not None:
            words += f", SSIM {self.ssim:.3f}"
        if self.ms_ssim is not None:
            words += f", MS-SSIM {self.ms_ssim:.3f}"
        if self.resolution == math.inf:
            words += "; agrees with the truth in no detail"
        elif self.resolution is not None:
            words += f"; agrees with the truth down to {self.resolution:.1f} pixels a period"
        words += (
            f"; brightness matched by {significant(self.gain)} x {significant(self.offset, sign=True)}"
            if self.gain > 0
            else "; no brightness above 0 brings it nearer to the truth than one value everywhere"
        )
        if self.shift is not None and math.hypot(*self.shift) >= _SAID_SHIFT:
            y, x = self.shift
            words += f"; the truth lies {y:+.1f}, {x:+.1f} pixels (Y, X) beside it: register them first"
        if self.covered is not None:
            words += f"; {100 * self.covered:.0f} of 100 pixels within the error map"
        return words

    def __str__(self) -> str:
        return self.sentence


def compare_with_truth(
    result: Any, truth: Any, *, errors: ErrorTable | None = None, rgb: bool = False
) -> Validation:
    """Compare a result with the truth.

    Parameters
    ----------
    result, truth
        Arrays ``(..., Y, X)``, or ``(..., Y, X, S)`` if `rgb`, of one shape and any real dtype.
    errors
        A fine-tuned model's table (``model.card.errors``), to see whether it holds.
    rgb
        Whether the last axis has colours.

    Returns
    -------
    Validation
        The figures. In stacks SSIM, MS-SSIM and resolution are means over the
        planes in which there is something to compare; PSNR is of all pixels together.

    Raises
    ------
    UserError
        If the shapes differ, or nothing in them can be compared.
    """
    ours, theirs = np.asarray(check_array(result)), np.asarray(check_array(truth))
    if ours.shape != theirs.shape:
        raise UserError(
            f"a result is compared with a truth of its own shape; got {ours.shape} and {theirs.shape}; "
            "crop one of them, or bring the truth to the result's pixels"
        )
    if ours.ndim < 2 + rgb:
        raise UserError(f"images of two axes or more are compared; got the shape {ours.shape}")
    finite = np.isfinite(ours) & np.isfinite(theirs)
    if not finite.any():
        raise UserError("there is no pixel that is finite in both; nothing can be compared")
    gain, offset = affine_map(ours, theirs)
    matched = gain * ours.astype(np.float64) + offset
    peak = 255.0 if theirs.dtype == np.uint8 else float(np.ptp(theirs[finite].astype(np.float64)))
    if peak == 0:
        raise UserError("the truth shows one value only; nothing can be compared with it")
    planes = [
        (_filled(a / peak, seen), _filled(b / peak, seen))  # squares of the largest numbers are no floats
        for a, b, seen in zip(*(_planes(image, rgb) for image in (matched, theirs, finite)), strict=True)
        if seen.any()
    ]
    large = min(planes[0][0].shape) >= 11
    correlations = (
        [ring_correlation(a, b).resolution for a, b in planes]
        if min(planes[0][0].shape) >= LEAST_RING_SIDE
        else []
    )
    told = [value for value in correlations if value is not None]
    error = np.abs(matched - theirs)
    return Validation(
        psnr=psnr(matched[finite] / peak, theirs[finite] / peak, 1.0),
        ssim=float(np.mean([ssim(a, b, 1.0) for a, b in planes])) if large else None,
        ms_ssim=float(np.mean([ms_ssim(a, b, 1.0) for a, b in planes])) if large else None,
        resolution=float(np.mean(told)) if told else None,
        gain=gain,
        offset=offset,
        shift=_shift(planes),
        error=np.where(finite, error, np.nan).astype(np.float32),
        covered=None if errors is None or gain == 0 else _covered(errors, ours, theirs, gain, offset, rgb),
    )


def _planes(image: NDArray[Any], rgb: bool) -> list[NDArray[Any]]:
    """All planes ``(Y, X)``, colours by themselves."""
    image = np.moveaxis(image, -1, 0) if rgb else image
    return list(image.reshape(-1, *image.shape[-2:]))


def _filled(plane: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A plane whose pixels that are not compared are like those near them."""
    values = np.where(seen, plane, np.nan).astype(np.float64)
    return fill_nonfinite(values, float(values[seen].mean()))


def _shift(planes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> tuple[float, float] | None:
    """Where the clearest of the planes agree."""
    peaks = [find_peak(ours, theirs) for ours, theirs in planes[:8] if min(ours.shape) >= LEAST_RING_SIDE]
    best = max(peaks, key=lambda peak: peak.score, default=None)
    if best is None or best.score < SURE:
        return None
    return float(-best.shift[0]), float(-best.shift[1])


def _covered(
    errors: ErrorTable, result: NDArray[Any], truth: NDArray[Any], gain: float, offset: float, rgb: bool
) -> float | None:
    inside, count = 0, 0
    for ours, theirs in zip(_planes(result, rgb), _planes(truth, rgb), strict=True):
        seen = np.isfinite(ours) & np.isfinite(theirs)
        if not seen.any():
            continue
        brightness, structure = brightness_and_structure(_filled(ours, np.isfinite(ours)))
        seen &= errors.knows(brightness)
        wrong = np.abs(ours.astype(np.float64) - (theirs.astype(np.float64) - offset) / gain)
        inside += int((wrong[seen] <= errors.at(brightness, structure)[seen]).sum())
        count += int(seen.sum())
    return inside / count if count else None
