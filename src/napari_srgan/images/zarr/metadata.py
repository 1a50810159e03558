"""The metadata of OME-Zarr 0.4 and 0.5: https://ngff.openmicroscopy.org/0.5/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from napari_srgan.errors import UserError
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import Quantity, full_unit, kind_of

VERSION = "0.5"
LEVEL = "0"
"""Name of the finest resolution level that we write."""

_KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_MEASURED = {"space": "length", "time": "time"}
_UNNAMED = "Q"
"""Name, in small letters, of an axis nobody named, whatever its type."""
_LETTERS = {"time": "T", "channel": "C"}


def ome_order(axes: str) -> str:
    """Order in which OME-Zarr wants these axes: time, channel, then space.

    Colours of an RGB image become three channels, as the format knows no samples.

    Raises
    ------
    UserError
        If there are more axes than the format has room for.
    """
    letters = axes.replace("S", "C")
    if sum(letter in "CQ" for letter in letters) > 1:
        raise UserError(
            f"OME-Zarr has no place for axes {axes!r}: it takes time, one axis of channels or colours, "
            "and space; write a plain .zarr"
        )
    return "".join(sorted(letters, key="TCQZYX".index))


def axes_metadata(letters: str, placed: Sequence[Spacing]) -> list[dict[str, str]]:
    """Names, types and units of axes."""
    axes = []
    for letter, spacing in zip(letters, placed, strict=True):
        axis = {"name": letter.lower()}
        kind = _KINDS.get(letter) or _kind_of_unnamed(letters, spacing)
        if kind:
            axis["type"] = kind
        if spacing.unit and kind in _MEASURED and kind_of(spacing.unit) == _MEASURED[kind]:
            axis["unit"] = spacing.unit
        axes.append(axis)
    return axes


def _kind_of_unnamed(letters: str, spacing: Spacing) -> str | None:
    """What an axis nobody named is by its unit, as far as the format has room for another of its kind."""
    if kind_of(spacing.unit) == "time" and "T" not in letters:
        return "time"
    return "space" if kind_of(spacing.unit) == "length" and "Z" not in letters else None


def level_metadata(path: str, letters: str, placed: Sequence[Spacing], coarser: int = 1) -> dict[str, Any]:
    """One resolution level: its name, and where its pixels lie.

    Parameters
    ----------
    path
        Path of the array in its group.
    letters, placed
        Letters and spacings of the axes of the finest level.
    coarser
        Number of pixels of the finest level, along Y and X, that one pixel of this level is the mean of.
    """
    steps = [coarser if letter in "YX" else 1 for letter in letters]
    return {
        "path": path,
        "coordinateTransformations": [
            {
                "type": "scale",
                "scale": [spacing.size * by for spacing, by in zip(placed, steps, strict=True)],
            },
            {
                "type": "translation",
                # The centre of a coarse pixel is the mean of the centres of the fine ones.
                "translation": [
                    spacing.origin + spacing.size * (by - 1) / 2
                    for spacing, by in zip(placed, steps, strict=True)
                ],
            },
        ],
    }


@dataclass(frozen=True)
class FinestLevel:
    """The first resolution level of an image, as the metadata tells of it."""

    path: str
    letters: str
    """One letter for each axis; empty where the metadata does not name them."""
    units: tuple[str | None, ...] = ()
    """Units of the axes, as they are written."""
    steps: tuple[Mapping[str, Any], ...] = ()
    """Transformations that place its pixels, in order."""
    coarser: tuple[str, ...] = ()
    """Paths of the other levels, as they are listed."""
    version: str = ""
    name: str = ""
    """What the image is called."""

    def told_units(self) -> list[tuple[object, Quantity]]:
        """Units as they are written, and what is measured in them."""
        kinds = [(unit, _kind(letter)) for unit, letter in zip(self.units, self.letters, strict=True)]
        return [(unit, kind) for unit, kind in kinds if kind is not None]

    def placed(self, ndim: int) -> tuple[tuple[Spacing, ...], str]:
        """Pixels along each of so many axes; and what a user should know of them, if anything.

        Numbers that place nothing (too few, zero, NaN) leave plain pixels.
        """
        units = self.units if len(self.units) == ndim else (None,) * ndim
        spacings = [
            Spacing(unit=full_unit(unit, _kind(letter)))
            for unit, letter in zip(units, self.letters.ljust(ndim, _UNNAMED), strict=False)
        ]
        try:
            for step in self.steps:
                spacings = _transformed(spacings, step)
        except (KeyError, TypeError, ValueError, AttributeError):
            spacings = []
        if spacings and all(_places(spacing) for spacing in spacings):
            return tuple(spacings), ""
        told = "; ".join(str(step.get(step.get("type", ""), step)) for step in self.steps)
        return (
            (Spacing(),) * ndim,
            f"its pixel sizes cannot be used ({told}), and plain pixels are taken instead",
        )


def _kind(letter: str) -> Quantity | None:
    """What is measured along an axis; either, if nobody named it."""
    return "time" if letter == "T" else "length" if letter in "ZYX" else None


def _places(spacing: Spacing) -> bool:
    return isfinite(spacing.size) and isfinite(spacing.origin) and spacing.size != 0


def finest_level(attributes: Mapping[str, Any], name: str) -> FinestLevel | None:
    """Read the metadata of a group; None if it holds no OME-Zarr image.

    Raises
    ------
    UserError
        If it says that it is one but does not say where.
    """
    holder = attributes.get("ome", attributes)
    images = holder.get("multiscales") if isinstance(holder, Mapping) else None
    if not images:
        return None
    try:
        image = images[0]
        dataset = image["datasets"][0]
        letters, units = _axes(image.get("axes") or ())
        steps = (
            *(dataset.get("coordinateTransformations") or ()),
            *(image.get("coordinateTransformations") or ()),
        )
        coarser = tuple(str(other["path"]) for other in image["datasets"][1:])
        version = str(image.get("version", holder.get("version", "")))
        return FinestLevel(
            str(dataset["path"]), letters, tuple(units), steps, coarser, version, str(image.get("name") or "")
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"the OME-Zarr metadata of {name} cannot be used ({error!r}); "
            "give the folder of its array, e.g. image.zarr/0"
        ) from error


def _axes(axes: Sequence[Mapping[str, Any] | str]) -> tuple[str, list[str | None]]:
    letters, units = "", list[str | None]()
    for axis in axes:
        told: Mapping[str, Any] = (
            {"name": axis} if isinstance(axis, str) else axis
        )  # version 0.3 has names only
        name = str(told["name"]).upper()
        by_name = name if len(name) == 1 else "Q"
        kind = str(told.get("type"))
        unnamed = name == _UNNAMED and kind != "channel"
        letters += by_name if unnamed else _LETTERS.get(kind, by_name)
        units.append(told.get("unit"))
    return letters, units


def _transformed(spacings: list[Spacing], step: Mapping[str, Any]) -> list[Spacing]:
    if step["type"] == "scale":
        return [
            replace(spacing, size=spacing.size * float(by), origin=spacing.origin * float(by))
            for spacing, by in zip(spacings, step["scale"], strict=True)
        ]
    if step["type"] == "translation":
        return [
            replace(spacing, origin=spacing.origin + float(by))
            for spacing, by in zip(spacings, step["translation"], strict=True)
        ]
    return spacings
