"""A result on disk as dask arrays, of which only what is looked at is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.indexing import Part
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.inference.lazy_dask import tile_array
from napari_srgan.inference.tiles.grid import cut_at_borders, piece_sizes
from napari_srgan.results.existing_result import attributes_of, provenance_of

_BLOCK = 1024
"""Side along Y and X of what dask reads in one go."""


@dataclass(frozen=True)
class StoredLevels:
    """A result that was written to disk."""

    path: Path
    levels: list[Any]
    """dask arrays, the finest first; only one of a plain zarr array."""
    axes: str
    """One letter for each axis: those of the image that was upscaled."""
    spacings: tuple[Spacing, ...]
    """One for each axis."""
    look: ImageLook
    """What is known of it beside its pixels."""
    made: dict[str, Any]
    """How it was made."""
    limits: tuple[float, float] | None
    """The darkest and the brightest value, where the file tells them."""


def open_levels(path: Path) -> StoredLevels:
    """Open a finished result; no pixel is read.

    Parameters
    ----------
    path
        A result in ``.zarr`` or ``.ome.zarr`` that this package has written.

    Raises
    ------
    UserError
        If it is no finished result of ours, or is damaged.
    """
    made = provenance_of(path)
    if made is None:
        raise UserError(
            f"{path} is no finished result of napari-srgan; open it with another reader, or finish it first"
        )
    stored = open_image(path)
    axes = str(made.get("axes", stored.axes))
    order = _order(stored, axes)
    levels = [
        tile_array(array.transposed(order, axes), partial(block_sizes, axes), f"stored-{uuid4().hex}")
        for array in (stored.data, *stored.coarser)
    ]
    spacings = tuple(stored.spacings[at] for at in order)
    if "region" in made:
        y, x = made["region"]
        made["region"] = tuple(y), tuple(x)
    limits = None if axes.endswith("S") else _limits(path)
    return StoredLevels(path, levels, axes, spacings, stored.look, made, limits)


def _order(stored: StoredImage, axes: str) -> tuple[int, ...]:
    """Give for each axis of the image that was upscaled its place in the file."""
    named = axes if "S" in stored.axes else axes.replace("S", "C")  # OME-Zarr keeps colours as channels
    if sorted(named) != sorted(stored.axes):
        raise UserError(
            f"the axes of {stored.path} are {stored.axes!r}, and it says that it was made of {axes!r}; "
            "get the whole folder again"
        )
    if len(set(named)) < len(named):  # axes nobody named stay in their order
        return tuple(range(len(named)))
    return tuple(stored.axes.index(letter) for letter in named)


def _limits(path: Path) -> tuple[float, float] | None:
    try:
        channels = attributes_of(path)["ome"]["omero"]["channels"]
        windows = [channel["window"] for channel in channels]
        low, high = min(float(w["start"]) for w in windows), max(float(w["end"]) for w in windows)
    except (KeyError, TypeError, ValueError):
        return None
    return (low, high) if low < high else None


def block_sizes(axes: str, part: Part) -> tuple[tuple[int, ...], ...]:
    """How much of a part lies in each block, along every axis; leading ones plane by plane."""
    y = axes.index("Y")
    leading = (piece_sizes(cut_at_borders(along, 1)) for along in part.ranges[:y])
    plane = (piece_sizes(cut_at_borders(along, _BLOCK)) for along in part.ranges[y : y + 2])
    return (*leading, *plane, *((len(along),) for along in part.ranges[y + 2 :]))
