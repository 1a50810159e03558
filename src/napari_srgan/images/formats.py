"""Which format a name stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_srgan.errors import UserError
from napari_srgan.images.address import Address, Place
from napari_srgan.images.axes import refuse_channels_last
from napari_srgan.images.foreign_formats import foreign_format, how_to_read
from napari_srgan.images.microscopes.package import readable_by_bioio
from napari_srgan.images.reading.limits import check_file
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.video import package as video_package
from napari_srgan.images.writing.output import NewFile, Output
from napari_srgan.images.zarr.markers import is_zarr

_TIFF_OF_MICROSCOPES = (
    ".btf", ".tf8", ".tf2", ".lsm", ".stk", ".svs", ".ndpi", ".qptiff", ".flex", ".scn", ".bif",
)  # fmt: skip
"""TIFF under other names, which is read only: BigTIFF, and files of microscopes and slide scanners."""
ZIPPED = (".ome.zarr.zip", ".zarr.zip", ".ozx")
"""Zarr and OME-Zarr in a zip file, which is read only."""
OME_TIFF = (".ome.tiff", ".ome.tif")
TIFF_ENDINGS = (*OME_TIFF, ".tiff", ".tif", *_TIFF_OF_MICROSCOPES)
ENDINGS = (
    *ZIPPED, ".ome.zarr", ".zarr", *TIFF_ENDINGS, ".png", ".jpeg", ".jpg", ".webp",
    *video_package.READ,
)  # fmt: skip
"""File endings that are read; most of them are written, too. Longer ones come first."""
_IMAGES = ".tif, .ome.tif, .png, .jpg, .webp, .zarr, .ome.zarr"
_VIDEO = "and (with the extra [video])"
READABLE = f"{_IMAGES}, .ozx, .zarr.zip {_VIDEO} {', '.join(video_package.READ)}"
"""What is read, in words."""
WRITABLE = f"{_IMAGES} {_VIDEO} {', '.join(video_package.WRITTEN)}"
"""What is written, in words."""


def ending(path: Place) -> str:
    """The known ending of a name, in small letters; empty if it is none."""
    name = path.name.lower()
    return next((known for known in ENDINGS if name.endswith(known) and len(name) > len(known)), "")


def open_image(path: Place, axes: str | None = None, part: str = "") -> StoredImage:
    """Open an image for reading; large ones are read part by part, where they are asked for.

    Parameters
    ----------
    path
        A file with one of :data:`ENDINGS`, or the folder or the address of a zarr array or image.
    axes
        What a user says of the axes as they are stored; asked where a zarr does not name them, and where a
        video may have colours.
    part
        The image that is meant, as :func:`images_in` calls it; the first one by default.

    Returns
    -------
    StoredImage
        A context manager; close it when nothing will be read any more.

    Raises
    ------
    UserError
        If there is no such file, it is in no known format, or cannot be read.
    """
    if isinstance(path, Address):
        return _open_address(path, axes, part)
    if not path.exists():
        raise UserError(f"there is no file {path}")
    if path.is_dir():
        if ending(path).endswith("zarr") or is_zarr(path):
            from napari_srgan.images.zarr.read import open_zarr

            return open_zarr(path, axes, part)
        raise UserError(f"{path} is a folder, not an image file")
    kind = ending(path)
    if not kind and readable_by_bioio(path):
        return _open_bioio(path, part)
    if not kind or kind.endswith("zarr"):
        if told := foreign_format(path):
            raise UserError(
                f"{path.name} is in the format {told}, which is not read here; {how_to_read([path])}"
            )
        raise UserError(f"{path.name} is no image file that can be read; {READABLE} are")
    try:
        if check_file(path) == 0:
            raise UserError(f"{path.name} is empty (0 bytes); get the file again from where it was made")
        if kind in video_package.READ:
            from napari_srgan.images.video.read import open_video

            return open_video(path, axes)
        if kind in ZIPPED:
            from napari_srgan.images.zarr.read import open_zarr

            return open_zarr(path, axes, part)
        image = _open_file(path, kind, part)
        if axes is None and image.axes.endswith("QYX"):
            _ask_for_axes(image)
        return image
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def read_header(path: Path) -> StoredImage:
    """What a TIFF or a zarr says of its first image; no pixel is read, and none can be.

    Raises
    ------
    UserError
        If there is no such file, its format is another one, or it cannot be read.
    """
    if ending(path) not in TIFF_ENDINGS:
        if not is_zarr(path):
            raise UserError(f"{path.name} is no TIFF and no zarr, of which headers are read")
        with open_image(path) as image:
            return image
    from napari_srgan.images.tiff.read import open_tiff

    try:
        check_file(path)
        with open_tiff(path, pixels=False) as image:
            return image
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def images_in(path: Place) -> list[tuple[str, str]]:
    """The images in a file, a zarr or a plate.

    Parameters
    ----------
    path
        The file, or the folder or the address of a zarr array or image.

    Returns
    -------
    list of tuple of str
        For each image, what :func:`open_image` calls it (the number of a series, the path of a field), and
        its name if it has one. A single empty part stands for what holds one image, or cannot be told apart.

    Raises
    ------
    UserError
        If that cannot be found out.
    """
    kind = ending(path)
    if isinstance(path, Path) and not path.exists():
        raise UserError(f"there is no file {path}")
    if isinstance(path, Address) or kind in ZIPPED or path.is_dir():
        from napari_srgan.images.zarr.read import zarr_images

        return [(part, "") for part in zarr_images(path)]
    if kind in TIFF_ENDINGS:
        from napari_srgan.images.tiff.read import tiff_series

        return tiff_series(path)
    if not kind and readable_by_bioio(path):
        from napari_srgan.images.microscopes.read import bioio_scenes

        return bioio_scenes(path)
    return [("", "")]


def _ask_for_axes(image: StoredImage) -> None:
    """Refuse what nobody has named where its last axis looks like channels."""
    try:
        refuse_channels_last(image.data.shape)
    except UserError as error:
        image.close()
        raise UserError(f"{image.path.name}: {error}") from error


def _open_address(address: Address, axes: str | None, part: str) -> StoredImage:
    if ending(address) and not ending(address).endswith("zarr"):
        raise UserError(
            f"only zarr and OME-Zarr are read from addresses, as they come in parts; get {address} to this "
            "machine first"
        )
    from napari_srgan.images.zarr.read import open_zarr

    return open_zarr(address, axes, part)


def _open_bioio(path: Path, part: str) -> StoredImage:
    from napari_srgan.images.microscopes.read import open_bioio

    try:
        return open_bioio(path, part)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def _open_file(path: Path, kind: str, part: str) -> StoredImage:
    if kind in TIFF_ENDINGS:
        from napari_srgan.images.tiff.read import open_tiff

        return open_tiff(path, part)
    from napari_srgan.images.pictures.still import open_picture

    return open_picture(path)


def open_output(file: NewFile, dtype: np.dtype[Any]) -> Output:
    """Begin a TIFF, a picture or a video, checking first that it can hold the result.

    Zarr is written by :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job`.

    Parameters
    ----------
    file
        What is to be written.
    dtype
        That of the result.

    Returns
    -------
    Output
        A context manager, the sink for ``upscale_job``.

    Raises
    ------
    UserError
        If the format is unknown or cannot hold the result, the name is taken, or the
        folder cannot be written to.
    """
    make = _writer(file.path)
    if file.pyramid is not None:
        refuse_pyramid(file.path, wanted=file.pyramid)
    output = make(file)
    try:
        output.check(dtype)
    except BaseException:
        output.discard()
        raise
    return output


def check_writable(path: Path) -> None:
    """Make sure that the ending of a name says a format that is written.

    Raises
    ------
    UserError
        If it does not.
    """
    if not ending(path).endswith("zarr"):
        _writer(path)


def refuse_pyramid(path: Path, *, wanted: bool) -> None:
    """Make sure that a format can do what is said of coarser levels.

    Raises
    ------
    UserError
        If it has none and they are wanted, or cannot be without.
    """
    kind = ending(path)
    if wanted and kind not in (*OME_TIFF, ".ome.zarr"):
        raise UserError(f"a pyramid is written to .ome.tif or .ome.zarr, not to {path.name!r}")
    if not wanted and kind == ".ome.zarr":
        raise UserError(f"an .ome.zarr always has a pyramid; write {path.name!r} as .zarr to be without")


def _writer(path: Path) -> Callable[[NewFile], Output]:
    kind = ending(path)
    if not kind:
        raise UserError(f"{path.name!r} names no format that can be written; use {WRITABLE}")
    if kind.endswith("zarr"):
        raise ValueError(f"{path.name} is written by upscale_to_zarr_job")
    if kind in (*_TIFF_OF_MICROSCOPES, *ZIPPED):
        raise UserError(f"{kind} is read, not written; write a .ome.tif, .tif, .zarr or .ome.zarr")
    if kind in TIFF_ENDINGS:
        from napari_srgan.images.tiff.write import TiffOutput

        return TiffOutput
    if kind in video_package.READ:
        from napari_srgan.images.video.write import VideoOutput

        return VideoOutput
    from napari_srgan.images.pictures.still import PictureOutput

    return PictureOutput
