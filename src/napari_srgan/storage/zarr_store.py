"""Results in zarr: an array, or OME-Zarr where the name ends in ``.ome.zarr``."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.inference.axes import guess_axes
from napari_srgan.inference.upscale import Upscaled
from napari_srgan.storage.image import FileArray, StoredImage, arrange, damaged
from napari_srgan.storage.ome_zarr import LEVEL, finest_level, multiscales, ome_order
from napari_srgan.storage.output import Output
from napari_srgan.storage.partial import is_zarr
from napari_srgan.storage.spacing import Spacing

CHUNK = 1024
"""Side of a chunk in pixels."""
PROVENANCE_KEY = "napari-srgan"
SPACING_KEY = "spacings"
"""Attribute of a plain array: a list with ``size``, ``unit`` and ``origin`` of each axis."""
_DTYPES = "bool, integers of 8 to 64 bits and floats of 16 to 64 bits"


class ZarrSink(Output):
    """Writes a result into a zarr array (format 3) on disk, tile by tile.

    The array lies under a temporary name next to `path` until :meth:`finish`, which
    returns it opened. In OME-Zarr the axes are put into the order the format wants, and
    colours become channels.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        name = path.name.lower()
        if not name.endswith(".zarr"):
            raise UserError(
                f"a zarr array is written to a name in .zarr, not {path.name!r}; change the ending"
            )
        self.ome = name.endswith(".ome.zarr")
        self._stored_axes = ""
        super().__init__(path, **options)

    def check(self, axes: str, dtype: np.dtype[Any]) -> None:
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise UserError(f"zarr holds {_DTYPES}, not {dtype}")
        if self.ome:
            ome_order(axes)

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        axes = self.axes or guess_axes(shape)
        self.check(axes, dtype)
        self._stored_axes, order = axes, tuple(range(len(axes)))
        if self.ome:
            self._stored_axes = ome_order(axes)
            order = tuple(axes.replace("S", "C").index(letter) for letter in self._stored_axes)
        array = self._create(tuple(shape[at] for at in order), dtype)
        return array if order == tuple(sorted(order)) else _Turned(array, order)

    def _create(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> zarr.Array[Any]:
        sides = {"Y": CHUNK, "X": CHUNK, "S": max(shape)}
        layout: dict[str, Any] = {
            "shape": shape,
            "dtype": dtype,
            "chunks": tuple(
                min(size, sides.get(letter, 1)) for letter, size in zip(self._stored_axes, shape, strict=True)
            ),
            "dimension_names": [None if letter == "Q" else letter.lower() for letter in self._stored_axes],
            "overwrite": True,
        }
        if self.ome:
            return zarr.create_group(self.partial.temporary, overwrite=True).create_array(LEVEL, **layout)
        return zarr.create_array(self.partial.temporary, **layout)

    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        node = zarr.open(self.partial.temporary, mode="r+")
        node.attrs[PROVENANCE_KEY] = result.provenance
        if self.ome:
            by_letter = dict(zip(result.axes, spacings, strict=True))
            node.attrs["ome"] = multiscales(result, self._stored_axes, by_letter)
        elif any(spacing.known for spacing in spacings):
            node.attrs[SPACING_KEY] = [asdict(spacing) for spacing in spacings]

    def finish(self, result: Upscaled, spacings: Any = None) -> zarr.Array[Any]:
        return open_result(super().finish(result, spacings))


@dataclass(frozen=True)
class _Turned:
    """An array stored with its axes in another order than tiles come in."""

    array: zarr.Array[Any]
    order: tuple[int, ...]
    """For each stored axis, its place in the tile's index."""

    def __setitem__(self, key: tuple[int | slice, ...], value: NDArray[Any]) -> None:
        whole = (*key, *(slice(None),) * (len(self.order) - len(key)))
        sliced = [at for at, part in enumerate(whole) if isinstance(part, slice)]
        turned = [sliced.index(at) for at in self.order if at in sliced]
        self.array[tuple(whole[at] for at in self.order)] = value.transpose(turned)


def open_zarr(path: Path) -> StoredImage:
    """Open a zarr array, or the finest level of an OME-Zarr image; nothing is read yet.

    Raises
    ------
    UserError
        If there is neither.
    """
    if not is_zarr(path):
        raise UserError(f"{path} is no zarr array: there is no zarr.json, .zarray or .zgroup in it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that others consolidated
            node = zarr.open(path, mode="r")
            if isinstance(node, zarr.Array):
                return _open_array(path, node)
            return _open_image(path, node)
    except UserError:
        raise
    except Exception as error:  # broken JSON, unknown codecs, missing keys
        raise damaged(path.name, error) from error


def _open_image(path: Path, group: zarr.Group) -> StoredImage:
    level = finest_level(dict(group.attrs), path.name)
    if level is None:
        inside = ", ".join(f"{path.name}/{name}" for name in sorted(group.keys())[:4])
        hint = f"give one of the things in it, e.g. {inside}" if inside else "there is nothing in it"
        raise UserError(f"{path} is a zarr group but no OME-Zarr image; {hint}")
    array = group.get(level.path)
    if not isinstance(array, zarr.Array):
        raise UserError(
            f"the finest level {level.path!r} of {path.name} is missing; get the whole folder again"
        )
    data, axes, spacings = arrange(array, level.letters, level.spacings)
    return StoredImage(
        path, FileArray(data, path.name), axes, spacings, ".ome.zarr", still_there=partial(_make_sure, path)
    )


def _open_array(path: Path, array: zarr.Array[Any]) -> StoredImage:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    axes = guess_axes(array.shape, [str(name) for name in names] if isinstance(names, list | tuple) else None)
    stored = array.attrs.get(SPACING_KEY)
    spacings = (Spacing(),) * len(axes)
    if isinstance(stored, list) and len(stored) == len(axes):
        spacings = tuple(Spacing(**spacing) for spacing in stored)
    return StoredImage(
        path, FileArray(array, path.name), axes, spacings, ".zarr", still_there=partial(_make_sure, path)
    )


def _make_sure(path: Path) -> None:
    if not is_zarr(path):
        raise UserError(f"{path} has disappeared")


def open_result(path: Path) -> zarr.Array[Any]:
    """Open a finished result: the array, or the finest level of an OME-Zarr image."""
    opened = zarr.open(path / LEVEL if path.name.lower().endswith(".ome.zarr") else path, mode="r")
    assert isinstance(opened, zarr.Array)
    return opened
