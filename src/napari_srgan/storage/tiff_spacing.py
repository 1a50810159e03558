"""Pixel sizes and places that TIFF, OME-TIFF and ImageJ's TIFF tell."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from math import isfinite
from typing import Any
from xml.etree import ElementTree

import tifffile

from napari_srgan.storage.spacing import Spacing, full_unit
from napari_srgan.storage.vendor_spacing import vendor_spacings

_RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
_TO_MICROMETER = {"inch": 25400.0, "centimeter": 10000.0, "millimeter": 1000.0, "meter": 1e6}


def tiff_spacings(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> dict[str, Spacing]:
    """Pixel size by axis letter, from the first place where the file tells it."""
    if file.is_ome and file.ome_metadata:
        return _ome_spacings(file.ome_metadata)
    if file.is_imagej and file.imagej_metadata:
        return _imagej_spacings(file.imagej_metadata, series.keyframe)
    found = {}
    shaped = file.shaped_metadata
    if shaped:
        found = {letter: Spacing(**stored) for letter, stored in dict(shaped[0].get("spacings", {})).items()}
    return _resolution(series.keyframe) | vendor_spacings(file) | found


def _ome_spacings(xml: str) -> dict[str, Spacing]:
    pixels = ElementTree.fromstring(xml).find(".//{*}Image/{*}Pixels")
    if pixels is None:
        return {}
    found = {}
    for letter in "XYZ":
        if size := _positive(pixels.get(f"PhysicalSize{letter}")):
            unit = full_unit(pixels.get(f"PhysicalSize{letter}Unit", "µm"))
            found[letter] = Spacing(size, unit, _ome_origin(pixels, letter, unit))
    if step := _positive(pixels.get("TimeIncrement")):
        found["T"] = Spacing(step, full_unit(pixels.get("TimeIncrementUnit", "s")))
    return found


def _positive(text: str | None) -> float | None:
    """A number that can be a size; None for everything else that programs write there."""
    with suppress(TypeError, ValueError):
        number = float(text or "")
        return number if isfinite(number) and number > 0 else None
    return None


def _ome_origin(pixels: ElementTree.Element, letter: str, unit: str | None) -> float:
    plane = pixels.find("{*}Plane")
    if plane is None or full_unit(plane.get(f"Position{letter}Unit")) != unit:
        return 0.0
    return float(plane.get(f"Position{letter}", 0.0))


def _imagej_spacings(metadata: dict[str, Any], page: Any) -> dict[str, Spacing]:
    unit = full_unit(metadata.get("unit"))
    found = {
        letter: Spacing(size, unit)
        for letter, size in _pixel_sizes(page).items()
        if unit is not None or size != 1
    }
    if depth := metadata.get("spacing"):
        found["Z"] = Spacing(float(depth), full_unit(metadata.get("zunit")) or unit)
    if step := metadata.get("finterval"):
        found["T"] = Spacing(float(step), full_unit(metadata.get("tunit")) or "second")
    return found


def _resolution(page: Any) -> dict[str, Spacing]:
    unit = _RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    if unit is None:
        return {}
    # Dots per inch of a screen or a printer say nothing about the specimen.
    return {
        letter: Spacing(size * _TO_MICROMETER[unit], "micrometer")
        for letter, size in _pixel_sizes(page).items()
        if round(1 / size, 3) not in (1, 72, 96, 150, 300, 600)
    }


def _pixel_sizes(page: Any) -> dict[str, float]:
    sizes = {}
    for letter in "XY":
        value = page.tags.valueof(f"{letter}Resolution")
        if value and value[0] and value[1]:
            sizes[letter] = float(1 / Fraction(*value))
    return sizes
