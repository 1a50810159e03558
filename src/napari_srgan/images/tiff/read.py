"""Reading TIFF, OME-TIFF and ImageJ's TIFF, part by part where they are large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_srgan.errors import UserError, threads_told
from napari_srgan.images.file_stamp import unchanged
from napari_srgan.images.reading import limits
from napari_srgan.images.reading.file_array import FileArray, damaged, unreadable
from napari_srgan.images.reading.quiet_logs import quiet
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import ALL_OF_THEM, StoredImage, arrange
from napari_srgan.images.tiff.chain import where_it_breaks
from napari_srgan.images.tiff.limits import TimedFile, check_ome
from napari_srgan.images.tiff.look import tiff_look
from napari_srgan.images.tiff.meaning import Converted, Meant, as_meant, upright
from napari_srgan.images.tiff.ome_files import NotTogether, OmeFiles, check_all_files, names_of, ome_files
from napari_srgan.images.tiff.pixels import NoPixels, level_array
from napari_srgan.images.tiff.series import element_of, ome_of, own_series, series_in
from napari_srgan.images.tiff.spacing import tiff_spacings
from napari_srgan.images.tiff.supported import refuse_unsupported


def open_tiff(path: Path, part: str = "", *, pixels: bool = True) -> StoredImage:
    """Open an image in a TIFF file.

    Parameters
    ----------
    path
        The file.
    part
        Number of the image in the file, from :func:`tiff_series`; the first one by default.
    pixels
        False: only what the file says of its image is wanted, and no pixel is read, now or later.

    Raises
    ------
    UserError
        If it is no TIFF, is cut off, is compressed in a way we cannot read, or belongs to a set of files
        that are not all there.
    """
    image: StoredImage = _at_each_name(path, lambda name: _open(name, part, pixels))
    return replace(image, path=path)


def _at_each_name(path: Path, read: Callable[[Path], Any]) -> Any:
    """Read a file, or what a link leads to, under the name beside which the others of its set lie."""
    first: NotTogether | None = None
    with quiet():
        for name in names_of(path):
            try:
                return read(name)
            except NotTogether as error:
                first = first or error
    assert first is not None
    raise first


def _open(path: Path, part: str, pixels: bool) -> StoredImage:
    with _reading(path, whole=not part) as (file, of_set, stream):
        with stream.limited():
            series = series_in(path, file, part)
            element = element_of(file, series)
            mine = () if of_set is None else of_set.image_at(element, path)
            for other in mine if part else ():  # of the first image they were looked at before
                check_all_files(path, [other])
                if other != path:
                    _read_through(other, stream, must_be_whole=True)
            refuse_unsupported(path, series.keyframe)
            _refuse_cut_off(file, series)
        with threads_told():
            image = _open_series(path, file, stream, series, element, pixels=pixels)
        elsewhere = None if of_set is None else of_set.elsewhere
        others = tuple(other for other in (*mine, *filter(None, [elsewhere])) if other != path)
        note = "; ".join(filter(None, ("" if part else _more_images(path, file), image.note)))
        return replace(image, note=note, other_files=others, part=part)


def tiff_series(path: Path) -> list[tuple[str, str]]:
    """The images in a TIFF file: for each its number, and what it is called if it has a name.

    Images of an OME-TIFF set that lie in other files only are left out. Nothing is read of the pixels.

    Raises
    ------
    UserError
        As :func:`open_tiff`.
    """
    found: list[tuple[str, str]] = _at_each_name(path, _names_of_series)
    return found


def _names_of_series(path: Path) -> list[tuple[str, str]]:
    with _reading(path, whole=False) as (file, _, stream):
        with stream.limited():
            found = [(str(number), series.name or "") for number, series in own_series(file)]
        file.close()
        stream.close()
        return found or [("", "")]


@contextmanager
def _reading(path: Path, *, whole: bool) -> Iterator[tuple[tifffile.TiffFile, OmeFiles | None, TimedFile]]:
    """Read the directories of a file, and close it if anything is wrong with it."""
    limits.check_file(path)
    stream = TimedFile(path)
    try:
        with stream.limited():
            file = _begin(path, stream)
            of_set = _set_of(path, file, stream, whole=whole)
            if of_set is not None and of_set.elsewhere is not None:
                file = _begin(path, stream, omexml=of_set.metadata)
        yield file, of_set, stream
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


def _set_of(path: Path, file: tifffile.TiffFile, stream: TimedFile, *, whole: bool) -> OmeFiles | None:
    """The files of an OME-TIFF, those of the first image there and `whole`; None for other TIFFs."""
    _refuse_broken(path, stream, file)
    if not file.is_ome or not file.ome_metadata:
        return None
    check_ome(path, file.ome_metadata)
    found = ome_files(path, file.ome_metadata)
    if found.elsewhere is not None:
        check_ome(path, found.metadata)
    mine = found.image_in(path) if whole else ()
    check_all_files(path, mine)
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


def _open_series(
    path: Path, file: tifffile.TiffFile, stream: TimedFile, series: tifffile.TiffPageSeries, element: int,
    *, pixels: bool,
) -> StoredImage:  # fmt: skip
    def close() -> None:
        file.close()  # the other files of one image
        stream.close()

    letters = _with_plane(series.axes)
    sizes = dict(zip(series.axes, series.shape, strict=True))
    shape = [sizes.get(letter, 1) for letter in letters]  # of one row, one column or one pixel too
    if not pixels:
        array: Any = NoPixels(shape, series.dtype)
    elif letters == series.axes:
        array = level_array(path, series)
    else:
        array = series.asarray().reshape(shape)
    plain = not (file.is_ome or file.is_imagej)
    meant = _seen(array, letters, series.keyframe, plain)
    ome = ome_of(file, element)
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
            filter(
                None, (_missing_planes(path, series), told.note, meant.note and f"{path.name}: {meant.note}")
            )
        ),
        look=tiff_look(file, series, ome, meant.table),
        close=close,
        still_there=unchanged(path),
        coarser=tuple(
            FileArray(level, path.name, axes, order)
            for level in (_levels(path, series, plain) if pixels else ())
            if level.ndim == len(order)
        ),
    )


def _more_images(path: Path, file: tifffile.TiffFile) -> str:
    others = len(own_series(file)) - 1
    more = "1 more image" if others == 1 else f"{others} more images"
    return f"{path.name} holds {more}; the first is taken ({ALL_OF_THEM})" if others > 0 else ""


def _missing_planes(path: Path, series: tifffile.TiffPageSeries) -> str:
    if series.dataoffset is None and (missing := sum(page is None for page in series.pages)):
        return (
            f"{missing} of {len(series.pages)} planes are not in {path.name}, perhaps because recording was "
            "stopped; they are 0"
        )
    return ""


def _seen(array: Any, letters: str, page: Any, plain: bool) -> Meant:
    """Pixels as they are meant; at once, where they are in memory."""
    meant = as_meant(array, letters, page, plain=plain)
    if isinstance(array, np.ndarray) and isinstance(meant.array, Converted):
        return replace(meant, array=meant.array[...])
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
