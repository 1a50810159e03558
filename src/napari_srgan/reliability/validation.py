"""A result compared with the truth, for those who have one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.models.error_table import ErrorTable, brightness_and_structure
from napari_srgan.progress import Job, Progress
from napari_srgan.quality.matching import affine_map
from napari_srgan.quality.metrics import ms_ssim, psnr, ssim
from napari_srgan.quality.ring_correlation import LEAST_RING_SIDE, ring_correlation
from napari_srgan.significant import significant
from napari_srgan.training.pairs.registration import SURE, Peak, find_peak

_SAID_SHIFT = 0.5
"""Pixels of shift from which on it is said."""
_LEAST_SSIM_SIDE = 11
"""Pixels along the side of SSIM's window."""
_REGISTERED = 8
"""Planes at most in which a shift is looked for."""
_BYTES_A_PIXEL = 40
"""Memory for a pixel that is compared: what is matched and the error in double precision, and copies."""


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

    def to_dict(self) -> dict[str, Any]:
        """Figures as plain values that JSON can hold, None where there is none; the error map is left out."""
        return {
            "psnr": _json(self.psnr),
            "ssim": self.ssim,
            "ms_ssim": self.ms_ssim,
            "resolution": _json(self.resolution),
            "gain": self.gain,
            "offset": self.offset,
            "shift": self.shift,
            "covered_by_error_map": self.covered,
        }


def validation_job(
    result: Any, truth: Any, *, errors: ErrorTable | None = None, rgb: bool = False
) -> Job[Validation]:
    """Compare a result with the truth, plane by plane; between two of them it can be cancelled.

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
        If the shapes differ, nothing in them can be compared, or there is too little memory.
    """
    ours, theirs = _in_memory(check_array(result), check_array(truth), rgb)
    finite = np.isfinite(ours) & np.isfinite(theirs)
    if not finite.any():
        raise UserError("there is no pixel that is finite in both; nothing can be compared")
    peak = _peak(theirs, finite)
    if peak == 0:
        raise UserError("the truth shows one value only; nothing can be compared with it")
    gain, offset = affine_map(ours, theirs)
    matched = gain * ours.astype(np.float64) + offset
    ssims, ms_ssims, rings = [], [], []
    peaks: list[Peak] = []
    stack = list(zip(*(_planes(image, rgb) for image in (matched, theirs, finite)), strict=True))
    for done, (a, b, seen) in enumerate(stack):
        yield Progress(done, len(stack), "Comparing with the truth")
        if not seen.any():
            continue
        # Squares of the largest numbers are no floats.
        one, other = _filled(a / peak, seen), _filled(b / peak, seen)
        if min(one.shape) >= _LEAST_SSIM_SIDE:
            ssims.append(ssim(one, other, 1.0))
            ms_ssims.append(ms_ssim(one, other, 1.0))
        if min(one.shape) >= LEAST_RING_SIDE:
            rings.append(ring_correlation(one, other).resolution)
            if len(peaks) < _REGISTERED:
                peaks.append(find_peak(one, other))
    told = [value for value in rings if value is not None]
    return Validation(
        psnr=psnr(matched[finite] / peak, theirs[finite] / peak, 1.0),
        ssim=float(np.mean(ssims)) if ssims else None,
        ms_ssim=float(np.mean(ms_ssims)) if ms_ssims else None,
        resolution=float(np.mean(told)) if told else None,
        gain=gain,
        offset=offset,
        shift=_shift(peaks),
        error=np.where(finite, np.abs(matched - theirs), np.nan).astype(np.float32),
        covered=None if errors is None or gain == 0 else _covered(errors, ours, theirs, gain, offset, rgb),
    )


def matched_psnr(result: NDArray[Any], truth: NDArray[Any]) -> float:
    """PSNR after the gain and offset that bring a result nearest to the truth, as in :class:`Validation`.

    Parameters
    ----------
    result, truth
        Arrays of one shape and any real dtype; the truth has more than one value.
    """
    finite = np.isfinite(result) & np.isfinite(truth)
    gain, offset = affine_map(result, truth)
    peak = _peak(truth, finite)
    matched = gain * result[finite].astype(np.float64) + offset
    return psnr(matched / peak, truth[finite] / peak, 1.0)


def _peak(truth: NDArray[Any], finite: NDArray[np.bool_]) -> float:
    """The largest difference that PSNR is measured by."""
    return 255.0 if truth.dtype == np.uint8 else float(np.ptp(truth[finite].astype(np.float64)))


def _in_memory(result: Any, truth: Any, rgb: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as they are compared, if that can be done."""
    if result.shape != truth.shape:
        raise UserError(
            f"a result is compared with a truth of its own shape; got {result.shape} and {truth.shape}; "
            "crop one of them, or bring the truth to the result's pixels"
        )
    if len(result.shape) < 2 + rgb:
        raise UserError(f"images of two axes or more are compared; got the shape {result.shape}")
    needed, free = math.prod(result.shape) * _BYTES_A_PIXEL, psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"comparing {result.shape} pixels with the truth needs {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} are free; compare a part"
        )
    return np.asarray(result), np.asarray(truth)


def _json(value: float | None) -> float | str | None:
    """JSON has no infinity."""
    return str(value) if value is not None and math.isinf(value) else value


def _planes(image: NDArray[Any], rgb: bool) -> list[NDArray[Any]]:
    """All planes ``(Y, X)``, colours by themselves."""
    image = np.moveaxis(image, -1, 0) if rgb else image
    return list(image.reshape(-1, *image.shape[-2:]))


def _filled(plane: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A plane whose pixels that are not compared are like those near them."""
    values = np.where(seen, plane, np.nan).astype(np.float64)
    return fill_nonfinite(values, float(values[seen].mean()))


def _shift(peaks: list[Peak]) -> tuple[float, float] | None:
    """Where the clearest of the planes agree."""
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
