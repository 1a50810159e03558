"""A result brought to the brightness of its truth, each channel by itself, plane by plane.

Channels are dyes or detectors: what brings one to its truth says nothing of another. Colours are of one
picture, and have one gain: with three, a result of a wrong colour would be right. Alpha is no brightness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike
from napari_srgan.inference.tiles.batch import ALPHA
from napari_srgan.quality.matching import affine_map

_BYTES_A_PIXEL, _BYTES_IN_PLANE = 112, 80
"""Memory for a pixel of result, truth and bicubic interpolation and of what finds gain and offset, in double
precision; and what the spectra of its plane need more for each of its pixels."""

Key = tuple[int | slice, ...]


@dataclass(frozen=True)
class Levels:
    """What brings one channel of a result to the brightness of the truth."""

    gain: float
    """``gain * result + offset`` is compared with the truth; 0 or more."""
    offset: float
    """In grey levels of the truth."""
    peak: float
    """The largest difference that PSNR is measured by: 255 where the truth has 8 bits, else its range."""


@dataclass(frozen=True)
class MatchedPlane:
    """A plane ``(Y, X)`` of a result beside the truth's, in parts of the largest difference."""

    key: Key
    """Its place in both arrays."""
    levels: Levels
    """Those of its channel."""
    result: NDArray[np.float64]
    truth: NDArray[np.float64]
    seen: NDArray[np.bool_]
    """Where both are finite."""


class SquaredError:
    """The squared error of many planes together."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, plane: MatchedPlane) -> None:
        """Count the pixels of one more plane."""
        difference = (plane.result - plane.truth)[plane.seen]
        self._sum += float(np.sum(difference**2))
        self._count += difference.size

    @property
    def psnr(self) -> float:
        """Decibels; infinite for equal images."""
        return -10 * math.log10(self._sum / self._count) if self._sum else math.inf


def read_both(result: ArrayLike, truth: ArrayLike, axes: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both arrays in memory, each read once.

    Parameters
    ----------
    result, truth
        Arrays of any real dtype, in memory or not.
    axes
        One letter for each of their axes.

    Raises
    ------
    UserError
        If the shapes differ, or there is too little memory to compare them.
    """
    shape = tuple(result.shape)
    if shape != tuple(truth.shape):
        raise UserError(
            f"a result is compared with a truth of its own shape; got {shape} and {tuple(truth.shape)}; crop "
            "one of them, or bring the truth to the result's pixels"
        )
    needed, free = bytes_to_compare(shape, axes), psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"comparing {shape} pixels with the truth needs {needed / 2**30:.1f} GiB of memory, and "
            f"{free / 2**30:.1f} are free; compare a part"
        )
    return np.asarray(result), np.asarray(truth)


def bytes_to_compare(shape: tuple[int, ...], axes: str) -> int:
    """Memory in bytes that comparing a result and bicubic interpolation of a shape with a truth needs."""
    plane = math.prod(shape[axes.index("Y") :][:2])
    return math.prod(shape) * _BYTES_A_PIXEL + plane * _BYTES_IN_PLANE


def match_channels(result: NDArray[Any], truth: NDArray[Any], axes: str) -> tuple[Levels | None, ...]:
    """Find gain and offset of each channel.

    Parameters
    ----------
    result, truth
        Arrays of one shape and any real dtype.
    axes
        One letter for each of their axes.

    Returns
    -------
    tuple
        One for each entry along C, one alone without that axis; None for a channel whose truth shows one
        value only, or that is nowhere finite in both.

    Raises
    ------
    UserError
        If that is so of all of them.
    """
    colours = (..., slice(ALPHA)) if axes.endswith("S") else (...,)
    along = axes.find("C")
    channels = range(result.shape[along]) if along >= 0 else [slice(None)]
    keys = [(*(slice(None),) * max(along, 0), channel, *colours) for channel in channels]
    levels = tuple(_levels(result[key], truth[key]) for key in keys)
    if not any(levels):
        finite = any((np.isfinite(result[key]) & np.isfinite(truth[key])).any() for key in keys)
        raise UserError(
            "the truth shows one value only; nothing can be compared with it"
            if finite
            else "there is no pixel that is finite in both; nothing can be compared"
        )
    return levels


def matched_planes(
    result: NDArray[Any], truth: NDArray[Any], axes: str, levels: Sequence[Levels | None]
) -> Iterator[MatchedPlane]:
    """All planes that can be compared, colours by themselves.

    Parameters
    ----------
    result, truth, axes
        As for :func:`match_channels`.
    levels
        What that has found.
    """
    y, along = axes.index("Y"), axes.find("C")
    lead, samples = result.shape[:y], result.shape[y + 2 :][:1]
    for place in np.ndindex(*lead, *(min(size, ALPHA) for size in samples)):
        own = levels[place[along] if along >= 0 else 0]
        if own is None:
            continue
        key = (*place[:y], slice(None), slice(None), *place[y:])
        ours, theirs = (one[key].astype(np.float64) for one in (result, truth))
        seen = np.isfinite(ours) & np.isfinite(theirs)
        if seen.any():
            # Squares of the largest numbers are no floats.
            matched = (own.gain * ours + own.offset) / own.peak
            yield MatchedPlane(key, own, matched, theirs / own.peak, seen)


def matched_psnr(result: NDArray[Any], truth: NDArray[Any], axes: str) -> float:
    """PSNR in decibels after gain and offset of each channel, of which all planes count alike.

    Parameters
    ----------
    result, truth, axes
        As for :func:`match_channels`.
    """
    error = SquaredError()
    for plane in matched_planes(result, truth, axes, match_channels(result, truth, axes)):
        error.add(plane)
    return error.psnr


def _levels(result: NDArray[Any], truth: NDArray[Any]) -> Levels | None:
    known = truth[np.isfinite(result) & np.isfinite(truth)]
    if not known.size or known.min() == known.max():
        return None
    extent = float(known.max()) - float(known.min())
    return Levels(*affine_map(result, truth), 255.0 if truth.dtype == np.uint8 else extent)
