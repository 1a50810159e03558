"""Which file a result on disk is written to, and what is to be said of what lies there already."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.utils.history import get_save_history

from napari_srgan.errors import UserError
from napari_srgan.images.factor import result_suffix
from napari_srgan.images.formats import ENDINGS, check_writable, ending
from napari_srgan.images.tiff.write import OME_DTYPES
from napari_srgan.images.zarr.metadata import ome_order
from napari_srgan.results.collision import collides
from napari_srgan.results.existing_result import ExistingKind, look_for_result
from napari_srgan.results.fingerprint import as_json, what_differs
from napari_srgan.viewer.layers.provenance import made_of
from napari_srgan.viewer.layers.save_layer import ResultInMemory
from napari_srgan.viewer.layers.sources import files_of

_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
"""What some system does not allow in the name of a file."""
_HALF_AN_ENDING = re.compile(r"\.ome(?=( \[\d+\])?$)", re.IGNORECASE)
"""What napari leaves of ``.ome.tif`` in the name of a layer; a copy has a number behind it."""


def suggest(image: Image, axes: str, factor: int, result_ending: str = "") -> Path:
    """A name for an image's result: beside the file it is read from, else in the folder written to last.

    Parameters
    ----------
    image
        The layer.
    axes
        One letter for each axis of its data. OME-Zarr has no place for some: then a plain array.
    factor
        How many times finer the result is.
    result_ending
        The ending of the name; by default that of a zarr, which takes results of any size.
    """
    return suggest_beside(files_of(image), image.name, factor, result_ending or ending_for(axes))


def suggest_beside(files: Iterable[Path], name: str, factor: int, result_ending: str) -> Path:
    """A name for the result of an image that is called `name` and read from some files, if from any."""
    return _folder_beside(files) / f"{_as_file_name(name)}_{result_suffix(factor)}{result_ending}"


def suggested_folder(image: Image) -> Path:
    """The folder of the file that a layer is read from, else that which was written to last."""
    return _folder_beside(files_of(image))


def file_name_of(image: Image) -> str:
    """A layer's name as a file can have it, without an ending."""
    return _as_file_name(image.name)


def _folder_beside(files: Iterable[Path]) -> Path:
    beside = [file.parent for file in files]
    return next((one for one in beside if os.access(one, os.W_OK)), Path(get_save_history()[0]))


def _as_file_name(name: str) -> str:
    name = name[: -len(ending(Path(name)))] if ending(Path(name)) else name
    name = _HALF_AN_ENDING.sub("", name)
    return _NOT_IN_NAMES.sub(" ", name).strip(" .") or "image"


def suggest_saved(saved: ResultInMemory) -> Path:
    """A name for a result that is in memory: an OME-TIFF, where that can hold it."""
    layer = saved.layer
    fits = layer is not None and layer.data.dtype.name in OME_DTYPES
    factor = 1 if layer is None else int(made_of(layer).get("scale_factor", 1))
    kind = ".ome.tif" if fits else ending_for(saved.axes)
    return suggest_beside(saved.image_files, saved.image_name, factor, kind)


def ending_for(axes: str) -> str:
    """The ending of a zarr that can hold such axes."""
    try:
        ome_order(axes)
    except UserError:
        return ".zarr"
    return ".ome.zarr"


def with_ending(path: Path, axes: str) -> Path:
    """A name that somebody typed, with the ending of a zarr if it has none that says a format."""
    low = path.name.lower()
    if low.endswith(ENDINGS):
        return path
    return path.with_name(path.name + (".zarr" if low.endswith(".ome") else ending_for(axes)))


def can_go_on(path: Path) -> bool:
    """Whether a run into such a file can be stopped, and goes on there."""
    return path.name.lower().endswith(".zarr")


def can_replace(path: Path) -> bool:
    """Whether what has the name of a result already is replaced on request."""
    if not can_go_on(path):
        return path.is_file()
    return look_for_result(path).kind in (ExistingKind.FINISHED, ExistingKind.OTHER_ZARR)


def refuse_shown(path: Path, layers: Iterable[Any]) -> None:
    """Make sure that no layer reads what a new result takes the place of.

    Raises
    ------
    UserError
        If one does.
    """
    for layer in layers:
        if isinstance(layer, Image) and any(collides(path, file) for file in files_of(layer)):
            raise UserError(
                f"{path.name} is shown as the layer {layer.name!r}; remove that first, or choose another name"
            )


@dataclass(frozen=True)
class Outlook:
    """What will become of a run with the name that is chosen."""

    sentence: str = ""
    replaceable: bool = False
    """Whether there is something that can be replaced on request."""
    refused: bool = False
    """Whether it would be refused without that tick."""


def outlook(path: Path, wanted: Mapping[str, Any]) -> Outlook:
    """Look at a name before a run.

    Parameters
    ----------
    path
        The file of the result.
    wanted
        Some of what the result will be made of and how, as it is told in its provenance: what can be
        known without reading the image and the model.
    """
    try:
        check_writable(path)
    except UserError as error:
        return Outlook(str(error), refused=True)
    if not can_go_on(path):
        return _outlook_of_file(path)
    found = look_for_result(path)
    if found.kind is ExistingKind.NOTHING:
        return _nothing_there(path)
    if found.kind is ExistingKind.OTHER:
        sentence = f"{path.name} exists already and is no image in zarr; choose another name"
        return Outlook(sentence, refused=True)
    if found.kind is ExistingKind.OTHER_ZARR:
        return _taken(f"{path.name} exists already and is no result of this plugin")
    differs = what_differs(*_comparable({"align": None, **found.made}, wanted))
    if found.kind is ExistingKind.FINISHED:
        if differs:
            return _taken(f"{path.name} exists already, made otherwise ({differs})")
        return Outlook(f"{path.name} is finished already: Run opens it", replaceable=True)
    done = f"{int(100 * found.share)} % of {path.name} are done already"
    if differs:
        return _taken(f"{done}, but made otherwise ({differs})")
    if found.taken:
        return _taken(f"{done}, and there is an older one")
    return Outlook(f"{done}: Run goes on there", replaceable=True)


def _outlook_of_file(path: Path) -> Outlook:
    """Look at the name of a file that is written in one go."""
    if path.is_dir():
        return Outlook(f"{path.name} is a folder; choose another name", refused=True)
    return _taken(f"{path.name} exists already") if path.exists() else _nothing_there(path)


def _nothing_there(path: Path) -> Outlook:
    missing = not path.parent.is_dir()
    return Outlook(f"there is no folder {path.parent}; Run makes it") if missing else Outlook()


def _taken(sentence: str) -> Outlook:
    return Outlook(f"{sentence}; choose another name, or replace it", replaceable=True, refused=True)


def _comparable(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    now = as_json(wanted)
    both = [key for key in now if key in made]
    return {key: made[key] for key in both}, {key: now[key] for key in both}
