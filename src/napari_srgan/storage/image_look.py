"""How viewers should show a stored image: names, colours and contrast of its channels."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 16
"""Planes of a channel whose extremes are its contrast; spread evenly where there are more."""
_RGBA = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))
_TWO = ("FF00FF", "00FF00")
_MANY = ("00FFFF", "FFFF00", "FF00FF", "FF0000", "00FF00", "0000FF")


def channel_looks(coarsest: Any, letters: str, *, colour: bool) -> list[dict[str, Any]]:
    """The ``channels`` that OME-Zarr keeps under ``omero``.

    Parameters
    ----------
    coarsest
        The array of the coarsest level.
    letters
        Of its axes.
    colour
        Whether the channels are the colours of an RGB image, which are shown from 0 to the largest
        value of their type.
    """
    count = coarsest.shape[letters.index("C")] if "C" in letters else 1
    looks = []
    for channel in range(count):
        if colour:
            label, hue = _RGBA[channel]
            window = _whole_range(coarsest.dtype)
        else:
            label, hue = f"channel {channel}", _hue(channel, count)
            window = _window(coarsest, letters, channel)
        looks.append({"label": label, "color": hue, "active": label != "alpha", "window": window})
    return looks


def _hue(channel: int, count: int) -> str:
    if count == 1:
        return "FFFFFF"
    return _TWO[channel] if count == 2 else _MANY[channel % len(_MANY)]


def _whole_range(dtype: np.dtype[Any]) -> dict[str, float]:
    lowest, highest = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0, 1)
    return {"min": lowest, "max": highest, "start": max(lowest, 0), "end": highest}


def _window(coarsest: Any, letters: str, channel: int) -> dict[str, float]:
    """From the darkest to the brightest pixel of the coarsest level."""
    if coarsest.dtype.kind == "b":
        return _whole_range(coarsest.dtype)
    extremes = [_extremes(np.asarray(coarsest[key])) for key in _planes(coarsest.shape, letters, channel)]
    values = [value for pair in extremes for value in pair]
    start, end = (min(values), max(values)) if values else (0.0, 1.0)
    if start == end:
        end = start + 1
    if coarsest.dtype.kind in "iu":
        return _whole_range(coarsest.dtype) | {"start": start, "end": end}
    return {"min": start, "max": end, "start": start, "end": end}


def _planes(shape: tuple[int, ...], letters: str, channel: int) -> list[tuple[int | slice, ...]]:
    choices: list[list[int | slice]] = []
    for letter, size in zip(letters, shape, strict=True):
        if letter in "YX":
            choices.append([slice(None)])
        else:
            choices.append([channel] if letter == "C" else list(range(size)))
    planes = list(product(*choices))
    step = max(len(planes) / LOOKED_AT, 1)
    return [planes[int(at * step)] for at in range(min(len(planes), LOOKED_AT))]


def _extremes(plane: NDArray[Any]) -> list[float]:
    finite = plane[np.isfinite(plane)]
    return [finite.min().item(), finite.max().item()] if finite.size else []
