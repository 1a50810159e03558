"""The units files are measured in: one table of what they are called, here and in every format.

Full names are those that OME-Zarr recommends (https://ngff.openmicroscopy.org/0.5/#axes-md), symbols those of
the enumerations ``UnitsLength`` and ``UnitsTime`` of OME-XML (schema 2016-06).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Literal

Quantity = Literal["length", "time"]


@dataclass(frozen=True)
class Unit:
    """A unit of length or of time."""

    name: str
    """Its full name in the singular, e.g. ``"micrometer"``."""
    symbol: str
    """Its symbol as OME-XML abbreviates it, e.g. ``"µm"``."""
    kind: Quantity
    size: float
    """Its size in metres or in seconds."""


_PREFIXES = {
    "yotta": ("Y", 1e24), "zetta": ("Z", 1e21), "exa": ("E", 1e18), "peta": ("P", 1e15), "tera": ("T", 1e12),
    "giga": ("G", 1e9), "mega": ("M", 1e6), "kilo": ("k", 1e3), "hecto": ("h", 1e2), "deca": ("da", 1e1),
    "": ("", 1.0), "deci": ("d", 1e-1), "centi": ("c", 1e-2), "milli": ("m", 1e-3), "micro": ("µ", 1e-6),
    "nano": ("n", 1e-9), "pico": ("p", 1e-12), "femto": ("f", 1e-15), "atto": ("a", 1e-18),
    "zepto": ("z", 1e-21), "yocto": ("y", 1e-24),
}  # fmt: skip

UNITS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        *(Unit(f"{name}meter", f"{short}m", "length", size) for name, (short, size) in _PREFIXES.items()),
        *(Unit(f"{name}second", f"{short}s", "time", size) for name, (short, size) in _PREFIXES.items()),
        Unit("angstrom", "Å", "length", 1e-10),
        Unit("inch", "in", "length", 0.0254),
        Unit("foot", "ft", "length", 0.3048),
        Unit("yard", "yd", "length", 0.9144),
        Unit("mile", "mi", "length", 1609.344),
        Unit("parsec", "pc", "length", 3.0856775814913673e16),
        Unit("minute", "min", "time", 60.0),
        Unit("hour", "h", "time", 3600.0),
        Unit("day", "d", "time", 86400.0),
    )
}
"""All known units by their full name."""

_OTHER_NAMES = {
    "micron": "micrometer", "um": "micrometer", "us": "microsecond", "sec": "second", "secs": "second",
    "msec": "millisecond", "millisec": "millisecond", "mins": "minute", "hr": "hour", "hrs": "hour",
    "a": "angstrom", "ångstrom": "angstrom", "ångström": "angstrom", "feet": "foot", "inches": "inch",
}  # fmt: skip
_BY_SYMBOL = {unicodedata.normalize("NFKC", unit.symbol): unit.name for unit in UNITS.values()}
_NO_UNIT = ("", "pixel", "pixels", "px", "none", "dimensionless", "reference frame")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def full_unit(text: object, kind: Quantity | None = None) -> str | None:
    """Full name of a unit, however a file or a program writes it.

    British spelling, plurals, abbreviations, ``µ`` in its three characters, ``㎛`` and the escapes
    (``\\u00B5m``) of ImageJ's descriptions are understood.

    Parameters
    ----------
    text
        The unit as it is written.
    kind
        The quantity that the unit has to measure; by default, either of them.

    Returns
    -------
    str or None
        The full name; None for pixels, for no unit, and for one that is in no table or measures something
        else: see :func:`note_on_units`.
    """
    name = _named(_plain(text))
    return name if name is None or kind in (None, UNITS[name].kind) else None


def _named(plain: str) -> str | None:
    if plain in _BY_SYMBOL:
        return _BY_SYMBOL[plain]
    word = plain.lower().rstrip(".")
    for name in (word, word.removesuffix("s"), word.removesuffix("es")):
        name = _OTHER_NAMES.get(name, name)
        name = name.removesuffix("re") + "er" if name.endswith("metre") else name
        if name in UNITS:
            return name
    return None


def _plain(text: object) -> str:
    """A text without escapes, in the plainest characters that mean the same."""
    unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(text or ""))
    return unicodedata.normalize("NFKC", unescaped).strip()


def note_on_units(name: str, told: Iterable[tuple[object, Quantity]]) -> str:
    """What to say of units that no table knows, or that measure something else; empty if there are none.

    Parameters
    ----------
    name
        Name of the file.
    told
        The units in the file as they are written there, each with the quantity that is measured in it.
    """
    unknown = sorted(
        {
            f"{_plain(text)[:40]!r}, which is no unit of {kind} we know"
            for text, kind in told
            if _plain(text).lower() not in _NO_UNIT and full_unit(text, kind) is None
        }
    )
    return f"{name} measures in {' and '.join(unknown)}; such sizes are taken for pixels" if unknown else ""


def kind_of(unit: str | None) -> Quantity | None:
    """What a unit measures; None for pixels."""
    return UNITS[unit].kind if unit in UNITS else None


def ome_unit(unit: str | None, kind: Quantity) -> str:
    """A unit as OME-XML's enumerations name it; ``"pixel"`` (for time ``"s"``) if it is of another kind."""
    if unit in UNITS and UNITS[unit].kind == kind:
        return UNITS[unit].symbol
    return "pixel" if kind == "length" else "s"


def imagej_unit(unit: str | None) -> str:
    """A unit of length as an ImageJ description can hold it: in ASCII.

    ImageJ reads its description as Java properties, in which other characters are escaped, and takes
    ``um`` for micrometres.
    """
    if unit not in UNITS or UNITS[unit].kind != "length":
        return "pixel"
    symbol = UNITS[unit].symbol.replace("µ", "u")
    return "".join(char if char.isascii() else f"\\u{ord(char):04X}" for char in symbol)


def converted(value: float, unit: str | None, to: str | None) -> float | None:
    """A value in another unit; None if the one says nothing about the other.

    Parameters
    ----------
    value
        A length or a time.
    unit, to
        Full names of the two units; None stands for pixels, which cannot be converted.
    """
    if unit == to:
        return value
    if unit not in UNITS or to not in UNITS or UNITS[unit].kind != UNITS[to].kind or not isfinite(value):
        return None
    # In fractions, so that 500 nm are 0.5 µm and not the float beside it.
    return float(Fraction(value) * Fraction(str(UNITS[unit].size)) / Fraction(str(UNITS[to].size)))
