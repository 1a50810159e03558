"""What is said of an image in a TIFF that is written: as OME-XML, as ImageJ's description, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from napari_srgan.images.colours.lookup_tables import table_of
from napari_srgan.images.look import ChannelLook, ImageLook, PlaneRecord, printable
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.tiff.look import TIFF_LOOK_KEY
from napari_srgan.images.tiff.ome_xml import OME_LOOK_KEY as OME_LOOK_KEY
from napari_srgan.images.tiff.ome_xml import beyond_ome, channels_for_ome
from napari_srgan.images.units import converted, imagej_unit, kind_of, ome_unit


@dataclass(frozen=True)
class Described:
    """An image that is written, without its pixels."""

    axes: str
    """One letter for each axis."""
    shape: tuple[int, ...]
    placed: dict[str, Spacing]
    """Spacings by axis letter; those that tell nothing are plain."""
    look: ImageLook
    provenance: dict[str, Any]

    def count(self, letter: str) -> int:
        """Pixels along an axis; 1 if there is none."""
        return self.shape[self.axes.index(letter)] if letter in self.axes else 1

    @property
    def colour(self) -> bool:
        """Whether it has red, green and blue, which look as they are."""
        return self.axes.endswith("S")

    def spacing(self, letter: str) -> Spacing:
        """Pixels along an axis; plain ones if there is none."""
        return self.placed.get(letter, Spacing())

    def planes(self) -> Iterator[tuple[int, int, int]]:
        """Places of the planes along T, Z and C, in the order they are written in."""
        leading = self.axes[: self.axes.index("Y")]
        for place in np.ndindex(self.shape[: len(leading)]):
            at = dict(zip(leading, place, strict=True))
            yield at.get("T", 0), at.get("Z", 0), at.get("C", 0)


def described(
    axes: str,
    shape: tuple[int, ...],
    spacings: tuple[Spacing, ...],
    look: ImageLook,
    provenance: dict[str, Any],
) -> Described:
    """An image that is written; pixel sizes that only say how much was enlarged are left out."""
    factor = int(provenance.get("scale_factor", 1))
    placed = {
        letter: spacing if letter not in "YX" or spacing.calibrated(factor) else Spacing()
        for letter, spacing in zip(axes, spacings, strict=True)
    }
    return Described(axes, shape, placed, look, provenance)


def resolution_options(image: Described) -> dict[str, Any]:
    """Resolution tags, which every program reads: pixels per centimetre."""
    sizes = [image.spacing(letter).size_in("centimeter") for letter in "XY"]
    if None in sizes or not all(size and size > 0 for size in sizes):
        return {}
    return {"resolution": tuple(1 / size for size in sizes if size), "resolutionunit": "CENTIMETER"}


def ome_options(image: Described) -> dict[str, Any]:
    """Options of ``tifffile.imwrite`` for OME-TIFF."""
    metadata: dict[str, Any] = {
        "axes": image.axes,
        "Description": image.provenance["note"],
        "MapAnnotation": {key: _text(value) for key, value in image.provenance.items()},
    }
    if image.look.name:
        metadata["Name"] = printable(image.look.name)
    for letter in "XYZ":
        spacing = image.spacing(letter)
        if spacing.known:
            metadata[f"PhysicalSize{letter}"] = spacing.size
            metadata[f"PhysicalSize{letter}Unit"] = ome_unit(spacing.unit, "length")
    time = image.spacing("T")
    if kind_of(time.unit) == "time":
        metadata["TimeIncrement"] = time.size
        metadata["TimeIncrementUnit"] = ome_unit(time.unit, "time")
    if not image.colour and image.look.channels:
        metadata["Channel"] = channels_for_ome(image.look, image.count("C"))
    planes = _ome_planes(image)
    if any(planes):
        metadata["Plane"] = planes
    if beyond := beyond_ome(image.look).as_json():
        metadata["MapAnnotation"][OME_LOOK_KEY] = json.dumps(beyond)
    return {"ome": True, "metadata": metadata, **resolution_options(image)}


def _ome_planes(image: Described) -> list[dict[str, Any]]:
    """When and where each plane was taken, so that pixels stay where those of the input were."""
    records = image.look.by_place()
    first = records.get((0, 0, 0), PlaneRecord())
    return [_ome_plane(image, place, records.get(place), first) for place in image.planes()]


def _ome_plane(
    image: Described, place: tuple[int, int, int], record: PlaneRecord | None, first: PlaneRecord
) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, value in (
        ("DeltaT", record and record.time),
        ("ExposureTime", record and record.exposure),
    ):
        if value is not None:
            attributes |= {name: value, f"{name}Unit": "s"}
    for at, letter in enumerate("ZYX"):
        told = record.position[at] if record else None
        spacing = image.spacing(letter)
        if told is not None and letter in image.look.unscaled:
            value, unit = told, "reference frame"
        elif spacing.known:
            if letter == "Z" and told is None and not spacing.origin:
                continue  # nobody has said where the stack begins
            value, unit = _placed(spacing, told, first.position[at]), ome_unit(spacing.unit, "length")
            if letter == "Z" and told is None:
                value += place[1] * spacing.size
        elif told is not None:
            value, unit = told, "µm"
        else:
            continue
        attributes |= {f"Position{letter}": value, f"Position{letter}Unit": unit}
    return attributes


def _placed(spacing: Spacing, told: float | None, first: float | None) -> float:
    """Place of a plane: that of the first one, moved as far as the stage was moved since."""
    if told is None or first is None:
        return spacing.origin
    moved = converted(told - first, "micrometer", spacing.unit)
    return spacing.origin if moved is None else spacing.origin + moved


def imagej_options(image: Described) -> dict[str, Any]:
    """Options of ``tifffile.imwrite`` for the TIFF that ImageJ writes.

    All its lengths are in the unit of X, as far as they can be; what is in another one says so.
    """
    metadata: dict[str, Any] = {"axes": image.axes}
    options: dict[str, Any] = {"imagej": True, "metadata": metadata}
    x = image.spacing("X")
    y, z = (image.spacing(letter).in_unit(x.unit) for letter in "YZ")
    if x.known or y.known:
        options["resolution"] = (1 / x.size, 1 / y.size)
    if x.known or y.known or z.known:
        metadata["unit"] = imagej_unit(x.unit)
    for key, spacing in (("yunit", y), ("zunit", z)):
        if spacing.known and spacing.unit != x.unit:
            metadata[key] = imagej_unit(spacing.unit)
    if z.known:
        metadata["spacing"] = z.size
    for letter, spacing in (("x", x), ("y", y), ("z", z)):
        if spacing.known and spacing.origin:
            metadata[f"{letter}origin"] = -spacing.origin / spacing.size  # the pixel that lies at 0
    if (seconds := image.spacing("T").size_in("second")) is not None:
        metadata["finterval"] = seconds
    look = image.look.as_json()
    metadata["Info"] = json.dumps(image.provenance | ({TIFF_LOOK_KEY: look} if look else {}), indent=1)
    if not image.colour:
        metadata |= _imagej_display(image)
    return options


def _imagej_display(image: Described) -> dict[str, Any]:
    """Contrast, colours and names as ImageJ keeps them."""
    look, count = image.look, image.count("C")
    channels = [look.channel(at) for at in range(count)]
    told: dict[str, Any] = {}
    limits = [one.limits for one in channels if one.limits is not None]
    if len(limits) == count:
        told["Ranges"] = tuple(value for pair in limits for value in pair)
        told["min"], told["max"] = limits[0]
    if any(one.colour or one.table for one in channels):
        told["LUTs"] = [np.ascontiguousarray(table_of(one.colour, one.table).T) for one in channels]
    if count > 1 and (look.mode or "LUTs" in told):
        told["mode"] = look.mode if look.mode in ("composite", "color", "grayscale") else "composite"
    records = look.by_place()
    labels = [
        printable(
            record.label if (record := records.get(place)) and record.label else look.channel(place[2]).name
        )
        for place in image.planes()
    ]
    if any(labels):
        told["Labels"] = labels
    return told


def plain_options(image: Described) -> dict[str, Any]:
    """Options of ``tifffile.imwrite`` for what neither of the two can hold."""
    spacings = {letter: asdict(spacing) for letter, spacing in image.placed.items() if spacing.known}
    metadata = {"axes": image.axes, "provenance": image.provenance, "spacings": spacings}
    if look := image.look.as_json():
        metadata[TIFF_LOOK_KEY] = look
    return {"metadata": metadata, **resolution_options(image)}


def needs_ome(image: Described) -> bool:
    """Whether tags alone would lose to other programs what OME-XML can tell them."""
    others = any(spacing.known for letter, spacing in image.placed.items() if letter not in "YXS")
    in_tags = resolution_options(image) or not (image.spacing("Y").known or image.spacing("X").known)
    return others or not in_tags or _tells_more(image.look)


def _tells_more(look: ImageLook) -> bool:
    return bool(look.planes) or any(channel != ChannelLook() for channel in look.channels)


def ome_axes(axes: str) -> str:
    """Letters of axes in OME-XML, where one that nobody named must be one that is free."""
    for letter in free_letters(axes):
        axes = axes.replace("Q", letter, 1)
    return axes


def free_letters(axes: str) -> list[str]:
    """Axes of OME-XML that an image does not have yet."""
    return [letter for letter in "TZC" if letter not in axes]


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, str) else json.dumps(value)
