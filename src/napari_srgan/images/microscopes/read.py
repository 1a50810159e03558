"""Reading the files of microscopes through bioio, part by part."""

from __future__ import annotations

import inspect
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from napari_srgan.errors import UserError, words_of
from napari_srgan.images.file_stamp import unchanged
from napari_srgan.images.look import ChannelLook, ImageLook, positive, printable
from napari_srgan.images.microscopes.package import bioio
from napari_srgan.images.reading import limits
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.reading.quiet_logs import quiet
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import ALL_OF_THEM, StoredImage, arrange
from napari_srgan.images.synchronous_dask import ComputedHere
from napari_srgan.images.tiff.ome_xml import ome_look, ome_spacings
from napari_srgan.images.units import full_unit

_MADE_UP = re.compile(r"(Image|Channel|Scene|Position)?[: ]?\d*(:\d+)*", re.IGNORECASE)
"""Names that bioio gives to scenes and channels where a file gives none, such as ``Image:0``."""


def open_bioio(path: Path, part: str = "") -> StoredImage:
    """Open an image that a reader of bioio reads; its pixels are read when they are asked for.

    Parameters
    ----------
    path
        The file.
    part
        Number of the scene, from :func:`bioio_scenes`; the first one by default.

    Raises
    ------
    UserError
        If there is no such scene, the file cannot be read, or a piece of it is larger than memory.
    """
    with _reading(path) as file:
        scenes = tuple(file.scenes)
        if part and (not part.isdecimal() or int(part) >= len(scenes)):
            raise UserError(f"there is no scene {part} in {path.name}; it has {len(scenes)}, counted from 0")
        file.set_scene(int(part or 0))
        pixels = file.xarray_dask_data
        # bioio has all five axes, also of files that have fewer.
        pixels = pixels.isel({name: 0 for name in "TCZ" if pixels.sizes.get(name) == 1})
        letters = "".join(str(name) if len(str(name)) == 1 else "Q" for name in pixels.dims)
        ome = _ome(file)
        placed = _spacings(file, letters, ome)
        look = ImageLook(_name(scenes[int(part or 0)]), tuple(map(_channel, file.channel_names or ())))
        look = look if ome is None else ome_look(ome).over(look)
        lazy = ComputedHere(pixels.data)
    _refuse_large(path, lazy)
    order, axes, spacings = arrange(lazy.shape, letters, placed)
    more = "" if part or len(scenes) < 2 else f"{path.name} holds {len(scenes)} scenes; the first is taken"
    return StoredImage(
        path=path,
        data=FileArray(lazy, path.name, axes, order),
        axes=axes,
        spacings=spacings,
        ending=".ome.tif",
        note=more and f"{more} ({ALL_OF_THEM})",
        still_there=unchanged(path),
        look=replace(look, channels=()) if axes.endswith("S") else look,
        part=part,
    )


def bioio_scenes(path: Path) -> list[tuple[str, str]]:
    """The scenes of a file: for each its number, and its name if it has one.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    with _reading(path) as file:
        return [(str(number), _name(scene)) for number, scene in enumerate(file.scenes)]


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """The image that bioio makes of a file; whatever is wrong with it is told in a sentence."""
    limits.check_file(path)
    package = bioio()
    try:
        with quiet("bioio"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = _reader(package, path)
            # One plane at a time, where a reader can be told so: the default is a stack.
            has_choice = "chunk_dims" in inspect.signature(reader).parameters
            yield package.BioImage(path, **({"chunk_dims": ["Y", "X"]} if has_choice else {}))
    except (UserError, MemoryError):
        raise
    except Exception as error:  # each reader has errors of its own
        raise UserError(
            f"{path.name} cannot be read by bioio ({words_of(error)}); it is damaged, or of a kind that the "
            "reader does not know: update the reader, or convert it to OME-TIFF with Fiji (Bio-Formats)"
        ) from error


def _reader(package: Any, path: Path) -> Any:
    """The class that reads a file."""
    try:
        return package.BioImage.determine_plugin(path).metadata.get_reader()
    except Exception as error:  # it says much of other formats
        raise UserError(
            f"no reader of bioio that is installed takes {path.name}: it is damaged, or not of the format "
            "that its name says; get the file again from where it was made"
        ) from error


def _ome(file: Any) -> Element | None:
    """The OME-XML of the scene; few readers have it, and it tells more than bioio's own words."""
    with suppress(Exception):  # NotImplementedError, and whatever is wrong with metadata
        text = file.ome_metadata.to_xml()
        root = fromstring(text) if len(text) <= limits.OME_XML else None
        images = [] if root is None else root.findall("{*}Image")
        if root is not None and len(images) == len(file.scenes):
            for number, image in enumerate(images):
                if number != file.current_scene_index:
                    root.remove(image)
            return root
    return None


def _spacings(file: Any, letters: str, ome: Element | None) -> tuple[Spacing, ...]:
    """Pixels along each axis."""
    sizes, told = file.physical_pixel_sizes, getattr(file, "dimension_properties", None)
    placed = {} if ome is None else ome_spacings(ome)
    for letter in "ZYX":
        if letter in letters and letter not in placed and (size := positive(getattr(sizes, letter, None))):
            unit = getattr(getattr(told, letter, None), "unit", None)
            # bioio's sizes are in micrometres (StandardMetadata), also where a reader tells no unit.
            placed[letter] = Spacing(size, full_unit(str(unit), "length") if unit else "micrometer")
    step = file.time_interval if "T" in letters and "T" not in placed else None
    if isinstance(step, timedelta) and (seconds := positive(step.total_seconds())):
        placed["T"] = Spacing(seconds, "second")
    return tuple(placed.get(letter, Spacing()) for letter in letters)


def _channel(name: Any) -> ChannelLook:
    return ChannelLook(_name(name))


def _name(told: Any) -> str:
    name = printable(str(told or ""))
    return "" if _MADE_UP.fullmatch(name) else name


def _refuse_large(path: Path, pixels: ComputedHere) -> None:
    """Make sure that two pieces of an image fit into memory: one as it is read, one as it is kept."""
    largest, free = math.prod(pixels.chunks) * pixels.dtype.itemsize, limits.free_memory()
    if 2 * largest > free:
        raise UserError(
            f"{path.name} is read in pieces of {largest / 2**30:.1f} GiB, of which two are needed in memory "
            f"at once, and {free / 2**30:.1f} GiB are free; convert it to OME-Zarr with bioformats2raw"
        )
