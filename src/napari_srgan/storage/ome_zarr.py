"""The metadata of OME-Zarr 0.4 and 0.5: https://ngff.openmicroscopy.org/0.5/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from napari_srgan.errors import UserError
from napari_srgan.inference.upscale import Upscaled
from napari_srgan.storage.spacing import Spacing

VERSION = "0.5"
LEVEL = "0"
"""Name of the only resolution level we write."""

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


def multiscales(result: Upscaled, letters: str, spacings: Mapping[str, Spacing]) -> dict[str, Any]:
    """The ``ome`` attribute of a group with one resolution level.

    Parameters
    ----------
    result
        What is stored.
    letters
        Of the axes in the order they are stored in.
    spacings
        By letter; plain pixels where there is none.
    """
    placed = [spacings.get(letter, Spacing()) for letter in letters]
    axes = []
    for letter, spacing in zip(letters, placed, strict=True):
        axis = {"name": letter.lower()}
        if letter in _KINDS:
            axis["type"] = _KINDS[letter]
        if spacing.unit and _KINDS.get(letter) in ("space", "time"):
            axis["unit"] = spacing.unit
        axes.append(axis)
    transformations = [
        {"type": "scale", "scale": [spacing.size for spacing in placed]},
        {"type": "translation", "translation": [spacing.origin for spacing in placed]},
    ]
    level = {"path": LEVEL, "coordinateTransformations": transformations}
    image = {"name": result.provenance.get("model", ""), "axes": axes, "datasets": [level]}
    return {"version": VERSION, "multiscales": [image]}


@dataclass(frozen=True)
class FinestLevel:
    """The first resolution level of an image."""

    path: str
    letters: str
    spacings: tuple[Spacing, ...]


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
        return FinestLevel(str(dataset["path"]), letters, tuple(spacings))
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
