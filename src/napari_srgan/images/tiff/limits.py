"""What the directories and the OME-XML of a TIFF file may ask for before its pixels are wanted."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

from napari_srgan.errors import UserError
from napari_srgan.images.reading import limits


class _TooLong(BaseException):
    """The time for reading directories is over; tifffile logs an Exception and goes on."""


class TimedFile(io.BufferedReader):
    """A file whose directories must be read within a time.

    tifffile reads directories for as long as they refer to others. The other files of an OME-TIFF it looks
    for beside the name that this one has.

    Parameters
    ----------
    path
        Path of an ordinary file, or of a link to one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path.absolute()))
        self._deadline = math.inf
        self._refused = False

    @property
    def half_time(self) -> float:
        """When half of the time is over, for other files that are read meanwhile."""
        return self._deadline - limits.SECONDS / 2

    @contextmanager
    def limited(self, until: float = math.inf) -> Iterator[None]:
        """Allow :data:`~napari_srgan.images.reading.limits.SECONDS` for what is read within.

        Parameters
        ----------
        until
            A moment of ``time.monotonic()`` at which it has to be over in any case.

        Raises
        ------
        UserError
            If that was not enough.
        """
        self._deadline = min(time.monotonic() + limits.SECONDS, until)
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


def check_ome(path: Path, metadata: str) -> None:
    """Refuse OME-XML with more planes than there can be, or with other files that are none.

    Parameters
    ----------
    path
        A file of the image that it describes.
    metadata
        The OME-XML.

    Raises
    ------
    UserError
        If there is such.
    """
    if len(metadata) > limits.OME_XML:
        raise limits.too_large(f"the OME-XML of {path.name}", len(metadata), limits.OME_XML)
    try:
        root = ElementTree.fromstring(metadata)
    except ElementTree.ParseError:  # tifffile takes the planes as they are, then
        return
    folder = path.parent
    total = 0.0  # of all images: tifffile makes a list for each
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        planes = _planes(kind, element.attrib)
        total += planes if kind.endswith("Pixels") else 0
        if max(planes, total) > limits.PLANES:
            raise UserError(
                f"the OME-XML of {path.name} speaks of {max(planes, total):,.0f} planes, and at most "
                f"{limits.PLANES:,} are read of one file; it is damaged, get the file again"
            )
        if name := element.attrib.get("FileName"):
            _check_other(folder / name)


def _planes(tag: str, told: dict[str, str]) -> float:
    """How many planes an element of OME-XML speaks of, or refers beyond; names are as tifffile takes them."""
    try:
        if tag.endswith("Pixels"):
            return math.prod(max(int(told.get(f"Size{axis}", 1)), 1) for axis in "ZCT")
        if tag.endswith("TiffData"):
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
