"""Writing OME-TIFF, ImageJ's TIFF, and plain TIFF for what ImageJ does not know."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.inference.upscale import Upscaled
from napari_srgan.storage.scratch_output import ScratchOutput
from napari_srgan.storage.spacing import Spacing, short_unit

OME_DTYPES = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")
IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
IMAGEJ_LARGEST = 2**32 - 2**25
"""Bytes beyond which a file must be BigTIFF, which ImageJ's own format cannot be."""
TILE = 256
"""Side of a tile of a large plane, so that viewers can read a part of it."""


class TiffOutput(ScratchOutput):
    """A result as OME-TIFF (``.ome.tif``), or as TIFF that ImageJ opens with its pixel size.

    Truth values are stored as one bit. What ImageJ's format cannot hold (other dtypes,
    axes nobody named, more than 4 GiB) becomes a plain, compressed TIFF with the axes in
    its description.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        self.ome = path.name.lower().endswith((".ome.tif", ".ome.tiff"))
        super().__init__(path, **options)

    def check(self, axes: str, dtype: np.dtype[Any]) -> None:
        if self.ome and dtype.name not in OME_DTYPES:
            raise UserError(f"OME-TIFF cannot hold {dtype}; write a .tif or a .zarr")
        if self.ome and axes.count("Q") > len(_free_letters(axes)):
            raise UserError(f"OME-TIFF has no place for axes {axes!r}; write a .tif or a .zarr")

    def least_size(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        if self.ome or self.axes is None:
            return 0
        like_it = np.broadcast_to(np.zeros((), dtype), shape)
        return like_it.nbytes if _fits_imagej(like_it, self.axes) else 0

    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        data = result.data
        placed = dict(zip(result.axes, spacings, strict=True))
        if self.ome:
            options = _ome_options(result, placed)
        elif _fits_imagej(data, result.axes):
            options = _imagej_options(result, placed)
        else:
            options = _plain_options(result, placed)
        if result.axes.endswith("S"):
            options["photometric"] = "rgb"
            if data.shape[-1] == 4:
                options["extrasamples"] = ["unassalpha"]
        else:
            options["photometric"] = "minisblack"
        tifffile.imwrite(self.partial.temporary, data, software="napari-srgan", **options)


def _compressed(data: NDArray[Any], axes: str) -> dict[str, Any]:
    y = axes.index("Y")
    options: dict[str, Any] = {
        "compression": "zlib",
        # Compressed sizes are not known before: be safe where they might not fit.
        "bigtiff": data.nbytes > IMAGEJ_LARGEST,
    }
    if min(data.shape[y : y + 2]) > 2 * TILE and data.dtype != np.bool_:
        options["tile"] = (TILE, TILE)
    return options


def _free_letters(axes: str) -> list[str]:
    return [letter for letter in "TZC" if letter not in axes]


def _ome_options(result: Upscaled, placed: dict[str, Spacing]) -> dict[str, Any]:
    axes = result.axes
    for letter in _free_letters(axes):  # an axis nobody named must be one of these
        axes = axes.replace("Q", letter, 1)
    metadata: dict[str, Any] = {
        "axes": axes,
        "Description": result.provenance["note"],
        "MapAnnotation": {key: _text(value) for key, value in result.provenance.items()},
    }
    for letter in "XYZ":
        spacing = placed.get(letter)
        if spacing and spacing.known:
            metadata[f"PhysicalSize{letter}"] = spacing.size
            metadata[f"PhysicalSize{letter}Unit"] = short_unit(spacing.unit) or "pixel"
    if (time := placed.get("T")) and time.known:
        metadata["TimeIncrement"] = time.size
        metadata["TimeIncrementUnit"] = short_unit(time.unit) or "s"
    metadata |= _ome_positions(result, axes, placed)
    return {"ome": True, "metadata": metadata, **_compressed(result.data, result.axes)}


def _ome_positions(result: Upscaled, axes: str, placed: dict[str, Spacing]) -> dict[str, Any]:
    """Where the planes lie, so that the pixels stay where those of the input were."""
    planes = int(np.prod(result.data.shape[: axes.index("Y")], dtype=np.int64))
    plane: dict[str, list[float] | list[str]] = {}
    for letter in "XY":
        spacing = placed[letter]
        if spacing.known:
            plane[f"Position{letter}"] = [spacing.origin] * planes
            plane[f"Position{letter}Unit"] = [short_unit(spacing.unit) or "pixel"] * planes
    return {"Plane": plane} if plane else {}


def _fits_imagej(data: NDArray[Any], axes: str) -> bool:
    in_order = "".join(letter for letter in "TZCYXS" if letter in axes) == axes
    dtypes = ("uint8",) if axes.endswith("S") else IMAGEJ_DTYPES
    four = axes.endswith("S") and data.shape[-1] == 4
    return in_order and data.dtype.name in dtypes and data.nbytes < IMAGEJ_LARGEST and not four


def _imagej_options(result: Upscaled, placed: dict[str, Spacing]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": result.axes, "Info": json.dumps(result.provenance, indent=1)}
    plane = placed["X"]
    options: dict[str, Any] = {"imagej": True, "metadata": metadata}
    if plane.known:
        options["resolution"] = (1 / plane.size, 1 / placed["Y"].size)
        # ImageJ knows one unit for Y and X, and no Greek letters.
        metadata["unit"] = (short_unit(plane.unit) or "pixel").replace("µ", "u")
    if (depth := placed.get("Z")) and depth.known:
        metadata["spacing"] = depth.size
    if (time := placed.get("T")) and time.known:
        metadata["finterval"] = time.size
        if time.unit:
            metadata["tunit"] = short_unit(time.unit)
    return options


def _plain_options(result: Upscaled, placed: dict[str, Spacing]) -> dict[str, Any]:
    spacings = {letter: asdict(spacing) for letter, spacing in placed.items() if spacing.known}
    metadata = {"axes": result.axes, "provenance": result.provenance, "spacings": spacings}
    return {"metadata": metadata, **_compressed(result.data, result.axes)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
