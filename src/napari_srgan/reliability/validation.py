"""A result compared with the truth, for those who have one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median_high
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import check_array
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.models.error_table import ErrorTable, brightness_and_structure
from napari_srgan.progress import Job, Progress
from napari_srgan.quality.metrics import ms_ssim, ssim
from napari_srgan.quality.ring_correlation import LEAST_RING_SIDE, ring_correlation
from napari_srgan.reliability.matched import (
    MatchedPlane,
    SquaredError,
    match_channels,
    matched_planes,
    read_both,
)
from napari_srgan.reliability.naming import Naming
from napari_srgan.significant import significant
from napari_srgan.training.pairs.registration import SURE, Peak, find_peak

_SAID_SHIFT = 0.5
"""Pixels of shift from which on it is said."""
_LEAST_SSIM_SIDE = 11
"""Pixels along the side of SSIM's window."""
_REGISTERED = 8
"""Planes at most in which a shift is looked for."""
_FINEST = 0.0
"""Stands for agreement at all that pixels show: finer than any resolution there is."""
_SAID_ONE_BY_ONE = 4
"""Channels up to which the brightness of each is said."""


@dataclass(frozen=True)
class Validation:
    """How near a result is to the truth, after the gain and offset that bring each channel nearest."""

    psnr: float
    """Decibels; the largest difference is the range of the truth's channel, 255 where it has 8 bits."""
    ssim: float | None
    """None for planes of less than 11 pixels a side."""
    ms_ssim: float | None
    """The same."""
    resolution: float | None
    """Pixels a period from which on result and truth do not agree, by Fourier ring correlation at 1/7;
    infinite if they agree in nothing; None if they do at all that pixels show, or are too small to tell."""
    gains: tuple[float, ...]
    """One for each entry along C, one alone without that axis: ``gain * result + offset`` is compared with
    the truth. NaN for a channel whose truth shows one value only: it is not compared."""
    offsets: tuple[float, ...]
    """Likewise, in grey levels of the truth."""
    shift: tuple[float, float] | None
    """How far the truth lies beside the result along Y and X, in pixels; not corrected. None if unclear."""
    error: NDArray[np.float32]
    """``|gain * result + offset - truth|``, of the result's shape, in grey levels of the truth; NaN where
    nothing is compared: one of them is not finite, and alpha."""
    covered: float | None
    """Part of the pixels at which the truth lies within the error table's interval, of those whose
    brightness the table knows; None if there are none, or no table was given."""

    @property
    def sentence(self) -> str:
        """In words, with the numbers of channels."""
        return self.words(Naming())

    def words(self, naming: Naming) -> str:
        """In words, with the names of channels."""
        words = f"{self.psnr:.2f} dB PSNR"
        if self.ssim is not None:
            words += f", SSIM {self.ssim:.3f}"
        if self.ms_ssim is not None:
            words += f", MS-SSIM {self.ms_ssim:.3f}"
        if self.resolution == math.inf:
            words += "; agrees with the truth in no detail"
        elif self.resolution is not None:
            words += f"; agrees with the truth down to {self.resolution:.1f} pixels a period"
        words += f"; {self._brightness(naming)}"
        if self.shift is not None and math.hypot(*self.shift) >= _SAID_SHIFT:
            y, x = self.shift
            words += f"; the truth lies {y:+.1f}, {x:+.1f} pixels (Y, X) beside it: register them first"
        if self.covered is not None:
            words += f"; {100 * self.covered:.0f} of 100 pixels within the error map"
        return words

    def __str__(self) -> str:
        return self.sentence

    def _brightness(self, naming: Naming) -> str:
        said = [_said(gain, offset) for gain, offset in zip(self.gains, self.offsets, strict=True)]
        if len(set(said)) == 1:
            return said[0]
        if len(said) <= _SAID_ONE_BY_ONE:
            return ", ".join(f"{naming.channel(channel)}: {words}" for channel, words in enumerate(said))
        least, most = np.nanmin(self.gains), np.nanmax(self.gains)
        return f"brightness of each channel matched, by {significant(least)} to {significant(most)} x"

    def to_dict(self) -> dict[str, Any]:
        """Figures as plain values that JSON can hold, None where there is none; the error map is left out."""
        return {
            "psnr": plain(self.psnr),
            "ssim": self.ssim,
            "ms_ssim": self.ms_ssim,
            "resolution": plain(self.resolution),
            "gains": [plain(gain) for gain in self.gains],
            "offsets": [plain(offset) for offset in self.offsets],
            "shift": self.shift,
            "covered_by_error_map": self.covered,
        }


def plain(value: float | None) -> float | str | None:
    """A figure as JSON can hold it: it has no infinity, which becomes ``"inf"``, and no NaN, which becomes
    None."""
    if value is None or math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value


def validation_job(
    result: Any, truth: Any, axes: str, *, errors: ErrorTable | None = None
) -> Job[Validation]:
    """Compare a result with the truth, plane by plane; between two of them it can be cancelled.

    Parameters
    ----------
    result, truth
        Arrays of one shape and any real dtype.
    axes
        One letter for each of their axes. Entries along C are brought to the brightness of the truth each
        by itself; of colours alpha is left out.
    errors
        A fine-tuned model's table (``model.card.errors``), to see whether it holds.

    Returns
    -------
    Validation
        The figures. In stacks SSIM and MS-SSIM are means over the planes in which there is something to
        compare, the resolution is their median; PSNR is of all pixels together.

    Raises
    ------
    UserError
        If the shapes differ, nothing in them can be compared, or there is too little memory.
    """
    ours, theirs = read_both(check_array(result), check_array(truth), axes)
    levels = match_channels(ours, theirs, axes)
    error = np.full(ours.shape, np.nan, np.float32)
    figures = _Figures(errors)
    planes = math.prod(ours.shape) // math.prod(ours.shape[axes.index("Y") :][:2])
    for done, plane in enumerate(matched_planes(ours, theirs, axes, levels)):
        yield Progress(done, planes, "Comparing with the truth")
        wrong = np.where(plane.seen, np.abs(plane.result - plane.truth), np.nan)
        with np.errstate(over="ignore"):
            error[plane.key] = wrong * plane.levels.peak
        figures.add(plane, ours[plane.key])
    told = [math.nan if one is None else one.gain for one in levels]
    offsets = [math.nan if one is None else one.offset for one in levels]
    return figures.told(tuple(told), tuple(offsets), error)


class _Figures:
    """What is found plane by plane."""

    def __init__(self, errors: ErrorTable | None) -> None:
        self._errors = errors
        self._squared = SquaredError()
        self._ssims: list[float] = []
        self._ms_ssims: list[float] = []
        self._resolutions: list[float] = []
        self._peaks: list[Peak] = []
        self._inside, self._known = 0, 0

    def add(self, plane: MatchedPlane, result: NDArray[Any]) -> None:
        """Count one more plane, and the result there in its own grey levels."""
        self._squared.add(plane)
        one, other = (
            fill_nonfinite(np.where(plane.seen, pixels, np.nan)) for pixels in (plane.result, plane.truth)
        )
        if min(one.shape) >= _LEAST_SSIM_SIDE:
            self._ssims.append(ssim(one, other, 1.0))
            self._ms_ssims.append(ms_ssim(one, other, 1.0))
        if min(one.shape) >= LEAST_RING_SIDE and np.ptp(other) > 0:
            self._resolutions.append(ring_correlation(one, other).resolution or _FINEST)
            if len(self._peaks) < _REGISTERED:
                self._peaks.append(find_peak(one, other))
        if self._errors is not None and plane.levels.gain > 0:
            self._count_covered(self._errors, plane, result)

    def told(
        self, gains: tuple[float, ...], offsets: tuple[float, ...], error: NDArray[np.float32]
    ) -> Validation:
        """All of them together."""
        middle = median_high(self._resolutions) if self._resolutions else _FINEST
        return Validation(
            psnr=self._squared.psnr,
            ssim=float(np.mean(self._ssims)) if self._ssims else None,
            ms_ssim=float(np.mean(self._ms_ssims)) if self._ms_ssims else None,
            resolution=None if middle == _FINEST else middle,
            gains=gains,
            offsets=offsets,
            shift=_shift(self._peaks),
            error=error,
            covered=self._inside / self._known if self._known else None,
        )

    def _count_covered(self, errors: ErrorTable, plane: MatchedPlane, result: NDArray[Any]) -> None:
        brightness, structure = brightness_and_structure(fill_nonfinite(result.astype(np.float64)))
        known = plane.seen & errors.knows(brightness)
        wrong = np.abs(plane.result - plane.truth) * plane.levels.peak / plane.levels.gain
        self._inside += int((wrong[known] <= errors.at(brightness, structure)[known]).sum())
        self._known += int(known.sum())


def _said(gain: float, offset: float) -> str:
    if math.isnan(gain):
        return "not compared, for the truth shows one value only"
    if gain == 0:
        return "no brightness above 0 brings it nearer to the truth than one value everywhere"
    return f"brightness matched by {significant(gain)} x {significant(offset, sign=True)}"


def _shift(peaks: list[Peak]) -> tuple[float, float] | None:
    """Where the clearest of the planes agree."""
    best = max(peaks, key=lambda peak: peak.score, default=None)
    if best is None or best.score < SURE:
        return None
    return float(-best.shift[0]), float(-best.shift[1])
