"""Reading images in zarr: a plain array, or OME-Zarr."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import zarr

from napari_srgan.errors import UserError
from napari_srgan.inference.axes import guess_axes
from napari_srgan.storage.image import FileArray, StoredImage, arrange, damaged
from napari_srgan.storage.ome_zarr import LEVEL, FinestLevel, finest_level
from napari_srgan.storage.partial import is_zarr
from napari_srgan.storage.spacing import Spacing
from napari_srgan.storage.store_arrays import SPACING_KEY


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
        path,
        FileArray(data, path.name),
        axes,
        spacings,
        ".ome.zarr",
        still_there=partial(_make_sure, path),
        coarser=tuple(_coarser_levels(path, group, level, array.shape)),
    )


def _coarser_levels(
    path: Path, group: zarr.Group, level: FinestLevel, finer: tuple[int, ...]
) -> Iterator[FileArray]:
    """The levels a viewer can show from afar; those that are no such levels are left out."""
    for name in level.coarser:
        # What was told of all arrays in one place may be told of one that is gone.
        array = group.get(name) if is_zarr(path / name) else None
        if not isinstance(array, zarr.Array) or array.ndim != len(finer):
            continue
        if all(size <= before for size, before in zip(array.shape, finer, strict=True)):
            data, _, _ = arrange(array, level.letters, level.spacings)
            finer = array.shape
            yield FileArray(data, path.name)


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
