"""What OME-XML tells of an image (https://docs.openmicroscopy.org/ome-model/6.2.2/)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from napari_srgan.images.look import (
    ChannelLook,
    ImageLook,
    PlaneRecord,
    look_from_json,
    number_or_none,
    positive,
    printable,
)
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import Quantity, converted, full_unit

OME_LOOK_KEY = "napari-srgan-look"
"""Key of the annotation with what OME-XML has no place for, e.g. contrast limits."""
_OWN_FRAME = "reference frame"
"""Stands in place of a unit where numbers are the stage's own."""
_MADE_UP = re.compile(r"(Image:?\d*)?")
"""Names that programs give where nobody gave one."""


def ome_spacings(root: Element) -> dict[str, Spacing]:
    """Pixel sizes of the first image by axis letter; its first plane tells where it lies."""
    pixels = root.find(".//{*}Image/{*}Pixels")
    if pixels is None:
        return {}
    first = _first_plane(pixels)
    found = {}
    for letter in "XYZ":
        if size := positive(pixels.get(f"PhysicalSize{letter}")):
            unit = full_unit(pixels.get(f"PhysicalSize{letter}Unit", "µm"), "length")
            found[letter] = Spacing(size, unit, _origin(first, letter, unit))
    if step := positive(pixels.get("TimeIncrement")):
        found["T"] = Spacing(step, full_unit(pixels.get("TimeIncrementUnit", "s"), "time"))
    return found


def ome_units(root: Element) -> Iterator[tuple[str, Quantity]]:
    """Units of its pixel sizes, as they are written, and what is measured in them."""
    pixels = root.find(".//{*}Image/{*}Pixels")
    for name, text in () if pixels is None else pixels.items():
        if name in ("PhysicalSizeXUnit", "PhysicalSizeYUnit", "PhysicalSizeZUnit", "TimeIncrementUnit"):
            yield text, "time" if name.startswith("Time") else "length"


def _first_plane(pixels: Element) -> Element | None:
    return next((plane for plane in pixels.iterfind("{*}Plane") if _place(plane) == (0, 0, 0)), None)


def _place(plane: Element) -> tuple[int, int, int]:
    t, z, c = (int(number_or_none(plane.get(f"The{letter}", "0")) or 0) for letter in "TZC")
    return t, z, c


def _origin(plane: Element | None, letter: str, unit: str | None) -> float:
    if plane is None:
        return 0.0
    stored = number_or_none(plane.get(f"Position{letter}"))
    told = plane.get(f"Position{letter}Unit", _OWN_FRAME)
    if stored is None or told == _OWN_FRAME:
        return 0.0
    placed = converted(stored, full_unit(told), unit)
    return 0.0 if placed is None else placed


def ome_look(root: Element) -> ImageLook:
    """Names, colours, wavelengths of the channels of the first image, and its planes."""
    image = root.find(".//{*}Image")
    pixels = None if image is None else image.find("{*}Pixels")
    if image is None or pixels is None:
        return ImageLook()
    name = image.get("Name", "")
    planes = tuple(_record(plane) for plane in pixels.iterfind("{*}Plane"))
    look = ImageLook(
        "" if _MADE_UP.fullmatch(name) else name,
        tuple(_channel(channel) for channel in pixels.iterfind("{*}Channel")),
        tuple(plane for plane in planes if plane != PlaneRecord(plane.t, plane.z, plane.c)),
        unscaled="".join(letter for letter in "ZYX" if _unscaled(pixels, letter)),
    )
    return look.over(_annotated(root))


def _channel(channel: Element) -> ChannelLook:
    emission, excitation = (
        _nanometers(positive(channel.get(f"{kind}Wavelength")), channel.get(f"{kind}WavelengthUnit", "nm"))
        for kind in ("Emission", "Excitation")
    )
    return ChannelLook(channel.get("Name", ""), _colour(channel), emission=emission, excitation=excitation)


def _colour(channel: Element) -> str | None:
    """Red, green, blue, alpha are the bytes of a signed number; black would show nothing and is no colour."""
    stored = number_or_none(channel.get("Color"))
    colour = None if stored is None else f"{int(stored) & 0xFFFFFFFF:08X}"[:6]
    return None if colour == "000000" else colour


def _nanometers(value: float | None, unit: str) -> float | None:
    return None if value is None else converted(value, full_unit(unit), "nanometer")


def _unscaled(pixels: Element, letter: str) -> bool:
    told = (plane for plane in pixels.iterfind("{*}Plane") if plane.get(f"Position{letter}") is not None)
    first = next(told, None)
    return first is not None and first.get(f"Position{letter}Unit", _OWN_FRAME) == _OWN_FRAME


def _record(plane: Element) -> PlaneRecord:
    t, z, c = _place(plane)
    return PlaneRecord(
        t, z, c,
        time=_measured(plane, "DeltaT", "s", "second"),
        exposure=_measured(plane, "ExposureTime", "s", "second"),
        position=(_position(plane, "Z"), _position(plane, "Y"), _position(plane, "X")),
    )  # fmt: skip


def _position(plane: Element, letter: str) -> float | None:
    """Position of the stage along an axis, in micrometres; in the stage's own numbers, if the file names no
    unit."""
    if plane.get(f"Position{letter}Unit", _OWN_FRAME) == _OWN_FRAME:
        return number_or_none(plane.get(f"Position{letter}"))
    return _measured(plane, f"Position{letter}", "", "micrometer")


def _measured(plane: Element, name: str, default: str, to: str) -> float | None:
    """A length or a time in our unit; None if it is in no unit of that kind."""
    value = number_or_none(plane.get(name))
    return None if value is None else converted(value, full_unit(plane.get(f"{name}Unit", default)), to)


def _annotated(root: Element) -> ImageLook:
    """What we have written for ourselves."""
    for entry in root.iterfind(".//{*}MapAnnotation/{*}Value/{*}M"):
        if entry.get("K") == OME_LOOK_KEY:
            with suppress(ValueError):
                return look_from_json(json.loads(entry.text or ""))
    return ImageLook()


def channels_for_ome(look: ImageLook, count: int) -> list[dict[str, Any]]:
    """Attributes of each ``Channel``.

    Parameters
    ----------
    look
        What is known of the image.
    count
        Number of its channels.
    """
    return [_channel_attributes(look.channel(at)) for at in range(count)]


def _channel_attributes(channel: ChannelLook) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if channel.name:
        attributes["Name"] = printable(channel.name)
    hue = channel.colour
    if hue is None and channel.table is not None:
        hue = channel.table[-3:].hex()
    if hue is not None:
        unsigned = int(f"{hue}FF", 16)
        attributes["Color"] = unsigned - 2**32 if unsigned >= 2**31 else unsigned
    for kind, value in (("Emission", channel.emission), ("Excitation", channel.excitation)):
        if value is not None:
            attributes |= {f"{kind}Wavelength": value, f"{kind}WavelengthUnit": "nm"}
    return attributes


def beyond_ome(look: ImageLook) -> ImageLook:
    """The part of a look that OME-XML has no place for."""
    channels = tuple(
        ChannelLook(table=one.table, limits=one.limits, visible=one.visible) for one in look.channels
    )
    labels = tuple(PlaneRecord(one.t, one.z, one.c, label=one.label) for one in look.planes if one.label)
    return replace(ImageLook(channels=channels, mode=look.mode), planes=labels)
