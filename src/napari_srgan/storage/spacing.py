"""Where pixels lie in the world, and where they lie after upscaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_srgan.inference.upscale import Region


@dataclass(frozen=True)
class Spacing:
    """Pixels along one axis."""

    size: float = 1.0
    """Distance of pixel centres."""
    unit: str | None = None
    """Of `size` and `origin`, by its full name, e.g. ``"micrometer"``; unknown if None."""
    origin: float = 0.0
    """Place of the centre of pixel 0."""

    @property
    def known(self) -> bool:
        """Whether anything is known beyond the count of pixels."""
        return self != Spacing()

    def upscaled(self, start: int, factor: int) -> Spacing:
        """Spacing after upscaling the pixels from `start` on: every centre stays in its place."""
        moved = self.size * (start + 1 / (2 * factor) - 1 / 2)
        return replace(self, size=self.size / factor, origin=self.origin + moved)


def upscaled_spacings(
    spacings: Sequence[Spacing], axes: str, region: Region, factor: int
) -> tuple[Spacing, ...]:
    """Spacings of a result; those of axes other than Y and X are kept.

    Parameters
    ----------
    spacings
        One for each axis of the input.
    axes
        One letter for each axis.
    region
        Pixels of the input that were upscaled.
    factor
        Times larger in Y and in X.
    """
    starts = {"Y": region[0][0], "X": region[1][0]}
    return tuple(
        spacing.upscaled(starts[letter], factor) if letter in starts else spacing
        for letter, spacing in zip(axes, spacings, strict=True)
    )


_TIME = ("second", "millisecond", "microsecond", "nanosecond", "minute", "hour", "day")


def spacings_as(spacings: Sequence[Spacing], stored: str, axes: str) -> tuple[Spacing, ...]:
    """Spacings of axes that a user has named otherwise than their file.

    A depth that is taken for time has no time between its frames, and the other way round: what is
    measured in the wrong unit, or in none, is not known any more. Others stay as they are.

    Parameters
    ----------
    spacings
        One for each axis, as the file tells them.
    stored, axes
        One letter for each axis: those of the file, and those of the user.
    """
    return tuple(
        spacing if was == now or "T" not in was + now or _measures(spacing, now) else Spacing()
        for spacing, was, now in zip(spacings, stored, axes, strict=True)
    )


def _measures(spacing: Spacing, letter: str) -> bool:
    return spacing.unit is not None and (spacing.unit in _TIME) == (letter == "T")


_ABBREVIATIONS = {
    "m": "meter", "cm": "centimeter", "mm": "millimeter", "µm": "micrometer", "μm": "micrometer",
    "um": "micrometer", "micron": "micrometer", "microns": "micrometer", "nm": "nanometer",
    "pm": "picometer", "Å": "angstrom", "in": "inch", "s": "second", "sec": "second",
    "ms": "millisecond", "µs": "microsecond", "μs": "microsecond", "min": "minute", "h": "hour",
}  # fmt: skip

_SHORT = {
    "meter": "m", "centimeter": "cm", "millimeter": "mm", "micrometer": "µm", "nanometer": "nm",
    "picometer": "pm", "angstrom": "Å", "inch": "in", "second": "s", "millisecond": "ms",
    "microsecond": "µs", "minute": "min", "hour": "h",
}  # fmt: skip


def full_unit(unit: object) -> str | None:
    """Full name of a unit as files abbreviate it; None for no unit or plain pixels."""
    name = str(unit or "").strip().replace("\\u00B5", "µ")
    if name.lower() in ("", "pixel", "pixels", "none"):
        return None
    return _ABBREVIATIONS.get(name, name)


def short_unit(unit: str | None) -> str | None:
    """Abbreviation of a unit, as OME-TIFF writes it."""
    return _SHORT.get(unit, unit) if unit else None
