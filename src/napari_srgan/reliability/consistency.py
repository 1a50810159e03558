"""Whether a result, made small again, is the image that it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.windows import window_keys
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import read_block
from napari_srgan.images.image import Image
from napari_srgan.quality.matching import affine_map
from napari_srgan.reliability.added import residual
from napari_srgan.reliability.detail import Detail, detail_of
from napari_srgan.reliability.maps import Float, OnTop
from napari_srgan.significant import significant
from napari_srgan.training.pairs.registration import SURE, block_shift, find_peak

MORE_THAN_NOISE = 1.5
"""Residual, in parts of the noise, from which on a result has lost more of its image than noise."""
_FAINTEST = 1e-2
"""Residual, in parts of the contrast, below which nothing is said of it."""
ANOTHER = 0.8
"""Residual, in parts of the image's own variation, from which on the result is one of another image."""
_ALIKE = 0.7
"""Correlation, of either sign, from which on a result shows the image, whatever its grey levels are."""
_MOST_SIDE = 160
"""Pixels along the sides of the middle of a window that is compared: a shift is sure in it, and half of the
time is saved."""
_LEAST_SIDE = 32
"""Pixels along the sides of a window in which a shift can be told."""
_SAID_SHIFT = 0.25
"""Pixels of the image from which on a shift is one."""


@dataclass(frozen=True)
class Consistency:
    """One channel of an image beside its result made small again, in grey levels of the image."""

    residual: float
    """Root mean square of the image minus the result made small again."""
    variation: float
    """Root mean square of the image minus its median."""
    shift: tuple[float, float] | None
    """How far the result lies beside the image along Y and X, in pixels of the image; None if it lies on it,
    or if that is unclear."""
    levels: tuple[float, float] | None
    """Gain and offset that bring grey levels of the image to those of the result, where these are others
    though both show the same; the gain of an inverted result is negative. Else None."""

    def after(self, noise: float) -> float:
        """The residual without what noise of a standard deviation explains."""
        return math.sqrt(max(self.residual**2 - noise**2, 0.0))

    def loses_more_than_noise(self, detail: Detail) -> bool:
        """Whether the result, made small again, is another image than the one it was made of."""
        much = self.residual > MORE_THAN_NOISE * detail.noise
        return much and self.after(detail.noise) > _FAINTEST * detail.contrast


def consistency_of(pair: OnTop, channel: int) -> Consistency:
    """Compare a channel of a result with its image, in a few windows.

    Raises
    ------
    UserError
        If nowhere in them the result is finite where the image is.
    """
    lost, own = [np.zeros(0)], [np.zeros(0)]
    largest: tuple[Float, Float] | None = None
    finite = False
    for low, high in _windows(pair, channel):
        seen = np.isfinite(low)
        finite = finite or bool(seen.any())
        difference = residual(low, high, pair.factor)
        seen &= np.isfinite(_means(high, pair.factor))
        if not seen.any():
            continue
        lost.append(difference[seen])
        own.append((low - np.median(low[seen]))[seen])
        if seen.all() and min(low.shape) >= _LEAST_SIDE and (largest is None or low.size > largest[0].size):
            largest = low, low - difference
    if finite and len(lost) == 1:
        raise UserError("the result has no finite values where it was looked at; upscale the image again")
    far, variation = _rms(np.concatenate(lost)), _rms(np.concatenate(own))
    return Consistency(
        residual=far,
        variation=variation,
        shift=None if largest is None else _shift(*largest),
        levels=_other_levels(pair, channel) if far > ANOTHER * variation > 0 else None,
    )


def relation(pair: OnTop, channel: int = 0) -> tuple[float, float]:
    """Gain and offset that bring grey levels of the image to those of the result."""
    return affine_map(*_means_of_windows(pair, channel))


def check_is_result(consistencies: Mapping[int, Consistency], details: Mapping[int, Detail]) -> None:
    """Refuse a result of another image, and one that lies elsewhere.

    Parameters
    ----------
    consistencies, details
        By channel. Where an image has nothing but noise nothing is refused: all of it may have been taken
        off.

    Raises
    ------
    UserError
        If in no channel the result is nearer to the image than one value everywhere is.
    """
    told = {channel: consistencies[channel] for channel in details if channel in consistencies}
    apart = [
        channel
        for channel, one in told.items()
        if one.loses_more_than_noise(details[channel])
        and one.residual > ANOTHER * one.variation > 0
        and one.levels is None
    ]
    drowned = all(detail.blocks == 0 for detail in details.values())
    if not apart or len(apart) < len(told) or drowned:
        return
    channel = apart[0]
    raise UserError(
        f"made small again, this is not the image that was given: it differs from it by "
        f"{significant(told[channel].residual)} grey levels, the image varies by "
        f"{significant(told[channel].variation)}; give the image that the result was made of, and its region "
        "if it is of a part"
    )


def check_is_of_image(image: Image, pair: OnTop) -> None:
    """Refuse a result of another image than the one that it is laid on, and one that lies elsewhere.

    Raises
    ------
    UserError
        As :func:`check_is_result` does.
    """
    details = detail_of(image.pixels, image.axes)
    check_is_result({channel: consistency_of(pair, channel) for channel in details}, details)


def _windows(pair: OnTop, channel: int) -> list[tuple[Float, Float]]:
    """Windows ``(Y, X)`` of the image and of the result on them, where the result is."""
    y, factor = pair.axes.index("Y"), pair.factor
    plane = [size // factor for size in pair.result.shape[y : y + 2]]
    shape = (*pair.result.shape[:y], *plane, *pair.result.shape[y + 2 :])
    found = []
    for key in window_keys(SimpleNamespace(shape=shape), pair.axes, channel):
        low, high = list(key), list(key)
        for at in range(2):
            span = key[y + at]
            assert isinstance(span, slice)
            span = _middle(span)
            low[y + at] = slice(span.start + pair.start[at], span.stop + pair.start[at])
            high[y + at] = slice(span.start * factor, span.stop * factor)
        found.append(
            (
                read_block(pair.image, tuple(low)).astype(float),
                read_block(pair.result, tuple(high)).astype(float),
            )
        )
    return found


def _middle(span: slice) -> slice:
    cut = max(span.stop - span.start - _MOST_SIDE, 0)
    return slice(span.start + cut // 2, span.stop - (cut - cut // 2))


def _means_of_windows(pair: OnTop, channel: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Pixels of the image, and the means of the result's pixels that lie on each; where both are finite."""
    small, large = [np.zeros(0)], [np.zeros(0)]
    for low, high in _windows(pair, channel):
        means = _means(high, pair.factor)
        seen = np.isfinite(low) & np.isfinite(means)
        small.append(low[seen])
        large.append(means[seen])
    return np.concatenate(small), np.concatenate(large)


def _other_levels(pair: OnTop, channel: int) -> tuple[float, float] | None:
    image, result = _means_of_windows(pair, channel)
    if min(np.ptp(image), np.ptp(result)) == 0:
        return None
    correlation = float(np.corrcoef(image, result)[0, 1])
    if abs(correlation) < _ALIKE:
        return None
    sign = math.copysign(1.0, correlation)
    gain, offset = affine_map(image, sign * result)
    return sign * gain, sign * offset


def _means(high: Float, factor: int) -> Float:
    y, x = (size // factor for size in high.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(high.reshape(y, factor, x, factor).mean(axis=(1, 3)))


def _shift(image: Float, small: Float) -> tuple[float, float] | None:
    peak = find_peak(image, small)
    if peak.score < SURE or peak.height < 0:  # inverted contrast is no matter of a place
        return None
    near = max(map(abs, peak.shift)) < min(image.shape) // 4
    back = (block_shift(image, small) if near else None) or peak.shift
    return None if math.hypot(*back) < _SAID_SHIFT else (0.0 - back[0], 0.0 - back[1])


def _rms(values: NDArray[Any]) -> float:
    """Root mean square, also of values whose squares are too large for a float."""
    largest = float(np.abs(values).max(initial=0.0))
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest else 0.0
