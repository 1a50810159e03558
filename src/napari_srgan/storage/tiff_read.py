"""Reading TIFF, OME-TIFF and ImageJ's TIFF, part by part where they are large."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.storage.file_array import FileArray, damaged
from napari_srgan.storage.image import StoredImage, arrange
from napari_srgan.storage.spacing import Spacing, full_unit

READ_AT_ONCE = 2**28
"""Bytes up to which an image is read whole: quicker than part by part."""

_RESOLUTION_UNITS = {2: "inch", 3: "centimeter"}
_TO_MICROMETER = {"inch": 25400.0, "centimeter": 10000.0, "millimeter": 1000.0, "meter": 1e6}


def open_tiff(path: Path) -> StoredImage:
    """Open the first image series of a TIFF file.

    Raises
    ------
    UserError
        If it is no TIFF, is cut off, or is compressed in a way we cannot read.
    """
    with _Overheard() as overheard:
        return _open(path, overheard)


def _open(path: Path, overheard: _Overheard) -> StoredImage:
    try:
        file = tifffile.TiffFile(path)
    except (tifffile.TiffFileError, ValueError, EOFError) as error:
        raise UserError(
            f"{path.name} is no readable TIFF file ({str(error).splitlines()[0]}); "
            "get the file again from where it was made"
        ) from error
    try:
        image = _open_series(path, file)
        if overheard.losses:
            raise damaged(path.name, overheard.losses[0])
        return image
    except (UserError, MemoryError, KeyboardInterrupt):
        file.close()
        raise
    except Exception as error:  # tifffile passes on whatever its parsers raise
        file.close()
        raise damaged(path.name, error) from error


def _open_series(path: Path, file: tifffile.TiffFile) -> StoredImage:
    if not file.series:
        raise damaged(path.name, "there is no image in it")
    series = file.series[0]
    _refuse_cut_off(file, series)
    letters = _with_plane(series.axes)
    if letters == series.axes:
        array = _in_colour(_array(path, series), file, series)
    else:  # one row, one column or one pixel
        sizes = dict(zip(series.axes, series.shape, strict=True))
        array = series.asarray().reshape([sizes.get(letter, 1) for letter in letters])
    if array.ndim > len(letters):
        letters = f"{letters}S"
    elif series.keyframe.photometric not in _COLOUR:
        letters = letters.replace("S", "C" if "C" not in letters else "Q")
    known = _spacings(file, series)
    spacings = tuple(known.get(letter, Spacing()) for letter in letters)
    order, axes, placed = arrange(array.shape, letters, spacings)
    others = len(file.series) - 1
    return StoredImage(
        path=path,
        data=FileArray(array, path.name, axes, order),
        axes=axes,
        spacings=placed,
        ending=".ome.tif" if file.is_ome else ".tif",
        note=f"{path.name} holds {others} more of other sizes; the first image is taken" if others else "",
        close=file.close,
    )


_COLOUR = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR, tifffile.PHOTOMETRIC.CIELAB)


class _Overheard(logging.Handler):
    """Listens to tifffile, which only logs that the rest of the planes cannot be found.

    While it listens nobody else is told: what is wrong with a file is said once, by us.
    """

    LOGGER = logging.getLogger("tifffile")
    LOSSES = ("invalid page offset", "corrupted")

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if any(loss in words for loss in self.LOSSES):
            self.losses.append("it ends before its last plane")

    def __enter__(self) -> _Overheard:
        self._propagated = self.LOGGER.propagate
        self.LOGGER.propagate = False
        self.LOGGER.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.LOGGER.removeHandler(self)
        self.LOGGER.propagate = self._propagated


def _with_plane(letters: str) -> str:
    """Give back the Y or X axis that was left out because it has one pixel."""
    if "Y" not in letters and "X" not in letters:
        return letters.replace("S", "") + "YX" + ("S" if "S" in letters else "")
    if "X" not in letters:
        return letters.replace("Y", "YX")
    return letters if "Y" in letters else letters.replace("X", "YX")


def _refuse_cut_off(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    # tifffile fills what is missing with zeros, which would pass for a dark image.
    size, needed = file.filehandle.size, 0
    for page in series.pages:
        if page is None or page.parent is not file:  # some OME-TIFF lie in several files
            continue
        ends = (offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False))
        needed = max(needed, *ends, 0)
    if series.dataoffset is not None:  # planes one after the other, of which not all need a page
        needed = max(needed, series.dataoffset + series.nbytes)
    if needed > size:
        raise damaged(file.filename, f"it has {size} bytes and should have {needed}")


def _array(path: Path, series: tifffile.TiffPageSeries) -> Any:
    if series.nbytes <= READ_AT_ONCE:
        return series.asarray()
    if series.dataoffset is not None and series.keyframe.is_memmappable:
        return tifffile.memmap(path, mode="r", series=0)
    array = zarr.open(series.aszarr(level=0), mode="r")
    assert isinstance(array, zarr.Array)
    return array


def _in_colour(array: Any, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Any:
    """Replace numbers of colours by colours; a table of ImageJ only says how to show intensities."""
    page = series.keyframe
    table = page.colormap if page.photometric == tifffile.PHOTOMETRIC.PALETTE else None
    if table is None or file.is_imagej or file.is_ome:
        return array
    colours = (table >> 8).astype(np.uint8).T

    def look_up(numbers: NDArray[Any]) -> NDArray[np.uint8]:
        return np.asarray(colours[numbers])

    if isinstance(array, np.ndarray):
        return look_up(array)
    import dask.array as da

    lazy = da.from_array(array, asarray=False)  # type: ignore[no-untyped-call]
    return lazy.map_blocks(look_up, dtype=np.uint8, new_axis=lazy.ndim, chunks=(*lazy.chunks, (3,)))


def _spacings(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> dict[str, Spacing]:
    """Pixel size by axis letter, from the first place where the file tells it."""
    if file.is_ome and file.ome_metadata:
        return _ome_spacings(file.ome_metadata)
    if file.is_imagej and file.imagej_metadata:
        return _imagej_spacings(file.imagej_metadata, series.keyframe)
    found = {}
    shaped = file.shaped_metadata
    if shaped:
        found = {letter: Spacing(**stored) for letter, stored in dict(shaped[0].get("spacings", {})).items()}
    return _resolution(series.keyframe) | found


def _ome_spacings(xml: str) -> dict[str, Spacing]:
    pixels = ElementTree.fromstring(xml).find(".//{*}Image/{*}Pixels")
    if pixels is None:
        return {}
    found = {}
    for letter in "XYZ":
        if size := pixels.get(f"PhysicalSize{letter}"):
            unit = full_unit(pixels.get(f"PhysicalSize{letter}Unit", "µm"))
            found[letter] = Spacing(float(size), unit, _ome_origin(pixels, letter, unit))
    if step := pixels.get("TimeIncrement"):
        found["T"] = Spacing(float(step), full_unit(pixels.get("TimeIncrementUnit", "s")))
    return found


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
