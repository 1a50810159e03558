"""Groups of images in zarr: several series, wells and plates."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import zarr

from napari_srgan.errors import UserError
from napari_srgan.storage.address import Address, Place

SERIES = "bioformats2raw.layout"
"""Attribute of a group whose images are called 0, 1, 2, ..."""
NAMED = 4
"""Things in a group that are named to the user."""


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
                note = f"{name} holds more images than one; the first is taken ({name}/0)"
    elif len(fields) == 1:
        path, note = fields[0], ""
    else:
        return None
    inner = group.get(path)
    return (inner, note) if isinstance(inner, zarr.Group) else None


def what_to_give(place: Place, group: zarr.Group) -> str:
    """Say what a group is that is no image, and what in it could be one."""
    told = _told(group)
    wells, fields = _paths(told.get("plate"), "wells"), _paths(told.get("well"), "images")
    if wells:
        return (
            f"{place} is a plate with {len(wells)} wells, and one image is upscaled at a time; "
            f"give a field of a well, e.g. {place}/{wells[0]}/0"
        )
    if fields:
        return f"{place} is a well with {len(fields)} fields; give one of them, e.g. {place}/{fields[0]}"
    labels = told.get("labels")
    inside = [str(label) for label in labels] if isinstance(labels, list) else []
    with suppress(Exception):  # servers need not tell
        inside = inside or sorted(group.keys())
    if not inside:
        remote = isinstance(place, Address)  # of which not all is known that lies there
        hint = "give one of the arrays or images in it" if remote else "there is nothing in it"
    else:
        named = ", ".join(f"{place.name}/{name}" for name in inside[:NAMED])
        hint = f"give one of the things in it, e.g. {named}"
    return f"{place} is a zarr group but no OME-Zarr image; {hint}"


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
