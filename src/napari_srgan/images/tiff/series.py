"""Which images a TIFF holds, and what of its OME-XML is about which."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import tifffile

from napari_srgan.errors import UserError
from napari_srgan.images.reading.file_array import damaged


def own_series(file: tifffile.TiffFile) -> list[tuple[int, tifffile.TiffPageSeries]]:
    """The images that lie in a file, and not only in others of its set, with their numbers."""
    return [
        (number, series)
        for number, series in enumerate(file.series)
        # tifffile may open the same file a second time as a member of its set.
        if any(page is not None and _same_file(page.parent, file) for page in series.pages)
    ]


def series_in(path: Path, file: tifffile.TiffFile, part: str) -> tifffile.TiffPageSeries:
    """An image of a file by its number; the first that lies in it if there is none."""
    if not file.series:
        raise damaged(path.name, "there is no image in it")
    own = own_series(file)
    if not part:
        return own[0][1] if own else file.series[0]
    for number, series in own:
        if part == str(number):
            return series
    raise UserError(f"there is no series {part} in {path.name}; it has {', '.join(str(n) for n, _ in own)}")


def element_of(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> int:
    """Number of the image in the OME-XML that a series is; tifffile leaves out those that it cannot read."""
    root = _parsed(file)
    images = [] if root is None else root.findall("{*}Image")
    at = 0
    for one in file.series:
        fits = (n for n in range(at, len(images)) if _describes(images[n], one))
        found = next(fits, None)
        if one is series:
            return found or 0
        at = at if found is None else found + 1
    return 0


def _describes(image: Element, series: tifffile.TiffPageSeries) -> bool:
    pixels = image.find("{*}Pixels")
    page = series.keyframe
    return (
        pixels is not None
        and image.get("Name", "") == (series.name or "")
        and (pixels.get("SizeX"), pixels.get("SizeY")) == (str(page.imagewidth), str(page.imagelength))
    )


def ome_of(file: tifffile.TiffFile, number: int) -> Element | None:
    """The OME-XML of one image, without the others; None if there is none.

    Parameters
    ----------
    file
        The open file.
    number
        Number of the image in its OME-XML, from :func:`element_of`.
    """
    root = _parsed(file)
    if root is not None:
        for at, image in enumerate(root.findall("{*}Image")):
            if at != number:
                root.remove(image)
    return root


def _parsed(file: tifffile.TiffFile) -> Element | None:
    return fromstring(file.ome_metadata) if file.is_ome and file.ome_metadata else None


def _same_file(one: tifffile.TiffFile, other: tifffile.TiffFile) -> bool:
    return os.path.realpath(one.filehandle.path) == os.path.realpath(other.filehandle.path)
