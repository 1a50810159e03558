"""What is known of an image beside its pixels: looks of its channels, when and where planes were taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class ChannelLook:
    """One channel: what it shows, and how it is shown."""

    name: str = ""
    """Name of the channel, e.g. ``"DAPI"``."""
    colour: str | None = None
    """Colour in which its brightest pixels are shown, as ``"RRGGBB"``; the darkest are black."""
    table: bytes | None = None
    """All 256 colours from dark to bright, three bytes each, where they are no ramp to one colour."""
    limits: tuple[float, float] | None = None
    """Values that are shown darkest and brightest."""
    visible: bool = True
    emission: float | None = None
    """Wavelength in nanometres."""
    excitation: float | None = None
    """Wavelength in nanometres."""

    def over(self, other: ChannelLook) -> ChannelLook:
        """This look, with what it does not know taken from another."""
        shown = self
        if self.colour is None and self.table is None:
            shown = other
        elif self.table is None and other.table is not None and other.table[-3:].hex().upper() == self.colour:
            shown = other  # formats that keep one colour keep the last one of a table
        return replace(
            self,
            name=self.name or other.name,
            limits=self.limits or other.limits,
            visible=self.visible and other.visible,
            emission=self.emission or other.emission,
            excitation=self.excitation or other.excitation,
            colour=shown.colour,
            table=shown.table,
        )


@dataclass(frozen=True)
class PlaneRecord:
    """When and where one plane was taken."""

    t: int = 0
    z: int = 0
    c: int = 0
    time: float | None = None
    """Seconds since the first plane, or whatever instant the file counts from."""
    exposure: float | None = None
    """Seconds."""
    position: tuple[float | None, float | None, float | None] = (None, None, None)
    """Position of the stage along Z, Y and X, in micrometres, or in the stage's own numbers: see
    :attr:`ImageLook.unscaled`."""
    label: str = ""
    """What someone has written on it."""

    def over(self, other: PlaneRecord) -> PlaneRecord:
        """This record, with what it does not know taken from another one of the same plane."""
        return replace(
            self,
            time=other.time if self.time is None else self.time,
            exposure=other.exposure if self.exposure is None else self.exposure,
            position=self.position if self.placed else other.position,
            label=self.label or other.label,
        )

    @property
    def placed(self) -> bool:
        """Whether anything is known of where it was taken."""
        return self.position != (None, None, None)


@dataclass(frozen=True)
class ImageLook:
    """All that formats keep of an image beside its pixels and their sizes."""

    name: str = ""
    channels: tuple[ChannelLook, ...] = ()
    """One for each place along C; one if there is no such axis; fewer if no more are known."""
    planes: tuple[PlaneRecord, ...] = ()
    """Records of the planes of which something is known."""
    mode: str = ""
    """How ImageJ shows several channels: ``"composite"``, ``"color"`` or ``"grayscale"``."""
    unscaled: str = ""
    """Axes, of ``"ZYX"``, along which positions are numbers of the stage and not micrometres."""

    def channel(self, place: int) -> ChannelLook:
        """Look of one channel; nothing is known of those that are not told."""
        return self.channels[place] if place < len(self.channels) else ChannelLook()

    def by_place(self) -> dict[tuple[int, int, int], PlaneRecord]:
        """What is known of planes, by their places along T, Z and C."""
        return {(plane.t, plane.z, plane.c): plane for plane in self.planes}

    def over(self, other: ImageLook) -> ImageLook:
        """This look, with what it does not know taken from another."""
        count = max(len(self.channels), len(other.channels))
        return ImageLook(
            self.name or other.name,
            tuple(self.channel(at).over(other.channel(at)) for at in range(count)),
            self._planes_over(other),
            self.mode or other.mode,
            self.unscaled if any(plane.placed for plane in self.planes) else other.unscaled,
        )

    def _planes_over(self, other: ImageLook) -> tuple[PlaneRecord, ...]:
        mine, others = self.by_place(), other.by_place()
        both = others | {place: plane.over(others.get(place, PlaneRecord())) for place, plane in mine.items()}
        return tuple(both[place] for place in sorted(both))

    def along(self, stored: str, axes: str) -> ImageLook:
        """What still holds when a user names the axes otherwise than the file.

        Parameters
        ----------
        stored, axes
            One letter for each axis: those of the file, and those of the user.
        """
        if stored == axes:
            return self
        same_channels = [at for at, letter in enumerate(stored) if letter == "C"] == [
            at for at, letter in enumerate(axes) if letter == "C"
        ]
        return ImageLook(self.name, self.channels if same_channels else (), mode=self.mode)

    def of_other_quantities(self) -> ImageLook:
        """Look of a result whose values are other quantities: its contrast is not that of the input."""
        return replace(self, channels=tuple(replace(one, limits=None) for one in self.channels))

    def as_json(self) -> dict[str, Any]:
        """All that is known, in plain types; empty if nothing is."""
        channels = [_channel_json(one) for one in self.channels]
        return _known(
            {
                "name": self.name,
                "channels": channels if any(channels) else [],
                "planes": [_known(asdict(plane)) for plane in self.planes],
                "mode": self.mode,
                "unscaled": self.unscaled,
            }
        )


def _channel_json(channel: ChannelLook) -> dict[str, Any]:
    table = None if channel.table is None else channel.table.hex()
    return _known(asdict(channel) | {"visible": None if channel.visible else "no", "table": table})


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the entries that say something."""
    return {name: value for name, value in told.items() if value not in (None, "", [], (None, None, None))}


def look_from_json(stored: Any) -> ImageLook:
    """A look as :meth:`ImageLook.as_json` gives it; nothing of it where someone has made it unreadable."""
    try:
        return ImageLook(
            str(stored.get("name", "")),
            tuple(_channel(one) for one in stored.get("channels", ())),
            tuple(_plane(one) for one in stored.get("planes", ())),
            str(stored.get("mode", "")),
            str(stored.get("unscaled", "")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return ImageLook()


def _channel(stored: Mapping[str, Any]) -> ChannelLook:
    table = bytes.fromhex(stored["table"]) if "table" in stored else None
    low, high = stored.get("limits") or (None, None)
    return ChannelLook(
        str(stored.get("name", "")),
        colour_from(stored.get("colour")),
        table if table is not None and len(table) == 768 else None,
        limits_from(low, high),
        stored.get("visible") != "no",
        positive(stored.get("emission")),
        positive(stored.get("excitation")),
    )


def _plane(stored: Mapping[str, Any]) -> PlaneRecord:
    t, z, c = (int(stored.get(letter, 0)) for letter in "tzc")
    time, exposure = number_or_none(stored.get("time")), number_or_none(stored.get("exposure"))
    z_at, y_at, x_at = (number_or_none(value) for value in stored.get("position", (None, None, None)))
    return PlaneRecord(t, z, c, time, exposure, (z_at, y_at, x_at), str(stored.get("label", "")))


def printable(text: str) -> str:
    """A text without the characters that XML 1.0 and UTF-16 do not have (XML 1.0, section 2.2)."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def number_or_none(text: object) -> float | None:
    """A number as programs write it; None for what is none, NaN and infinities."""
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if isfinite(value) else None


def positive(text: object) -> float | None:
    """A number that can be a size or a wavelength; None for everything else that programs write there."""
    value = number_or_none(text)
    return value if value is not None and value > 0 else None


def colour_from(text: object) -> str | None:
    """``"RRGGBB"`` as programs write it, with ``#`` or without; None if it is none."""
    plain = str(text or "").lstrip("#").upper()
    return plain if len(plain) == 6 and set(plain) <= set("0123456789ABCDEF") else None


def limits_from(low: object, high: object) -> tuple[float, float] | None:
    """Contrast limits, if these are any."""
    darkest, brightest = number_or_none(low), number_or_none(high)
    return None if darkest is None or brightest is None or darkest >= brightest else (darkest, brightest)
