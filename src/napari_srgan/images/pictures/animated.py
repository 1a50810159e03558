"""Animated PNG and WebP: pictures that are movies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from napari_srgan.errors import UserError
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.reading.limits import free_memory
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage

_FORMATS = ("PNG", "WEBP")
"""Formats in which several pictures are a movie; in others they are not: a camera's JPEG has smaller copies
of itself."""
_OPAQUE = 255


def read_animation(path: Path) -> StoredImage | None:
    """Read an animated PNG or WebP; None if a file is a single picture.

    All frames are composed as a browser shows them. Where they are evenly spaced in time, that is the spacing
    of T; otherwise the mean is, and a note says so. Transparency is kept if there is any. A PNG's picture for
    programs without animation is left out if it is no frame.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UserError
        If memory does not suffice for all frames.
    """
    with Image.open(path) as picture:
        if picture.format not in _FORMATS or getattr(picture, "n_frames", 1) < 2:
            return None
        _check_memory(path, picture)
        frames, durations = [], []
        for number, frame in enumerate(ImageSequence.Iterator(picture)):
            if number == 0 and picture.info.get("default_image"):
                continue
            frames.append(_pixels(frame))
            durations.append(float(frame.info.get("duration") or 0))
    pixels = _alike(frames)
    axes = "TYX" if pixels.ndim == 3 else "TYXS"
    time, note = _interval(path, durations)
    spacings = (time, *(Spacing(),) * (len(axes) - 1))
    return StoredImage(path, FileArray(pixels, path.name, axes), axes, spacings, ".ome.tif", note=note)


def _check_memory(path: Path, picture: Any) -> None:
    needed, free = (
        picture.n_frames * picture.width * picture.height * 4 * 2,
        free_memory(),
    )
    if needed > free:
        raise UserError(
            f"{path.name} has {picture.n_frames} frames of {picture.height} x {picture.width} pixels, which "
            f"need {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} are free; save it as a "
            "video first"
        )


def _pixels(frame: Any) -> NDArray[Any]:
    """A frame as ``(Y, X)`` or ``(Y, X, 4)``."""
    if frame.mode in ("1", "L"):
        return np.array(frame.convert("L"))
    if frame.mode == "I" or frame.mode.startswith("I;16"):
        return np.asarray(frame).astype(np.uint16)
    return np.array(frame.convert("RGBA"))


def _alike(frames: list[NDArray[Any]]) -> NDArray[Any]:
    """All frames in one array; without alpha where all is opaque."""
    pixels = np.stack(frames)
    return pixels[..., :3] if pixels.ndim == 4 and bool((pixels[..., 3] == _OPAQUE).all()) else pixels


def _interval(path: Path, milliseconds: list[float]) -> tuple[Spacing, str]:
    # How long the last frame is shown says nothing about the time to a next one.
    shown = milliseconds[:-1] or milliseconds
    mean = sum(shown) / len(shown)
    if mean <= 0:
        return Spacing(), ""
    note = ""
    if max(shown) != min(shown):
        note = (
            f"the frames of {path.name} are not evenly spaced in time ({min(shown):g} to {max(shown):g} ms); "
            f"the mean, {mean:.4g} ms, is taken"
        )
    return Spacing(mean / 1000, "second"), note
