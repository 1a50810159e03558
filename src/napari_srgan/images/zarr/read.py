"""Reading images in zarr: a plain array, or OME-Zarr; in a folder, in a zip file or on a server."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import zarr

from napari_srgan.errors import UserError, threads_told
from napari_srgan.images.address import Address, Place
from napari_srgan.images.axes import check_axes
from napari_srgan.images.look import ImageLook, look_from_json
from napari_srgan.images.reading.file_array import FileArray, unreadable
from napari_srgan.images.reading.limits import LEVELS
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage, arrange
from napari_srgan.images.units import note_on_units
from napari_srgan.images.zarr.axes import level_axes, named_letters
from napari_srgan.images.zarr.folder_store import FolderStore
from napari_srgan.images.zarr.groups import check_path, image_paths, only_image, refuse_labels, what_to_give
from napari_srgan.images.zarr.markers import LOOK_KEY, SPACING_KEY, is_zarr
from napari_srgan.images.zarr.metadata import LEVEL, FinestLevel, finest_level
from napari_srgan.images.zarr.omero import looks_of_omero
from napari_srgan.images.zarr.zip_store import ZippedStore


def open_zarr(place: Place, axes: str | None = None, part: str = "") -> StoredImage:
    """Open a zarr array, or the finest level of an OME-Zarr image; nothing is read yet.

    Parameters
    ----------
    place
        A folder, a zip file or an address.
    axes
        Letters for the axes as they are stored, where the metadata does not name them.
    part
        Path in it of the array or the image that is meant, e.g. the field of a plate ``"A/1/0"``.

    Raises
    ------
    UserError
        If there is neither, or the server does not answer.
    """
    check_path(place, part)
    where = _where(place)
    try:
        return _open(where, axes, part)
    except BaseException:
        where.close()
        raise


def zarr_images(place: Place) -> list[str]:
    """Paths of the images in a zarr: the fields of a plate or a well, the images of a series.

    Returns
    -------
    list of str
        One path for each as in :func:`open_zarr`; a single empty one for what is an image or an array itself.

    Raises
    ------
    UserError
        If there is no zarr, or its metadata cannot be used.
    """
    where = _where(place)
    try:
        node = _node(where, "")
        with threads_told(), _unwarned():
            paths = image_paths(node, where.holds_zarr, place) if isinstance(node, zarr.Group) else []
        return paths or [""]
    finally:
        where.close()


@dataclass(frozen=True)
class _Where:
    """A folder or an address."""

    place: Place
    store: Any
    """What zarr opens."""
    has: Callable[[str], bool]
    """Whether there is a file."""
    make_sure: Callable[[str], None]
    """Raises UserError if an array in it, by the file of its metadata, is not there any more."""
    close: Callable[[], None] = lambda: None
    refuse_if_refused: Callable[[], None] = lambda: None
    """Raises UserError if a server withheld something that was looked for, and is not only missing."""

    def expect(self, array: zarr.Array[Any], letters: str) -> None:
        """Hold the files of an array to what its metadata says of them."""
        self.store.limits.expect(array, letters)

    def holds_zarr(self, name: str) -> bool:
        """Whether an array or a group of that name is in it."""
        return any(self.has(f"{name}/{file}".strip("/")) for file in ("zarr.json", ".zarray", ".zgroup"))


def _where(place: Place) -> _Where:
    if isinstance(place, Address):
        return _remote(place)
    return _zipped(place) if place.is_file() else _local(place)


def _zipped(path: Path) -> _Where:
    store = ZippedStore(path)
    return _Where(path, store, store.has, lambda _: store.unchanged(), store.close)


def _local(path: Path) -> _Where:
    def make_sure(file: str) -> None:
        if not (path / file).is_file():
            raise UserError(f"{path} has disappeared")

    store = FolderStore(path)
    return _Where(path, store, lambda file: (path / file).is_file(), make_sure, store.close)


def _remote(address: Address) -> _Where:
    from napari_srgan.images.remote.store import RemoteStore

    store = RemoteStore(address)

    def make_sure(file: str) -> None:
        store.anchor = file
        store.make_sure()

    return _Where(address, store, store.has, make_sure, store.close, store.refuse_if_refused)


def _open(where: _Where, axes: str | None, part: str) -> StoredImage:
    node = _node(where, part)
    try:
        with threads_told(), _unwarned():
            if isinstance(node, zarr.Array):
                return replace(_open_array(where, node, axes), part=part)
            return replace(_open_image(where, node, axes), part=part)
    except UserError:
        raise
    except Exception as error:  # broken JSON, unknown codecs, missing keys
        raise unreadable(where.place.name, error) from error


@contextmanager
def _unwarned() -> Iterator[None]:
    """Keep zarr from warning of metadata that others consolidated, and of files that are none of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _node(where: _Where, part: str) -> zarr.Array[Any] | zarr.Group:
    """The array or the group at a path."""
    place = where.place / part if part else where.place
    if not where.holds_zarr(part):
        where.refuse_if_refused()
        raise UserError(f"{place} is no zarr array: there is no zarr.json, .zarray or .zgroup in it")
    try:
        with threads_told(), _unwarned():
            return zarr.open(where.store, path=part, mode="r")
    except UserError:
        raise
    except Exception as error:  # broken JSON
        raise unreadable(place.name, error) from error


def _open_image(where: _Where, group: zarr.Group, axes: str | None) -> StoredImage:
    name, note = "/".join(filter(None, (where.place.name, group.path))), ""
    refuse_labels(where.place, group)
    level = finest_level(dict(group.attrs), name)
    if level is None and (inner := only_image(group, name)) is not None:
        group, note = inner
        refuse_labels(where.place, group)
        level = finest_level(dict(group.attrs), f"{where.place.name}/{group.path}")
    if level is None:
        where.refuse_if_refused()
        raise UserError(what_to_give(where.place, group))
    array = group.get(level.path)
    if not isinstance(array, zarr.Array):
        where.refuse_if_refused()
        raise UserError(f"the finest level {level.path!r} of {name} is missing; get the whole folder again")
    letters, told = level_axes(level, array, axes, name)
    where.expect(array, letters)
    stored, warned = level.placed(array.ndim)
    warned = warned and f"{name}: {warned}"
    order, placed_axes, spacings = arrange(array.shape, letters, stored)
    return StoredImage(
        where.place,
        FileArray(array, name, placed_axes, order),
        placed_axes,
        spacings,
        ".ome.zarr",
        note="; ".join(filter(None, (note, told, warned, note_on_units(name, level.told_units())))),
        look=_look(dict(group.attrs), level, placed_axes),
        close=where.close,
        still_there=_watched(where, array),
        coarser=tuple(_coarser_levels(where, group, level, letters, array.shape)),
    )


def _look(attributes: dict[str, Any], level: FinestLevel, axes: str) -> ImageLook:
    """What the rendering settings tell; and what we have written beside them."""
    channels = () if axes.endswith("S") else looks_of_omero(attributes)
    return ImageLook(level.name, channels).over(look_from_json(attributes.get(LOOK_KEY)))


def _coarser_levels(
    where: _Where, group: zarr.Group, level: FinestLevel, letters: str, finer: tuple[int, ...]
) -> Iterator[FileArray]:
    """The levels a viewer can show from afar; those that are no such levels are left out."""
    if len(level.coarser) >= LEVELS:
        raise UserError(
            f"{where.place.name} says that it has {len(level.coarser) + 1:,} resolution levels, and at most "
            f"{LEVELS} are read; its metadata is damaged: give the folder of its array, e.g. image.zarr/0"
        )
    for name in level.coarser:
        # What was told of all arrays in one place may be told of one that is gone.
        array = group.get(name) if where.holds_zarr(f"{group.path}/{name}") else None
        if not isinstance(array, zarr.Array) or array.ndim != len(finer):
            continue
        if all(size <= before for size, before in zip(array.shape, finer, strict=True)):
            where.expect(array, letters)
            order, axes, _ = arrange(array.shape, letters, (Spacing(),) * array.ndim)
            finer = array.shape
            yield FileArray(array, where.place.name, axes, order)


def _open_array(where: _Where, array: zarr.Array[Any], axes: str | None) -> StoredImage:
    around: Any = None
    if array.path:
        with suppress(Exception):  # what lies around it may be broken
            around = zarr.open(where.store, path=array.path.rpartition("/")[0], mode="r")
    elif isinstance(where.place, Path) and is_zarr(where.place.absolute().parent):
        with suppress(Exception):  # what lies around it may be broken
            around = zarr.open(FolderStore(where.place.absolute().parent), mode="r")
    if isinstance(around, zarr.Group):  # given by the path of its level
        refuse_labels(where.place, around)
    letters = named_letters(array) if axes is None else check_axes(axes, array.shape)
    where.expect(array, letters)
    spacings = (Spacing(),) * array.ndim
    stored = array.attrs.get(SPACING_KEY)
    if isinstance(stored, list) and len(stored) == array.ndim:
        spacings = tuple(Spacing.told(spacing) for spacing in stored)
    order = tuple(range(array.ndim))
    if axes is None:
        order, letters, spacings = arrange(array.shape, letters, spacings)
    return StoredImage(
        where.place,
        FileArray(array, where.place.name, letters, order),
        letters,
        spacings,
        ".zarr",
        look=look_from_json(array.attrs.get(LOOK_KEY)),
        close=where.close,
        still_there=_watched(where, array),
    )


def _watched(where: _Where, array: zarr.Array[Any]) -> Callable[[], None]:
    """Looks for the metadata of an array, without which missing chunks would pass for empty ones."""
    file = "zarr.json" if array.metadata.zarr_format == 3 else ".zarray"
    look = partial(where.make_sure, "/".join(filter(None, (array.path, file))))
    look()
    return look


def open_finished_store(path: Path) -> zarr.Array[Any]:
    """Open a finished result: the array, or the finest level of an OME-Zarr image."""
    opened = zarr.open(path / LEVEL if path.name.lower().endswith(".ome.zarr") else path, mode="r")
    assert isinstance(opened, zarr.Array)
    return opened
