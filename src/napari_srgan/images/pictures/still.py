"""PNG, JPEG and WebP: pictures of one plane."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from napari_srgan.errors import UserError
from napari_srgan.images.pictures.animated import read_animation
from napari_srgan.images.reading.file_array import FileArray, unreadable
from napari_srgan.images.reading.limits import check_file, free_memory
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.in_memory import memory_sink
from napari_srgan.images.writing.output import Output

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Pillow's names of formats, by file ending."""
LONGEST_SIDE = {"PNG": 2**31 - 1, "JPEG": 65500, "WEBP": 16383}
DTYPES = {
    "PNG": ("bool", "uint8", "uint16"),
    "JPEG": ("uint8",),
    "WEBP": ("uint8",),
}
_PILLOW = {"1": 1, "L": 1, "I;16": 2, "I;16B": 2, "LA": 4, "F": 4}
"""Bytes of a pixel in Pillow, by mode; all others have 4, colour tables when they are colours. Beside them
stand a turned copy and ours."""
_DEEP_COLOUR = 8
"""Bytes of a pixel of four samples of 16 bits."""
_PNG_START = b"\x89PNG\r\n\x1a\n"
_EXIF_DESCRIPTION, _EXIF_SOFTWARE = 270, 305


def open_picture(path: Path) -> StoredImage:
    """Read a PNG, JPEG or WebP file: gray, RGB or RGBA, of one, 8 or 16 bits.

    Colour tables become colours, gray with alpha becomes RGBA, and a photograph is
    turned the way its camera was held. An animated PNG or WebP is a movie, ``TYX`` or ``TYXS``.

    Raises
    ------
    UserError
        If it is none, or is cut off.
    """
    note = ""
    try:
        check_file(path)
        with path.open("rb") as file:
            head = file.read(32)
        if _is_deep_colour_png(head):  # Pillow would make 8 bits of them
            height_and_width = struct.unpack_from(">II", head, 16)
            _check_memory(path, height_and_width, 4 * _DEEP_COLOUR)
            encoded = path.read_bytes()
            pixels, profile = _as_rgba(imagecodecs.png_decode(encoded)), None
            if b"acTL" in encoded[: encoded.find(b"IDAT")]:
                note = "its colours have 16 bits, and of such animations only the first frame is read"
        else:
            with large_pictures():
                if (movie := read_animation(path)) is not None:
                    return movie
                pixels, profile, note = _read(path)
    except UserError:  # which is a ValueError too
        raise
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path.name} is no readable {_FORMATS[path.suffix.lower()]} file; "
            "get the file again from where it was made"
        ) from error
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, imagecodecs.PngError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise unreadable(path.name, error) from error
    axes = "YX" if pixels.ndim == 2 else "YXS"
    spacings = (Spacing(),) * len(axes)
    data = FileArray(pixels, path.name, axes)
    return StoredImage(
        path, data, axes, spacings, path.suffix.lower(), profile, note and f"{path.name}: {note}"
    )


def _read(path: Path) -> tuple[NDArray[Any], bytes | None, str]:
    """Pixels, colour profile, and what a user should know."""
    with Image.open(path) as picture:
        _check_memory(path, picture.size, 3 * _PILLOW.get(picture.mode, 4))
        picture.load()
        profile, note = picture.info.get("icc_profile"), ""
        upright = ImageOps.exif_transpose(picture)
        if upright.mode == "P" and _is_gray(upright):
            upright = upright.convert("L")
        elif upright.mode == "P":
            upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
        elif upright.mode in ("LA", "PA", "La", "RGBa"):
            upright = upright.convert("RGBA")
        elif upright.mode == "I" or upright.mode.startswith("I;16"):
            return np.asarray(upright).astype(np.uint16), profile, ""
        elif upright.mode not in ("1", "L", "RGB", "RGBA"):  # CMYK, YCbCr, Lab
            note = f"its colours ({upright.mode}) are converted to RGB, without a colour profile"
            upright, profile = upright.convert("RGB"), None
        return np.array(upright), profile, note


def _is_gray(picture: Image.Image) -> bool:
    """Whether all entries of a colour table are gray: then they are brightnesses."""
    table = np.array(picture.getpalette("RGB") or [0, 1, 2]).reshape(-1, 3)
    return "transparency" not in picture.info and not np.ptp(table, axis=1).any()


def _check_memory(path: Path, size: tuple[int, int], each: int) -> None:
    """Refuse a picture whose pixels do not fit into memory, going by its header."""
    needed, free = size[0] * size[1] * each, free_memory()
    if needed > free:
        raise UserError(
            f"{path.name} has {size[0]:,} x {size[1]:,} pixels and can only be read whole: that needs "
            f"{needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free; save it as a TIFF in "
            "tiles or as OME-Zarr first"
        )


@contextmanager
def large_pictures() -> Iterator[None]:
    """Pillow takes a stitched slide for an attack; whoever gives it here means it."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _is_deep_colour_png(head: bytes) -> bool:
    depth, colour = (head[24], head[25]) if len(head) > 25 else (0, 0)
    return head.startswith(_PNG_START) and depth == 16 and colour in (2, 4, 6)


def _as_rgba(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.shape[-1] != 2:
        return pixels
    gray, alpha = pixels[..., :1], pixels[..., 1:]
    return np.concatenate([gray, gray, gray, alpha], axis=-1)


class PictureOutput(Output):
    """A result as PNG, JPEG or WebP."""

    @property
    def format(self) -> str:
        return _FORMATS[self.path.suffix.lower()]

    def check(self, dtype: np.dtype[Any]) -> None:
        if dtype.name not in DTYPES[self.format]:
            others = ".tif or .zarr" if dtype.name != "uint16" else ".png, .tif or .zarr"
            raise UserError(f"{self.format} cannot hold {dtype} values; write a {others}")
        if dtype.name == "bool" and self.file.axes.endswith("S"):
            raise UserError("PNG cannot hold colours of one bit; write a .tif or a .zarr")

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        plane, longest = self._plane(shape), LONGEST_SIDE[self.format]
        if max(plane[:2]) > longest:
            raise UserError(
                f"{self.format} holds at most {longest} pixels a side, the result has "
                f"{plane[0]} x {plane[1]}; write a .tif or a .zarr"
            )
        if self.format == "JPEG" and plane[2:] == (4,):
            raise UserError("JPEG cannot hold the alpha of an RGBA image; write a .png or a .tif")
        return memory_sink(shape, dtype)

    def _plane(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the only plane: Y, X and colours; other axes, as of a GIF of one frame, have one place."""
        leading = shape[: self.file.axes.index("Y")]
        if math.prod(leading) != 1:
            raise UserError(
                f"{self.format} holds one plane, and axes {self.file.axes!r} of shape {shape} have "
                f"{math.prod(leading)}; write a .tif or a .zarr"
            )
        return shape[len(leading) :]

    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        del spacings  # pictures know dots per inch of a print, not the size of a specimen
        text = json.dumps(result.provenance)
        pixels = result.data.reshape(self._plane(result.data.shape))
        if pixels.dtype == np.uint16 and pixels.ndim == 3:  # Pillow knows 16 bits of gray only
            encoded = bytes(imagecodecs.png_encode(pixels))
            self.partial.temporary.write_bytes(_with_description(encoded, text))
            return
        exif = Image.Exif()
        exif[_EXIF_DESCRIPTION], exif[_EXIF_SOFTWARE] = text, "napari-srgan"
        options: dict[str, Any] = {"exif": exif}
        if self.file.colour_profile:
            options["icc_profile"] = self.file.colour_profile
        if self.format != "PNG":
            options["quality"] = 95
        picture = Image.fromarray(pixels)
        with self.partial.temporary.open("wb") as file:
            picture.save(file, self.format, **options)


def _with_description(png: bytes, text: str) -> bytes:
    """Put a text chunk after the header, which has 25 bytes."""
    chunk = b"tEXtDescription\0" + text.encode("latin-1", "replace")
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    start = len(_PNG_START) + 25
    return png[:start] + whole + png[start:]
