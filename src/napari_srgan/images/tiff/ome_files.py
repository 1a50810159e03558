"""Which files an OME-TIFF image lies in: its metadata may be in one file and its planes in many.

https://ome-model.readthedocs.io/en/stable/ome-tiff/specification.html: every file of a set has the metadata
of the whole, or says in ``BinaryOnly`` which file has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree

import tifffile

from napari_srgan.errors import UserError
from napari_srgan.images.reading.limits import OME_XML, read_small
from napari_srgan.images.reading.quiet_logs import quiet
from napari_srgan.images.tiff.limits import TimedFile


class NotTogether(UserError):
    """A file of an image is not where the others are."""


@dataclass(frozen=True)
class OmeFiles:
    """The set of files that a file belongs to."""

    metadata: str
    """The OME-XML that describes the image."""
    elsewhere: Path | None
    """The file that has the metadata, if that is another file."""
    images: tuple[tuple[Path, ...], ...]
    """For each image, the files that its planes lie in."""

    def image_in(self, path: Path) -> tuple[Path, ...]:
        """The files of the first image that has planes in a file; of the first of all if there is none."""
        mine = (files for files in self.images if path in files)
        return next(mine, self.images[0] if self.images else ())

    def image_at(self, number: int, path: Path) -> tuple[Path, ...]:
        """The files of an image by its number in the metadata; as :meth:`image_in` if there is none."""
        return self.images[number] if number < len(self.images) else self.image_in(path)


def ome_files(path: Path, metadata: str) -> OmeFiles:
    """Find the files of an OME-TIFF image.

    Parameters
    ----------
    path
        One of the image's files.
    metadata
        The OME-XML in that file.

    Raises
    ------
    NotTogether
        If the metadata is in a file that is not there.
    UserError
        If files are to lie outside the folder of `path`.
    """
    root = _parsed(metadata)
    binary_only = None if root is None else root.find("{*}BinaryOnly")
    elsewhere = None
    if binary_only is not None:
        elsewhere = _beside(path, binary_only.get("MetadataFile", ""))
        metadata = _metadata_of(path, elsewhere)
        root = _parsed(metadata)
        if root is None or root.find("{*}BinaryOnly") is not None:
            raise UserError(
                f"{path.name} is one of several files of one image, and there is no OME-XML in "
                f"{elsewhere.name}, which should describe it; get all of them again from where they were "
                "written"
            )
        # It identifies the file that it was written in, and would be taken for that of this one.
        root.attrib.pop("UUID", None)
        metadata = ElementTree.tostring(root, encoding="unicode")
    # A file that was renamed is known by its identifier, which tifffile compares too.
    own = None if root is None else root.get("UUID")
    images = () if root is None else tuple(_files_of(path, own, image) for image in root.findall("{*}Image"))
    return OmeFiles(metadata, elsewhere, images)


def names_of(path: Path) -> Iterator[Path]:
    """The names beside which the other files of an image may lie: that of a link, and of what it leads to.

    Stores of files by their content keep links with the names that the metadata speaks of; whoever puts one
    link to a set somewhere else has the rest of the set where the link leads.

    Parameters
    ----------
    path
        A file, or a link to it.
    """
    yield path
    leads_to = Path(os.path.realpath(path))
    if leads_to != path.absolute():
        yield leads_to


def files_of_image(path: Path) -> tuple[Path, ...]:
    """The files that the image in a TIFF lies in, and the one that describes it; itself if in doubt."""
    for name in names_of(path):
        with suppress(Exception):  # of any library that looks at a broken file; told when it is opened
            return _files_beside(name)
    return (path,)


def _files_beside(path: Path) -> tuple[Path, ...]:
    with quiet(), TimedFile(path) as stream, stream.limited(), tifffile.TiffFile(stream) as file:
        if not file.is_ome or not file.ome_metadata:
            return (path,)
        found = ome_files(path, file.ome_metadata)
    files = found.image_in(path)
    check_all_files(path, files)
    return (*files, *filter(None, [found.elsewhere]))


def check_all_files(path: Path, files: Sequence[Path]) -> None:
    """Make sure that all files of an image are there.

    Raises
    ------
    NotTogether
        If one is not.
    """
    for file in files:
        if not file.is_file():
            raise _absent(path, file.name)


def _absent(path: Path, name: str) -> NotTogether:
    return NotTogether(
        f"{path.name} is one of several files of one image, and {name} cannot be read; put all of them "
        "into one folder, under the names they were written with"
    )


def _parsed(metadata: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(metadata)
    except ElementTree.ParseError:
        return None


def _beside(path: Path, name: str) -> Path:
    """A file in the folder of another one; nothing outside of it is ever opened."""
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or "\\" in name
    if not name or outside or ".." in PurePosixPath(name).parts:
        raise UserError(
            f"{path.name} is one of several files of one image, and says that another is {name!r}; only "
            "files in its own folder are read: put all of them into one folder, and name them so in the "
            "metadata"
        )
    return path.parent / name


def _metadata_of(path: Path, elsewhere: Path) -> str:
    """The OME-XML in a companion file, or in the first page of a TIFF."""
    check_all_files(path, [elsewhere])
    if elsewhere.suffix.lower() in (".tif", ".tiff", ".btf", ".tf2", ".tf8"):
        with TimedFile(elsewhere) as stream, stream.limited(), tifffile.TiffFile(stream) as file:
            return file.ome_metadata or ""
    return read_small(elsewhere, OME_XML).decode("utf-8", errors="replace")


def _files_of(path: Path, own: str | None, image: ElementTree.Element) -> tuple[Path, ...]:
    """The files of an image, each once; the file itself where no other is named."""
    found: dict[Path, None] = {}
    for uuid in image.iterfind("{*}Pixels/{*}TiffData/{*}UUID"):
        name = uuid.get("FileName", "")
        itself = not name or (own is not None and uuid.text == own) or name.lower() == path.name.lower()
        found[path if itself else _beside(path, name)] = None
    return tuple(found) or (path,)
