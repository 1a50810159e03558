"""Writing OME-TIFF, ImageJ's TIFF, and plain TIFF for what ImageJ does not know."""

from __future__ import annotations

from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.colours.lookup_tables import table_of
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.tiff.description import (
    Described,
    described,
    free_letters,
    imagej_options,
    needs_ome,
    ome_axes,
    ome_options,
    plain_options,
)
from napari_srgan.images.tiff.pyramid import level_shapes, write_pyramid
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.scratch_output import ScratchOutput

OME_DTYPES = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")
IMAGEJ_DTYPES = ("uint8", "uint16", "float32")
IMAGEJ_LARGEST = 2**32 - 2**25
"""Bytes beyond which a file must be BigTIFF, which ImageJ's own format cannot be."""
_TILE = 256
"""Side of a tile of a large plane, so that viewers can read a part of it."""


class TiffOutput(ScratchOutput):
    """A result as OME-TIFF (``.ome.tif``), or as TIFF that ImageJ opens with its pixel size.

    Truth values are stored as one bit. What ImageJ's format cannot hold (other dtypes,
    axes nobody named, more than 4 GiB) becomes a plain, compressed TIFF with the axes in
    its description and resolution tags; with OME-XML, where that tells other programs more. Planes
    that are large have coarser levels in OME-TIFF, and all if they are to have a pyramid.
    """

    @property
    def ome(self) -> bool:
        """Whether it is an OME-TIFF by its name."""
        return self.path.name.lower().endswith((".ome.tif", ".ome.tiff"))

    def check(self, dtype: np.dtype[Any]) -> None:
        axes = self.file.axes
        if self.ome and dtype.name not in OME_DTYPES:
            raise UserError(f"OME-TIFF cannot hold {dtype}; write a .tif or a .zarr")
        if self.ome and axes.count("Q") > len(free_letters(axes)):
            raise UserError(f"OME-TIFF has no place for axes {axes!r}; write a .tif or a .zarr")

    def least_size(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        if self.ome:
            return 0
        like_it = np.broadcast_to(np.zeros((), dtype), shape)
        return like_it.nbytes if _fits_imagej(like_it, self.file.axes) else 0

    def beside_size(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
        levels = self._level_shapes(shape)
        return sum(int(np.prod(level, dtype=np.int64)) for level in levels) * dtype.itemsize

    def _level_shapes(self, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
        return level_shapes(shape, self.file.axes.index("Y"), wanted=self.file.pyramid)

    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        data = result.data
        axes = ome_axes(result.axes) if self.ome else result.axes
        image = described(axes, tuple(data.shape), spacings, self.file.look, result.provenance)
        self.note = _note_on_unnamed(result.axes) if self.ome else ""
        if self.ome:
            options = ome_options(image) | _compressed(data, result.axes)
        elif _fits_imagej(data, result.axes):
            options = imagej_options(image)
        else:
            options = ome_options(image) if _fits_ome(image, data) else plain_options(image)
            options |= _compressed(data, result.axes)
        if image.colour:
            options["photometric"] = "rgb"
            if data.shape[-1] == 4:
                options["extrasamples"] = ["unassalpha"]
        elif "imagej" in options and _has_colour_table(image, data):
            shown = image.look.channel(0)
            table = table_of(shown.colour, shown.table).T.astype(np.uint16)
            options |= {"photometric": "palette", "colormap": table * 257}
        else:
            options["photometric"] = "minisblack"
        options["software"] = "napari-srgan"
        shapes = self._level_shapes(tuple(data.shape)) if "ome" in options else []
        if not shapes:
            tifffile.imwrite(self.partial.temporary, data, **options)
            return
        write_pyramid(
            self.partial.temporary, data, result.axes.index("Y"), shapes, options,
            lambda level: _layout(level, result.axes), self.allocate,
        )  # fmt: skip


def _note_on_unnamed(axes: str) -> str:
    """What axes that nobody has named are called in OME-TIFF, which knows no others than Z, C and T."""
    named = free_letters(axes)[: axes.count("Q")]
    if not named:
        return ""
    example = axes
    for letter in "ZTC":
        example = example if letter in axes else example.replace("Q", letter, 1)
    what = "an axis without a name is" if len(named) == 1 else "axes without names are"
    return (
        f"{what} written as {' and '.join(named)}, as OME-TIFF has only axes with names; say what they are, "
        f"e.g. {example} (in a shell: --axes {example})"
    )


def _has_colour_table(image: Described, data: NDArray[Any]) -> bool:
    """Whether ImageJ itself would write it with a table of colours: one plane of 8 bits that is not gray."""
    shown = image.look.channel(0)
    gray = shown.table is None and shown.colour in (None, "FFFFFF")
    return image.axes == "YX" and data.dtype == np.uint8 and not gray


def _compressed(data: NDArray[Any], axes: str) -> dict[str, Any]:
    # Compressed sizes are not known before: be safe where they might not fit; a pyramid adds a third.
    return {"bigtiff": data.nbytes * 4 > IMAGEJ_LARGEST * 3, **_layout(data, axes)}


def _layout(data: NDArray[Any], axes: str) -> dict[str, Any]:
    y = axes.index("Y")
    options: dict[str, Any] = {"compression": "zlib"}
    if min(data.shape[y : y + 2]) > 2 * _TILE and data.dtype != np.bool_:
        options["tile"] = (_TILE, _TILE)
    return options


def _fits_imagej(data: NDArray[Any], axes: str) -> bool:
    in_order = "".join(letter for letter in "TZCYXS" if letter in axes) == axes
    dtypes = ("uint8",) if axes.endswith("S") else IMAGEJ_DTYPES
    four = axes.endswith("S") and data.shape[-1] == 4
    return in_order and data.dtype.name in dtypes and data.nbytes < IMAGEJ_LARGEST and not four


def _fits_ome(image: Described, data: NDArray[Any]) -> bool:
    """Whether a .tif is better off with OME-XML, and loses nothing by it."""
    return needs_ome(image) and data.dtype.name in OME_DTYPES and "Q" not in image.axes
