"""Pixel sizes where microscopes and slide scanners write them in their own kinds of TIFF."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

import numpy as np
import tifffile

from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import full_unit

_METER = 1e6
"""A metre in micrometres."""


def vendor_spacings(file: tifffile.TiffFile) -> dict[str, Spacing]:
    """Pixel size by axis letter; empty where the file is of none of these makers, or does not tell it.

    Read are Aperio's ``MPP``, Zeiss's LSM (voxel size and time interval) and SEM (image pixel size),
    MetaMorph's STK (calibration and distance of planes) and FEI's SEM (pixel width and height), as tifffile
    gives them.

    Parameters
    ----------
    file
        The open file.
    """
    for told, read in (
        (file.is_svs, _aperio), (file.is_lsm, _lsm), (file.is_stk, _stk), (file.is_fei, _fei),
        (file.is_sem, _zeiss_sem),
    ):  # fmt: skip
        if told:
            with suppress(
                KeyError, TypeError, ValueError, AttributeError, IndexError
            ):  # programs write anything
                return _sizes(read(file))
    return {}


_Told = Iterable[tuple[str, object, str | None]]


def _sizes(told: _Told) -> dict[str, Spacing]:
    """Spacings of those numbers that can be sizes of pixels."""
    found = {}
    for letter, value, unit in told:
        size = float(value)  # type: ignore[arg-type]
        if isfinite(size) and size > 0:
            found[letter] = Spacing(size, unit)
    return found


def _aperio(file: tifffile.TiffFile) -> _Told:
    said = [item.split("=", 1) for item in file.pages.first.description.split("|") if "=" in item]
    size = {name.strip(): value for name, value in said}["MPP"]
    return [(letter, size, "micrometer") for letter in "YX"]


def _lsm(file: tifffile.TiffFile) -> _Told:
    said: Mapping[str, Any] = file.lsm_metadata or {}
    sizes = [(letter, float(said[f"VoxelSize{letter}"]) * _METER, "micrometer") for letter in "XYZ"]
    return [*sizes, ("T", said.get("TimeIntervall", 0), "second")]


def _stk(file: tifffile.TiffFile) -> _Told:
    said: Mapping[str, Any] = file.stk_metadata or {}
    unit = full_unit(said.get("CalibrationUnits"), "length")
    if unit is None:  # plain pixels
        return []
    distances = np.unique(np.asarray(said.get("ZDistance", 0)))
    sizes = [(letter, said[f"{letter}Calibration"], unit) for letter in "XY"]
    return [*sizes, ("Z", distances[0] if len(distances) == 1 else 0, unit)]


def _fei(file: tifffile.TiffFile) -> _Told:
    said = file.fei_metadata or {}
    scan = next(said[part] for part in ("Scan", "EScan", "IScan") if part in said)
    names = {"X": "PixelWidth", "Y": "PixelHeight"}
    return [(letter, float(scan[name]) * _METER, "micrometer") for letter, name in names.items()]


def _zeiss_sem(file: tifffile.TiffFile) -> _Told:
    said = file.sem_metadata or {}
    _, size, unit = said.get("ap_image_pixel_size") or said["ap_pixel_size"]
    return [(letter, size, full_unit(unit, "length")) for letter in "YX"]
