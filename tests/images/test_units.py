"""Units as files write them, in full, and as each format wants them."""

from __future__ import annotations

import pytest

from napari_srgan.images.units import (
    UNITS,
    converted,
    full_unit,
    imagej_unit,
    kind_of,
    note_on_units,
    ome_unit,
)

KNOWN = {
    "micrometer": [
        "µm", "μm", "um", "micron", "microns", "micrometre", "Micrometers", "\\u00B5m", "\\u03BCm", "\\u339B",
        "㎛",
    ],
    "angstrom": ["\\u00C5", "Å", "Å", "Angstrom"],
    "nanometer": ["nm"], "millimeter": ["mm"], "megameter": ["Mm"], "centimeter": ["cm"], "meter": ["m"],
    "inch": ["in", "inch", "inches"], "foot": ["feet"], "second": ["s", "sec", "seconds"],
    "millisecond": ["ms"], "microsecond": ["µs", "us"], "minute": ["min"], "hour": ["h", "hours"],
}  # fmt: skip


@pytest.mark.parametrize(("written", "name"), [(one, name) for name, all in KNOWN.items() for one in all])
def test_known_units_have_one_name(written: str, name: str) -> None:
    assert full_unit(written) == name
    assert note_on_units("x.tif", [(written, UNITS[name].kind)]) == ""


@pytest.mark.parametrize("written", ["", "px", "pixel", "Pixels", None])
def test_pixels_are_no_unit(written: str | None) -> None:
    assert full_unit(written) is None
    assert note_on_units("x.tif", [(written, "length")]) == ""


@pytest.mark.parametrize("written", ["a.u.", "furlong", "µ", "µm/px", "gray\nvalue"])
def test_units_nobody_knows_are_told(written: str) -> None:
    assert full_unit(written) is None
    assert "no unit of length we know" in note_on_units("x.tif", [("um", "length"), (written, "length")])
    assert full_unit("s", "length") is None
    assert "'s', which is no unit of length" in note_on_units("x.tif", [("s", "length")])


def test_every_unit_is_found_by_its_name_and_its_symbol() -> None:
    for name, unit in UNITS.items():
        assert full_unit(name) == full_unit(unit.symbol) == name
        assert full_unit(imagej_unit(name)) == (name if unit.kind == "length" else None)
        assert imagej_unit(name).isascii()
        assert ome_unit(name, unit.kind) == unit.symbol


def test_what_is_of_another_kind_goes_into_no_enumeration() -> None:
    assert ome_unit("second", "length") == ome_unit(None, "length") == ome_unit("a.u.", "length") == "pixel"
    assert ome_unit("micrometer", "time") == "s"
    assert imagej_unit(None) == imagej_unit("a.u.") == "pixel"
    assert kind_of("a.u.") is None


def test_values_in_other_units_are_exact() -> None:
    assert converted(500.0, "nanometer", "micrometer") == 0.5
    assert converted(0.13, "micrometer", "nanometer") == 130.0
    assert converted(1.0, "inch", "millimeter") == 25.4
    assert converted(1.0, "second", "micrometer") is None
    assert converted(1.0, None, "micrometer") is None
    assert converted(float("nan"), "meter", "micrometer") is None
