"""Pixel sizes and places that TIFF, OME-TIFF and ImageJ's TIFF tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element

import tifffile

from napari_srgan.images.look import number_or_none, positive
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.tiff.ome_xml import ome_spacings, ome_units
from napari_srgan.images.tiff.vendor_spacing import vendor_spacings
from napari_srgan.images.units import Quantity, converted, full_unit, note_on_units

_RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
PRINTED = (
    72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 240, 250, 300, 350, 360, 400, 480, 600, 720, 800, 1200,
    1440, 2400,
)  # fmt: skip
"""Dots per inch of screens, printers and cameras."""
NEAR_PRINTED = 0.006
"""Relative difference up to which a number is one of these: dots per centimetre are often rounded to whole
ones, 240 dpi to 94 per centimetre."""
SURELY_MEANT = 5.0
"""Size in micrometres up to which pixels are no print's, and nothing needs to be said of them."""


@dataclass(frozen=True)
class ToldSpacings:
    """Pixel sizes as a TIFF tells them."""

    placed: dict[str, Spacing]
    """Spacings by the letter of their axis."""
    note: str = ""
    """What a user should know of where they come from."""


def tiff_spacings(
    file: tifffile.TiffFile, series: tifffile.TiffPageSeries, ome: Element | None
) -> ToldSpacings:
    """Pixel sizes, from the first place where the file tells them.

    Parameters
    ----------
    file, series
        The open file, and the series in it.
    ome
        The OME-XML of the file, if it has one.
    """
    name = file.filename
    if ome is not None:
        return ToldSpacings(ome_spacings(ome), note_on_units(name, ome_units(ome)))
    if file.is_imagej and file.imagej_metadata:
        return _imagej_spacings(name, file.imagej_metadata, series.keyframe)
    shaped = file.shaped_metadata
    stored = shaped[0].get("spacings") if shaped else None
    found = vendor_spacings(file)
    if isinstance(stored, dict):
        found |= {letter: Spacing.told(one) for letter, one in stored.items()}
    if {"Y", "X"} <= set(found):
        return ToldSpacings(found)
    told = _resolution(name, series.keyframe)
    return ToldSpacings(told.placed | found, told.note)


def _imagej_spacings(name: str, metadata: dict[str, Any], page: Any) -> ToldSpacings:
    texts = {key: metadata.get(key) for key in ("unit", "yunit", "zunit", "tunit")}
    unit, sizes = full_unit(texts["unit"], "length"), _pixel_sizes(page)
    kinds: dict[str, Quantity] = {"unit": "length", "yunit": "length", "zunit": "length", "tunit": "time"}
    note = note_on_units(name, [(texts[key], kind) for key, kind in kinds.items()])
    found: dict[str, Spacing] = {}
    if texts["unit"] is None and _resolution_unit(page) is not None:
        plane = _resolution(name, page)
        found, note = plane.placed, "; ".join(filter(None, (plane.note, note)))
    elif unit == "inch" and _is_printed(sizes.values(), "inch"):
        note = "; ".join(filter(None, (_printed_note(name, sizes["X"], "inch"), note)))
        unit = None
    else:
        along = {"X": unit, "Y": full_unit(texts["yunit"], "length") if texts["yunit"] else unit}
        found = {
            letter: Spacing(size, along[letter])
            for letter, size in sizes.items()
            if along[letter] is not None or size != 1
        }
    if depth := positive(metadata.get("spacing")):
        found["Z"] = Spacing(depth, full_unit(texts["zunit"], "length") if texts["zunit"] else unit)
    for letter, spacing in found.items():
        if pixel := number_or_none(metadata.get(f"{letter.lower()}origin")):
            found[letter] = replace(spacing, origin=-pixel * spacing.size)
    if step := positive(metadata.get("finterval")):
        found["T"] = Spacing(step, full_unit(texts["tunit"], "time") or "second")
    return ToldSpacings(found, note)


def _resolution(name: str, page: Any) -> ToldSpacings:
    """Pixel sizes by the resolution tags, which most programs write for a print, and some for a specimen."""
    unit, sizes = _resolution_unit(page), _pixel_sizes(page)
    if unit is None or not sizes or set(sizes.values()) == {1.0}:
        return ToldSpacings({})
    if _is_printed(sizes.values(), unit):
        return ToldSpacings({}, _printed_note(name, next(iter(sizes.values())), unit))
    found = {letter: Spacing(size, unit).in_unit("micrometer") for letter, size in sizes.items()}
    size = max(spacing.size for spacing in found.values())
    if size <= SURELY_MEANT:
        return ToldSpacings(found)
    return ToldSpacings(found, f"{name}: a pixel size of {size:.4g} µm is taken from its resolution")


def _resolution_unit(page: Any) -> str | None:
    return _RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))


def _is_printed(sizes: Any, unit: str) -> bool:
    """Whether pixels lie as on a screen or a print, which says nothing about the specimen."""
    inches = [converted(size, unit, "inch") or 1.0 for size in sizes]
    return all(any(abs(1 / size - dpi) <= NEAR_PRINTED * dpi for dpi in PRINTED) for size in inches)


def _printed_note(name: str, size: float, unit: str) -> str:
    inch = converted(size, unit, "inch") or 1.0
    return (
        f"the resolution of {name}, {1 / inch:.0f} dots per inch, is taken for that of a print, "
        "and its pixel size is unknown"
    )


def _pixel_sizes(page: Any) -> dict[str, float]:
    sizes = {}
    for letter in "XY":
        value = page.tags.valueof(f"{letter}Resolution")
        if value and value[0] and value[1]:
            sizes[letter] = float(1 / Fraction(*value))
    return sizes
