"""The metadata of OME-Zarr 0.4 and 0.5: https://ngff.openmicroscopy.org/0.5/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from napari_srgan.errors import UserError
from napari_srgan.storage.spacing import Spacing

VERSION = "0.5"
LEVEL = "0"
"""Name of the finest resolution level that we write."""

_KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
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
        if letter in _KINDS:
            axis["type"] = _KINDS[letter]
        if spacing.unit and _KINDS.get(letter) in ("space", "time"):
            axis["unit"] = spacing.unit
        axes.append(axis)
    return axes


def level_metadata(path: str, letters: str, placed: Sequence[Spacing], coarser: int = 1) -> dict[str, Any]:
    """One resolution level: its name, and where its pixels lie.

    Parameters
    ----------
    path
        Of the array in its group.
    letters, placed
        Of the axes of the finest level.
    coarser
        Pixels of the finest level along Y and X that one of this level is the mean of.
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
    """The first resolution level of an image."""

    path: str
    letters: str
    spacings: tuple[Spacing, ...]
    coarser: tuple[str, ...] = ()
    """Paths of the other levels, as they are listed."""


def finest_level(attributes: Mapping[str, Any], name: str) -> FinestLevel | None:
    """Read the metadata of a group; None if it holds no OME-Zarr image.

    Raises
    ------
    UserError
        If it says that it is one but is not.
    """
    holder = attributes.get("ome", attributes)
    images = holder.get("multiscales") if isinstance(holder, Mapping) else None
    if not images:
        return None
    try:
        image = images[0]
        dataset = image["datasets"][0]
        letters, units = _axes(image["axes"])
        spacings = [Spacing(unit=unit) for unit in units]
        for step in (
            *dataset.get("coordinateTransformations", ()),
            *image.get("coordinateTransformations", ()),
        ):
            spacings = _transformed(spacings, step)
        coarser = tuple(str(other["path"]) for other in image["datasets"][1:])
        return FinestLevel(str(dataset["path"]), letters, tuple(spacings), coarser)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"the OME-Zarr metadata of {name} cannot be used ({error!r}); "
            "give the folder of its array, e.g. image.zarr/0"
        ) from error


def _axes(axes: Sequence[Mapping[str, Any]]) -> tuple[str, list[str | None]]:
    letters, units = "", list[str | None]()
    for axis in axes:
        name = str(axis["name"]).upper()
        letters += _LETTERS.get(str(axis.get("type")), name if len(name) == 1 else "Q")
        units.append(axis.get("unit"))
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
