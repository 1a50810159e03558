"""The rendering settings of OME-Zarr (``omero``): names, colours and contrast of the channels of an image."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.look import ChannelLook, ImageLook, colour_from, limits_from, positive

_LOOKED_AT = 16
"""Planes of a channel whose extremes are its contrast; spread evenly where there are more."""
_RGBA = (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"), ("alpha", "FFFFFF"))
_TWO = ("FF00FF", "00FF00")
_MANY = ("00FFFF", "FFFF00", "FF00FF", "FF0000", "00FF00", "0000FF")


def omero_channels(coarsest: Any, letters: str, look: ImageLook, *, colour: bool) -> list[dict[str, Any]]:
    """The ``channels`` that OME-Zarr keeps under ``omero``; what nobody has said is made up.

    Parameters
    ----------
    coarsest
        The array of the coarsest level.
    letters
        One letter for each of its axes.
    look
        What is known of the image.
    colour
        Whether the channels are the colours of an RGB image, which are shown from 0 to the largest
        value of their type.
    """
    count = coarsest.shape[letters.index("C")] if "C" in letters else 1
    if colour:
        window = _whole_range(coarsest.dtype)
        return [
            {"label": label, "color": hue, "active": label != "alpha", "window": window}
            for label, hue in _RGBA[:count]
        ]
    return [_channel(coarsest, letters, look.channel(at), at, count) for at in range(count)]


def _channel(coarsest: Any, letters: str, known: ChannelLook, at: int, count: int) -> dict[str, Any]:
    window = _window(coarsest, letters, at)
    if known.limits is not None:
        low, high = known.limits
        window |= {"start": low, "end": high, "min": min(window["min"], low), "max": max(window["max"], high)}
    hue = known.table[-3:].hex().upper() if known.table else known.colour or _hue(at, count)
    waves = {"emissionWave": known.emission, "excitationWave": known.excitation}
    return {
        "label": known.name or f"channel {at}",
        "color": hue,
        "active": known.visible,
        "window": window,
        # As OMERO, whose rendering settings these are, calls them.
        **{name: value for name, value in waves.items() if value is not None},
    }


def looks_of_omero(attributes: Mapping[str, Any]) -> tuple[ChannelLook, ...]:
    """Looks of the channels of an OME-Zarr image, by the attributes of its group; none if it has none."""
    holder = attributes.get("ome", attributes)
    omero = holder.get("omero") if isinstance(holder, Mapping) else None
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list):
        return ()
    return tuple(_look(told) if isinstance(told, Mapping) else ChannelLook() for told in channels)


def _look(told: Mapping[str, Any]) -> ChannelLook:
    window = told.get("window")
    limits = limits_from(window.get("start"), window.get("end")) if isinstance(window, Mapping) else None
    label = told.get("label")
    return ChannelLook(
        str(label) if label is not None else "",
        colour_from(told.get("color")),
        limits=limits,
        visible=told.get("active") is not False,
        emission=positive(told.get("emissionWave")),
        excitation=positive(told.get("excitationWave")),
    )


def _hue(channel: int, count: int) -> str:
    if count == 1:
        return "FFFFFF"
    return _TWO[channel] if count == 2 else _MANY[channel % len(_MANY)]


def _whole_range(dtype: np.dtype[Any]) -> dict[str, float]:
    lowest, highest = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0, 1)
    return {"min": lowest, "max": highest, "start": max(lowest, 0), "end": highest}


def _window(coarsest: Any, letters: str, channel: int) -> dict[str, float]:
    """The contrast window from the darkest to the brightest pixel of the coarsest level."""
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
    step = max(len(planes) / _LOOKED_AT, 1)
    return [planes[int(at * step)] for at in range(min(len(planes), _LOOKED_AT))]


def _extremes(plane: NDArray[Any]) -> list[float]:
    finite = plane[np.isfinite(plane)]
    return [finite.min().item(), finite.max().item()] if finite.size else []
