"""A result on disk as dask arrays, of which only what is looked at is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.indexing import Part, part_of
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.inference.lazy_dask import LazyWindow, tile_array
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
        tile_array(LazyWindow(level, part_of(..., level.shape), f"stored-{uuid4().hex}"))
        for level in (_Level(array, order, axes) for array in (stored.data, *stored.coarser))
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


class _Level:
    """One level, its axes in the order of the image that was upscaled."""

    def __init__(self, array: Any, order: tuple[int, ...], axes: str) -> None:
        self._array = array
        self._order = order
        self._y = axes.index("Y")
        self.shape = tuple(array.shape[at] for at in order)
        self.dtype = np.dtype(array.dtype)

    def read(self, part: Part) -> NDArray[Any]:
        """Read a part of the level; dropped axes are not in the answer."""
        key = [slice(0)] * len(self._order)
        for at, along in zip(self._order, part.ranges, strict=True):
            key[at] = slice(along.start, along.stop, along.step)
        pixels: NDArray[Any] = self._array[tuple(key)]
        return part.answer(pixels.transpose(self._order))

    def tile_sizes(self, part: Part) -> tuple[tuple[int, ...], ...]:
        """How much of a part lies in each block, along every axis; leading ones plane by plane."""
        sides = [1] * self._y + [_BLOCK, _BLOCK] + [max(self.shape)] * (len(self.shape) - self._y - 2)
        return tuple(_sizes(along, side) for along, side in zip(part.ranges, sides, strict=True))


def _sizes(along: range, side: int) -> tuple[int, ...]:
    """How many places of a range lie in each block of a side; blocks without any are left out."""
    ends = range((along.start // side + 1) * side, along.stop + side, side) if along else range(0)
    counts = [len(range(along.start, min(end, along.stop), along.step)) for end in ends]
    found = [now - before for before, now in zip([0, *counts], counts, strict=False)]
    return tuple(size for size in found if size) or (0,)
