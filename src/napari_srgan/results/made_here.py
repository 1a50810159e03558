"""Whether a file is a result of ours: by the provenance it carries, in the place its format has for it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_srgan.images.formats import TIFF_ENDINGS, ZIPPED, ending
from napari_srgan.images.reading.limits import check_file
from napari_srgan.images.video import package as video_package
from napari_srgan.results.existing_result import provenance_of

_NAME = "napari-srgan"
_EXIF_SOFTWARE = 305


def made_here(path: Path) -> bool:
    """Whether a file or a zarr folder was written by napari-srgan as the result of an upscaling.

    Only its metadata is read. What cannot be read is taken for no result: whoever opens it says why.

    Parameters
    ----------
    path
        With one of the endings of :mod:`~napari_srgan.images.formats`.
    """
    kind = ending(path)
    with suppress(Exception):  # of any library that looks at a broken file
        if path.is_dir():
            return provenance_of(path) is not None
        check_file(path)
        if kind in ZIPPED:
            return _in_zip(path)
        if kind in TIFF_ENDINGS:
            return _tiff_software(path) == _NAME
        if kind in video_package.READ:
            return _in_json(_video_comment(path))
        return _in_picture(path)
    return False


def _in_zip(path: Path) -> bool:
    """Whether it is a result of ours that somebody zipped."""
    from napari_srgan.images.zarr.markers import FINISHED_KEY
    from napari_srgan.images.zarr.zip_store import ZippedStore

    return FINISHED_KEY in json.loads(ZippedStore(path).fetch("zarr.json") or b"{}")["attributes"]


def _tiff_software(path: Path) -> str:
    import tifffile

    from napari_srgan.images.reading.quiet_logs import quiet

    with quiet(), tifffile.TiffFile(path) as file:
        return str(file.pages.first.software)


def _in_picture(path: Path) -> bool:
    from PIL import Image

    from napari_srgan.images.pictures.still import large_pictures

    with large_pictures(), Image.open(path) as picture:
        # What lies behind the pixels of a PNG is not looked for, as all of them would be decoded for it: we
        # write in front of them.
        exif = Image.Exif() if picture.format == "PNG" and "exif" not in picture.info else picture.getexif()
        return exif.get(_EXIF_SOFTWARE) == _NAME or _in_json(picture.info.get("Description"))


def _video_comment(path: Path) -> Any:
    av = video_package.pyav()
    with av.open(str(path)) as container:
        return next((text for name, text in container.metadata.items() if name.lower() == "comment"), "")


def _in_json(text: Any) -> bool:
    made = json.loads(text) if text else None
    return isinstance(made, dict) and str(made.get("software")).startswith(_NAME)
