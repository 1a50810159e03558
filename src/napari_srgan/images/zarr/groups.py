"""Groups of images in zarr: several series, wells and plates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.address import Address, Place
from napari_srgan.images.reading.limits import IMAGES
from napari_srgan.images.stored_image import ALL_OF_THEM

SERIES = "bioformats2raw.layout"
"""Attribute of a group whose images are called 0, 1, 2, ..."""
_NAMED = 4
"""Things in a group that are named to the user."""


def check_path(place: Place, path: str) -> None:
    """Make sure that a path in a zarr leads to something in it.

    Parameters
    ----------
    place
        The zarr.
    path
        The path in it, as a user or whoever made the file has written it.

    Raises
    ------
    UserError
        If it leads elsewhere.
    """
    strange = "\\" in path or not path.isprintable()
    if path and (strange or any(name in ("", ".", "..") for name in path.split("/"))):
        raise UserError(
            f"{path!r} is no path of an image in {place}; paths in a zarr are names with / between "
            "them, e.g. A/1/0"
        )


def image_paths(group: zarr.Group, holds_zarr: Callable[[str], bool], place: Place) -> list[str]:
    """Paths of the images in a plate, a well or a series of images; none if it is none of these.

    A well whose fields are not to be found out is there by its own path: whoever opens it says why.

    Parameters
    ----------
    group
        The whole zarr.
    holds_zarr
        Whether an array or a group of a name is in it.
    place
        The folder, zip file or address of the zarr, for messages.

    Raises
    ------
    UserError
        If the metadata names paths that lead elsewhere, or more images than can be.
    """
    told = _told(group)
    found: list[str] = []
    if wells := _paths(told.get("plate"), "wells"):
        for well in wells:
            check_path(place, well)
            found += _fields(group, well, place) or [well]
    elif SERIES in told:
        found = _numbered(group, holds_zarr, place)
    else:
        found = _fields(group, "", place)
    if len(found) > IMAGES:
        raise UserError(
            f"{place} names more than {IMAGES:,} images, and no more are upscaled in one call; give its "
            "wells one by one"
        )
    return found


def _fields(group: zarr.Group, well: str, place: Place) -> list[str]:
    """Paths of the fields of a well."""
    inner: Any = group
    if well:
        with suppress(Exception):  # metadata that is broken
            inner = group.get(well)
    if not isinstance(inner, zarr.Group):
        return []
    fields = _paths(_told(inner).get("well"), "images")
    paths = ["/".join(filter(None, (well, field))) for field in fields]
    for path in paths:
        check_path(place, path)
    return paths


def _numbered(group: zarr.Group, holds_zarr: Callable[[str], bool], place: Place) -> list[str]:
    """Paths of the images that bioformats2raw wrote, as its group OME lists them or as they are numbered.

    https://ngff.openmicroscopy.org/0.5/#bf2raw
    """
    listed: Any = None
    with suppress(Exception):  # it need not be there
        ome = group.get("OME")
        listed = _told(ome).get("series") if isinstance(ome, zarr.Group) else None
    if isinstance(listed, list) and listed:
        for path in listed:
            check_path(place, str(path))
        return [str(path) for path in listed]
    numbers = (str(number) for number in range(IMAGES + 1))
    return list(takewhile(holds_zarr, numbers))


def only_image(group: zarr.Group, name: str) -> tuple[zarr.Group, str] | None:
    """The image meant by a group that is none itself, and what a user should know of it.

    The first of a series of images, as of the files of microscopes; the field of a well that has one.
    """
    told = _told(group)
    fields = _paths(told.get("well"), "images")
    if SERIES in told:
        path, note = "0", ""
        with suppress(Exception):  # servers need not tell
            if "1" in group:
                note = f"{name} holds more images than one; the first is taken ({name}/0; {ALL_OF_THEM})"
    elif len(fields) == 1:
        path, note = fields[0], ""
    else:
        return None
    inner = group.get(path)
    return (inner, note) if isinstance(inner, zarr.Group) else None


def what_to_give(place: Place, group: zarr.Group) -> str:
    """Say what a group is that is no image, and what in it could be one.

    Parameters
    ----------
    place
        The folder, zip file or address of the whole zarr.
    group
        The group itself, or a group in it.
    """
    told, name = _told(group), f"{place}/{group.path}".rstrip("/")
    wells, fields = _paths(told.get("plate"), "wells"), _paths(told.get("well"), "images")
    if wells:
        return (
            f"{name} is a plate with {len(wells)} wells, and one image is upscaled at a time; "
            f"give a field of a well, {_given(place, str(place), group, f'{wells[0]}/0')} ({ALL_OF_THEM})"
        )
    if fields:
        return (
            f"{name} is a well with {len(fields)} fields; give one of them, "
            f"{_given(place, str(place), group, fields[0])} ({ALL_OF_THEM})"
        )
    labels = told.get("labels")
    inside = [str(label) for label in labels] if isinstance(labels, list) else []
    with suppress(Exception):  # servers need not tell
        inside = inside or sorted(group.keys())
    if not inside:
        remote = isinstance(place, Address)  # of which not all is known that lies there
        hint = "give one of the arrays or images in it" if remote else "there is nothing in it"
    else:
        hint = f"give one of the things in it, {_given(place, place.name, group, *inside[:_NAMED])}"
    return f"{name} is a zarr group but no OME-Zarr image; {hint}"


def _given(place: Place, shown: str, group: zarr.Group, *names: str) -> str:
    """How a user gives what lies in a group; in a zip file there are no paths."""
    paths = ["/".join(filter(None, (group.path, name))) for name in names]
    if isinstance(place, Path) and place.is_file():
        return f"e.g. --series {paths[0]}, series={paths[0]!r} in a script"
    return f"e.g. {', '.join(f'{shown}/{path}' for path in paths)}"


def refuse_labels(place: Place, group: zarr.Group) -> None:
    """Make sure that a group holds brightness, and not the numbers of objects.

    Raises
    ------
    UserError
        If its metadata calls it labels (``image-label``, OME-Zarr 0.2 and later).
    """
    if "image-label" in _told(group) or "image-label" in group.attrs:
        raise UserError(
            f"{place} holds labels, which are no brightness: between the labels 1 and 3 there is no 2; "
            "upscale the image they were made from, and enlarge labels by repeating their pixels"
        )


def _told(group: zarr.Group) -> Mapping[str, Any]:
    attributes = dict(group.attrs)
    ome = attributes.get("ome")
    return ome if isinstance(ome, Mapping) else attributes


def _paths(holder: Any, kind: str) -> list[str]:
    """Where the images of a well or the wells of a plate lie."""
    entries = holder.get(kind) if isinstance(holder, Mapping) else None
    if not isinstance(entries, list):
        return []
    return [str(entry["path"]) for entry in entries if isinstance(entry, Mapping) and "path" in entry]
