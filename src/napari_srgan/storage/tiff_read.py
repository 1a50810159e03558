"""Reading TIFF, OME-TIFF and ImageJ's TIFF, part by part where they are large."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import tifffile

from napari_srgan.errors import UserError, threads_told
from napari_srgan.storage import limits
from napari_srgan.storage.file_array import FileArray, damaged, unreadable
from napari_srgan.storage.image import StoredImage, arrange
from napari_srgan.storage.ome_files import NotTogether, OmeFiles, names_of, ome_files, refuse_missing
from napari_srgan.storage.spacing import Spacing
from napari_srgan.storage.tiff_chain import where_it_breaks
from napari_srgan.storage.tiff_limits import TimedFile, check_ome
from napari_srgan.storage.tiff_look import tiff_look
from napari_srgan.storage.tiff_meaning import Converted, Meant, as_meant, upright
from napari_srgan.storage.tiff_pixels import level_array
from napari_srgan.storage.tiff_quiet import quiet
from napari_srgan.storage.tiff_spacing import tiff_spacings
from napari_srgan.storage.tiff_supported import refuse_unsupported
from napari_srgan.storage.unchanged import unchanged


def open_tiff(path: Path) -> StoredImage:
    """Open the image in a TIFF file; of several the first.

    Raises
    ------
    UserError
        If it is no TIFF, is cut off, is compressed in a way we cannot read, or belongs to a set of files
        that are not all there.
    """
    first: NotTogether | None = None
    with quiet():
        for name in names_of(path):
            try:
                return replace(_open(name), path=path)
            except NotTogether as error:
                first = first or error
    assert first is not None
    raise first


def _open(path: Path) -> StoredImage:
    limits.check_file(path)
    stream = TimedFile(path)
    try:
        with stream.limited():
            file = _begin(path, stream)
            of_set = _set_of(path, file, stream)
            if of_set is not None and of_set.elsewhere is not None:
                file = _begin(path, stream, omexml=of_set.metadata)
            series = _first_series(path, file)
        with threads_told():
            image = _open_series(path, file, stream, series)
        return image if of_set is None else replace(image, other_files=_others(path, of_set))
    except (UserError, MemoryError, KeyboardInterrupt):
        stream.close()
        raise
    except Exception as error:  # tifffile passes on whatever its parsers raise
        stream.close()
        raise unreadable(path.name, error) from error


def _begin(path: Path, stream: TimedFile, **options: Any) -> tifffile.TiffFile:
    stream.seek(0)
    try:
        return tifffile.TiffFile(stream, **options)
    except (tifffile.TiffFileError, ValueError, EOFError) as error:
        raise UserError(
            f"{path.name} is no readable TIFF file ({str(error).splitlines()[0]}); "
            "get the file again from where it was made"
        ) from error


def _set_of(path: Path, file: tifffile.TiffFile, stream: TimedFile) -> OmeFiles | None:
    """The files of an OME-TIFF, all of them there and whole; None for other TIFFs."""
    _refuse_broken(path, stream, file)
    if not file.is_ome or not file.ome_metadata:
        return None
    check_ome(path, file.ome_metadata)
    found = ome_files(path, file.ome_metadata)
    if found.elsewhere is not None:
        check_ome(path, found.metadata)
    mine = found.image_in(path)
    refuse_missing(path, mine)
    # tifffile opens those of the other images in the metadata too.
    for other in dict.fromkeys(chain.from_iterable(found.images)):
        if other != path and (other in mine or other.is_file()):
            _read_through(other, stream, must_be_whole=other in mine)
    return found


def _read_through(other: Path, stream: TimedFile, *, must_be_whole: bool) -> None:
    """Read the directories of another file of a set, as tifffile will do again, but within a time."""
    with TimedFile(other) as own, own.limited(stream.half_time):
        try:
            with _begin(other, own) as member:
                if must_be_whole:
                    _refuse_broken(other, own, member)
                member.pages.useframes = True
                member.pages.set_keyframe(0)
                for _ in member.pages:
                    pass
        except Exception:  # of one that is only a part of another image
            if must_be_whole:
                raise


def _refuse_broken(path: Path, stream: TimedFile, file: tifffile.TiffFile) -> None:
    if broken := where_it_breaks(stream, file.tiff):
        raise damaged(path.name, f"it ends before its last plane: {broken}")


def _others(path: Path, of_set: OmeFiles) -> tuple[Path, ...]:
    named = [*of_set.image_in(path), *filter(None, [of_set.elsewhere])]
    return tuple(other for other in named if other != path)


def _first_series(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """The first image that lies in a file, and not only in others of its set."""
    if not file.series:
        raise damaged(path.name, "there is no image in it")
    for series in file.series:
        # tifffile may open the same file a second time as a member of its set.
        if any(page is not None and _same_file(page.parent, file) for page in series.pages):
            break
    else:
        series = file.series[0]
    refuse_unsupported(path, series.keyframe)
    _refuse_cut_off(file, series)
    return series


def _same_file(one: tifffile.TiffFile, other: tifffile.TiffFile) -> bool:
    return os.path.realpath(one.filehandle.path) == os.path.realpath(other.filehandle.path)


def _open_series(
    path: Path, file: tifffile.TiffFile, stream: TimedFile, series: tifffile.TiffPageSeries
) -> StoredImage:
    def close() -> None:
        file.close()  # the other files of one image
        stream.close()

    letters = _with_plane(series.axes)
    if letters == series.axes:
        array = level_array(path, series)
    else:  # one row, one column or one pixel
        sizes = dict(zip(series.axes, series.shape, strict=True))
        array = series.asarray().reshape([sizes.get(letter, 1) for letter in letters])
    plain = not (file.is_ome or file.is_imagej)
    meant = _seen(array, letters, series.keyframe, plain)
    ome = _ome_of(file)
    told = tiff_spacings(file, series, ome)
    spacings = tuple(told.placed.get(letter, Spacing()) for letter in meant.letters)
    seen, letters = _turned(meant, series.keyframe, plain)
    order, axes, placed = arrange(seen.shape, letters, spacings)
    return StoredImage(
        path=path,
        data=FileArray(seen, path.name, axes, order),
        axes=axes,
        spacings=placed,
        ending=".ome.tif" if file.is_ome else ".tif",
        note="; ".join(
            filter(None, (_note(path, file, series), told.note, meant.note and f"{path.name}: {meant.note}"))
        ),
        look=tiff_look(file, series, ome, meant.table),
        close=close,
        still_there=unchanged(path),
        coarser=tuple(
            FileArray(level, path.name, axes, order)
            for level in _levels(path, series, plain)
            if level.ndim == len(order)
        ),
    )


def _note(path: Path, file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> str:
    """What is not as one would expect."""
    notes = []
    if others := len(file.series) - 1:
        more = "1 more image" if others == 1 else f"{others} more images"
        notes.append(f"{path.name} holds {more}; the first is taken")
    if series.dataoffset is None and (missing := sum(page is None for page in series.pages)):
        notes.append(
            f"{missing} of {len(series.pages)} planes are not in {path.name}, perhaps because recording was "
            "stopped; they are 0"
        )
    return "; ".join(notes)


def _ome_of(file: tifffile.TiffFile) -> Element | None:
    return fromstring(file.ome_metadata) if file.is_ome and file.ome_metadata else None


def _seen(array: Any, letters: str, page: Any, plain: bool) -> Meant:
    """Pixels as they are meant; at once, where they are in memory."""
    meant = as_meant(array, letters, page, plain=plain)
    if isinstance(array, np.ndarray) and isinstance(meant.array, Converted):
        whole = meant.array[tuple(slice(0, size) for size in meant.array.shape)]
        return replace(meant, array=whole)
    return meant


def _turned(meant: Meant, page: Any, plain: bool) -> tuple[Any, str]:
    """The way the camera was held; other models have their rows in an order of their own."""
    return upright(meant.array, meant.letters, page) if plain else (meant.array, meant.letters)


def _with_plane(letters: str) -> str:
    """Give back the Y or X axis that was left out because it has one pixel."""
    if "Y" not in letters and "X" not in letters:
        return letters.replace("S", "") + "YX" + ("S" if "S" in letters else "")
    if "X" not in letters:
        return letters.replace("Y", "YX")
    return letters if "Y" in letters else letters.replace("X", "YX")


def _refuse_cut_off(file: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    # tifffile fills what is missing with zeros, which would pass for a dark image.
    needed: dict[tifffile.TiffFile, int] = {}  # some OME-TIFF lie in several files
    for page in series.pages:
        if page is not None:
            ends = (at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False))
            needed[page.parent] = max(needed.get(page.parent, 0), *ends, 0)
    if series.dataoffset is not None:  # planes one after the other, of which not all need a page
        needed[file] = max(needed.get(file, 0), series.dataoffset + series.nbytes)
    for member, end in needed.items():
        if end > (size := member.filehandle.size):
            raise damaged(member.filename, f"it has {size} bytes and should have {end}")


def _levels(path: Path, series: tifffile.TiffPageSeries, plain: bool) -> Iterator[Any]:
    """The coarser levels of a pyramid that are the same image with fewer pixels."""
    finer = series.shape
    if _with_plane(series.axes) != series.axes:
        return
    for number, level in enumerate(series.levels[1:], 1):
        if level.axes == series.axes and all(a <= b for a, b in zip(level.shape, finer, strict=True)):
            finer = level.shape
            meant = _seen(level_array(path, series, number), series.axes, series.keyframe, plain)
            yield _turned(meant, series.keyframe, plain)[0]
