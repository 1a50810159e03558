"""Where pixels lie in the world, and where they lie after upscaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import TYPE_CHECKING, Any

from napari_srgan.images.units import converted, full_unit, kind_of

if TYPE_CHECKING:
    from napari_srgan.images.upscaled import Region


@dataclass(frozen=True)
class Spacing:
    """Pixels along one axis."""

    size: float = 1.0
    """Distance of pixel centres."""
    unit: str | None = None
    """Unit of `size` and `origin` by its full name, e.g. ``"micrometer"``; None if it is unknown."""
    origin: float = 0.0
    """Place of the centre of pixel 0."""

    @classmethod
    def told(cls, stored: Mapping[str, Any]) -> Spacing:
        """A spacing as our own files keep it, in which someone may have written since.

        Raises
        ------
        TypeError, ValueError
            If it is none.
        """
        unit = full_unit(stored.get("unit"))
        return cls(float(stored.get("size", 1.0)), unit, float(stored.get("origin", 0.0)))

    @property
    def known(self) -> bool:
        """Whether anything is known beyond the count of pixels."""
        return self != Spacing()

    def calibrated(self, factor: int) -> bool:
        """Whether the spacing of a result tells more than that its pixels are parts of others."""
        return self.unit is not None or not isclose(self.size * factor, 1.0)

    def size_in(self, unit: str | None) -> float | None:
        """Size in another unit; None if that says nothing about it."""
        return converted(self.size, self.unit, unit)

    def in_unit(self, unit: str | None) -> Spacing:
        """The same spacing in another unit; unchanged, if that unit says nothing about it."""
        size, origin = (converted(value, self.unit, unit) for value in (self.size, self.origin))
        return self if size is None or origin is None else Spacing(size, unit, origin)

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
        Spacings of the input, one for each axis.
    axes
        One letter for each axis.
    region
        Rows and columns of the input that were upscaled.
    factor
        Scale factor in Y and in X.
    """
    starts = {"Y": region[0][0], "X": region[1][0]}
    return tuple(
        spacing.upscaled(starts[letter], factor) if letter in starts else spacing
        for letter, spacing in zip(axes, spacings, strict=True)
    )


def spacings_as(spacings: Sequence[Spacing], stored: str, axes: str) -> tuple[Spacing, ...]:
    """Spacings of axes that a user has named otherwise than their file.

    A depth that is taken for time has no time between its frames, and the other way round: what is
    measured in the wrong unit, or in none, is not known any more. Others stay as they are.

    Parameters
    ----------
    spacings
        Spacings as the file tells them, one for each axis.
    stored, axes
        One letter for each axis: those of the file, and those of the user.
    """
    return tuple(
        spacing if was == now or "T" not in was + now or _measures(spacing, now) else Spacing()
        for spacing, was, now in zip(spacings, stored, axes, strict=True)
    )


def _measures(spacing: Spacing, letter: str) -> bool:
    return spacing.unit is not None and (kind_of(spacing.unit) == "time") == (letter == "T")
