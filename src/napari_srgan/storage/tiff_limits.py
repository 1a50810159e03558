"""What the directories and the OME-XML of a TIFF file may ask for before its pixels are wanted."""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import tifffile

from napari_srgan.errors import UserError
from napari_srgan.storage import limits


class _TooLong(BaseException):
    """The time for reading directories is over; tifffile logs an Exception and goes on."""


class TimedFile(io.BufferedReader):
    """A file whose directories must be read within a time.

    tifffile reads directories for as long as they refer to others.

    Parameters
    ----------
    path
        Of an ordinary file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(os.path.realpath(path)))
        self._deadline = math.inf
        self._refused = False

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Allow :data:`~napari_srgan.storage.limits.SECONDS` for what is read within.

        Raises
        ------
        UserError
            If that was not enough.
        """
        self._deadline = time.monotonic() + limits.SECONDS
        try:
            yield
        finally:
            self._deadline = math.inf
            if self._refused:
                raise UserError(
                    f"the list of images in {Path(str(self.name)).name} could not be read within "
                    f"{limits.SECONDS:g} seconds; it may be damaged: get the file again, or save it as "
                    "OME-TIFF or OME-Zarr"
                )

    def _check(self) -> None:
        if time.monotonic() > self._deadline:
            self._refused = True
            raise _TooLong

    def read(self, size: int | None = -1, /) -> bytes:
        self._check()
        return super().read(size)

    def seek(self, target: int, whence: int = 0, /) -> int:
        self._check()
        return super().seek(target, whence)


def check_ome(file: tifffile.TiffFile, folder: Path) -> None:
    """Refuse OME-XML with more planes than there can be, or with other files that are none.

    Parameters
    ----------
    file
        An open file; its series have not been asked for.
    folder
        In which it lies.

    Raises
    ------
    UserError
        If there is such.
    """
    text = file.ome_metadata
    if text is None:
        return
    if len(text) > limits.OME_XML:
        raise limits.too_large(f"the OME-XML of {file.filename}", len(text), limits.OME_XML)
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:  # tifffile takes the planes as they are, then
        return
    for element in root.iter():
        planes = _planes(element.tag.rpartition("}")[2], element.attrib)
        if planes > limits.PLANES:
            raise UserError(
                f"the OME-XML of {file.filename} speaks of {planes:,.0f} planes, and at most "
                f"{limits.PLANES:,} are read of one image; it is damaged, get the file again"
            )
        if name := element.attrib.get("FileName"):
            _check_other(folder / name)


def _planes(tag: str, told: dict[str, str]) -> float:
    """How many planes an element of OME-XML speaks of, or refers beyond."""
    try:
        if tag == "Pixels":
            return math.prod(max(int(told.get(f"Size{axis}", 1)), 1) for axis in "ZCT")
        if tag == "TiffData":
            return max(int(told.get(name, 0)) for name in ("IFD", "PlaneCount", "NumPlanes"))
        if tag[:-1].endswith("Along") and "Start" in told:
            start, end, step = (float(told.get(name, 1)) for name in ("Start", "End", "Step"))
            return abs((end - start) / step) if step else math.inf
    except ValueError:  # tifffile says so
        pass
    return 0


def _check_other(path: Path) -> None:
    """Refuse a file of the same image that would be waited for; one that is not there is told of later."""
    with suppress(OSError):
        limits.check_file(path)
