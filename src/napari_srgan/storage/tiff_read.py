"""Reading TIFF, OME-TIFF and ImageJ's TIFF, part by part where they are large."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_srgan.errors import UserError, threads_told
from napari_srgan.storage import limits
from napari_srgan.storage.file_array import FileArray, damaged
from napari_srgan.storage.image import StoredImage, arrange
from napari_srgan.storage.spacing import Spacing
from napari_srgan.storage.tiff_limits import TimedFile, check_ome
from napari_srgan.storage.tiff_pixels import PaletteColours, level_array
from napari_srgan.storage.tiff_spacing import tiff_spacings
from napari_srgan.storage.unchanged import unchanged


def open_tiff(path: Path) -> StoredImage:
    """Open the first image series of a TIFF file.

    Raises
    ------
    UserError
        If it is no TIFF, is cut off, is compressed in a way we cannot read, or refers to files that
        are not there.
    """
    with _Overheard() as overheard:
        return _open(path, overheard)


def _open(path: Path, overheard: _Overheard) -> StoredImage:
    limits.check_file(path)
    stream = TimedFile(path)
    try:
        with stream.limited():
            file = tifffile.TiffFile(stream)
    except UserError:
        stream.close()
        raise
    except (tifffile.TiffFileError, ValueError, EOFError) as error:
        stream.close()
        raise UserError(
            f"{path.name} is no readable TIFF file ({str(error).splitlines()[0]}); "
            "get the file again from where it was made"
        ) from error
    try:
        with stream.limited():
            check_ome(file, path.parent)
            series = _first_series(path, file)
        with threads_told():
            image = _open_series(path, file, stream, series)
        if overheard.absent:
            raise UserError(
                f"{path.name} is one of several files of one image, and {overheard.absent[0]} cannot be "
                "read; put all of them into one folder, under the names they were written with"
            )
        if overheard.losses:
            raise damaged(path.name, overheard.losses[0])
        return image
    except (UserError, MemoryError, KeyboardInterrupt):
        stream.close()
        raise
    except Exception as error:  # tifffile passes on whatever its parsers raise
        stream.close()
        raise damaged(path.name, error) from error


def _first_series(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    if not file.series:
        raise damaged(path.name, "there is no image in it")
    _refuse_cut_off(file, file.series[0])
    return file.series[0]


def _open_series(
    path: Path, file: tifffile.TiffFile, stream: TimedFile, series: tifffile.TiffPageSeries
) -> StoredImage:
    def close() -> None:
        file.close()  # the other files of one image
        stream.close()

    letters = _with_plane(series.axes)
    if letters == series.axes:
        array = _in_colour(level_array(path, series), file, series)
    else:  # one row, one column or one pixel
        sizes = dict(zip(series.axes, series.shape, strict=True))
        array = series.asarray().reshape([sizes.get(letter, 1) for letter in letters])
    if array.ndim > len(letters):
        letters = f"{letters}S"
    elif series.keyframe.photometric not in _COLOUR:
        letters = letters.replace("S", "C" if "C" not in letters else "Q")
    known = tiff_spacings(file, series)
    spacings = tuple(known.get(letter, Spacing()) for letter in letters)
    order, axes, placed = arrange(array.shape, letters, spacings)
    return StoredImage(
        path=path,
        data=FileArray(array, path.name, axes, order),
        axes=axes,
        spacings=placed,
        ending=".ome.tif" if file.is_ome else ".tif",
        note=_note(path, file, series),
        close=close,
        still_there=unchanged(path),
        coarser=tuple(
            FileArray(level, path.name, axes, order)
            for level in (_levels(path, file, series) if letters == series.axes else ())
            if level.ndim == len(order)
        ),
    )


def _note(path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> str:
    """What is not as one would expect."""
    notes = []
    if others := len(file.series) - 1:
        notes.append(f"{path.name} holds {others} more of other sizes; the first image is taken")
    if series.dataoffset is None and (missing := sum(page is None for page in series.pages)):
        notes.append(
            f"{missing} of {len(series.pages)} planes are not in {path.name}, perhaps because recording was "
            "stopped; they are 0"
        )
    return "; ".join(notes)


_COLOUR = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR, tifffile.PHOTOMETRIC.CIELAB)


class _Overheard(logging.Handler):
    """Listens to tifffile, which only logs that the rest of the planes cannot be found.

    While it listens nobody else is told: what is wrong with a file is said once, by us.
    """

    LOGGER = logging.getLogger("tifffile")
    LOSSES = ("invalid page offset", "corrupted")
    ABSENT = re.compile("failed to read '(.+?)'")

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[str] = []
        self.absent: list[str] = []
        """Other files that the image is in."""

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage()
        if any(loss in words for loss in self.LOSSES):
            self.losses.append("it ends before its last plane")
        if absent := self.ABSENT.search(words):
            self.absent.append(absent[1])

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


def _levels(path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Iterator[Any]:
    """The coarser levels of a pyramid that are the same image with fewer pixels."""
    finer = series.shape
    for number, level in enumerate(series.levels[1:], 1):
        if level.axes == series.axes and all(a <= b for a, b in zip(level.shape, finer, strict=True)):
            finer = level.shape
            yield _in_colour(level_array(path, series, number), file, series)


def _in_colour(array: Any, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Any:
    """Replace numbers of colours by colours; a table of ImageJ only says how to show intensities."""
    page = series.keyframe
    table = page.colormap if page.photometric == tifffile.PHOTOMETRIC.PALETTE else None
    if table is None or file.is_imagej or file.is_ome:
        return array
    colours = (table >> 8).astype(np.uint8).T
    return colours[array] if isinstance(array, np.ndarray) else PaletteColours(array, colours)
