"""Which axis of a stored array is what, as far as its metadata says."""

from __future__ import annotations

from typing import Any

import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.axes import check_axes, guess_axes, letters_of
from napari_srgan.images.zarr.metadata import FinestLevel

BEFORE_AXES = ("0.1", "0.2")
"""Versions of OME-Zarr whose images have all five axes, without saying so."""


def named_letters(array: zarr.Array[Any]) -> str:
    """Letters for the axes of an array: by the names of its dimensions, or as well as its shape tells.

    Raises
    ------
    UserError
        If they cannot be known.
    """
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if not isinstance(names, list | tuple) or not any(names):
        return guess_axes(array.shape)
    known = [str(name) for name in names]
    try:
        return guess_axes(array.shape, known)
    except UserError:
        letters = letters_of(known)
        # Files are turned where they say how.
        if len(letters) == array.ndim and letters.count("Y") == letters.count("X") == 1:
            return letters
        raise


def level_axes(level: FinestLevel, array: zarr.Array[Any], given: str | None, name: str) -> tuple[str, str]:
    """Letters for the axes of an OME-Zarr level; and what a user should know of them, if anything.

    Parameters
    ----------
    level
        The metadata of the level.
    array
        The array of the level.
    given
        The axes that the user gives; used only where the metadata is of no use.
    name
        Name of the image, for messages.

    Raises
    ------
    UserError
        If neither says it.
    """
    letters = level.letters
    if len(letters) == array.ndim and letters.count("Y") == letters.count("X") == 1:
        return letters, ""
    if given is not None:
        return check_axes(given, array.shape), ""
    if letters:
        raise UserError(
            f"the metadata of {name} names the axes {letters!r}, and its array has the shape {array.shape}; "
            f"name them, e.g. --axes {guess_axes(array.shape)}"
        )
    if array.ndim == 5 and level.version in BEFORE_AXES:
        return "TCZYX", ""
    guessed = named_letters(array)
    return guessed, f"{name} does not name its axes; they are taken for {guessed} (--axes says otherwise)"
