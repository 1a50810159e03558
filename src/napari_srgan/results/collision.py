"""A result never lies on, in or around what it is made of: one rule for every entrance."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.errors import UserError
from napari_srgan.images.address import Place
from napari_srgan.images.zarr.markers import is_zarr
from napari_srgan.results.existing_result import attributes_of


def refuse_collision(result: Path, inputs: Iterable[Place]) -> None:
    """Make sure that writing a result touches nothing it is made of.

    Parameters
    ----------
    result
        The name it will have.
    inputs
        What it is made of. No result is written to an address, so that addresses are passed over.

    Raises
    ------
    UserError
        If the result would lie on one of them, in one, or around one.
    """
    for place in inputs:
        if isinstance(place, Path) and collides(result, place):
            raise UserError(f"the result {result} would overwrite the input {place}; choose another name")


def collides(result: Path, source: Path) -> bool:
    """Whether a result would lie on, in or around what is read.

    Links are followed, and files are compared by the numbers their disk gives them, so that another
    name, another case or a second place of the same disk makes no difference. The folder in which a zarr
    result grows counts too. Of a level of an OME-Zarr image, the whole image is meant.

    Parameters
    ----------
    result
        The name it will have.
    source
        A file or a folder.
    """
    image = _identities(_image_around(source))
    return any(_meet(_identities(place), image) for place in (result, folder_of(result)))


_Identity = set[object]


def _identities(path: Path) -> list[_Identity]:
    """By what a path and each of the folders around it are known, itself first."""
    try:
        place = path.resolve()
    except (OSError, RuntimeError):  # links that go round in circles
        place = path.absolute()
    return [_identity(one) for one in (place, *place.parents)]


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return {path}
    # Some network disks give no numbers.
    return {path, (found.st_dev, found.st_ino)} if found.st_ino else {path}


def _meet(one: list[_Identity], other: list[_Identity]) -> bool:
    return any(one[0] & around for around in other) or any(other[0] & around for around in one)


def _image_around(path: Path) -> Path:
    """The OME-Zarr image that an array is a level of; the array or file itself if there is none."""
    for folder in path.absolute().parents:
        if not is_zarr(folder):
            break
        if "multiscales" in _ome(folder):
            return folder
    return path


def _ome(folder: Path) -> set[str]:
    """What the metadata of a group speaks of."""
    attributes = attributes_of(folder)
    inner = attributes.get("ome")
    return set(inner if isinstance(inner, dict) else attributes)
