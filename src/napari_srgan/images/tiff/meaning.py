"""What the numbers in a TIFF stand for: photometric interpretation and orientation (TIFF 6.0, section 8).

Everything is brought to what the rest of the house works on: intensities that grow with the light, or red,
green and blue; the first row on top. Nothing is read before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.images.colours.lookup_tables import hue_of, table_of_8_bits
from napari_srgan.images.colours.printed import cmyk_to_rgb, lab_to_rgb
from napari_srgan.images.lazy_array import BoxArray

_P = tifffile.PHOTOMETRIC
COLOURS = (_P.RGB, _P.YCBCR)
"""Colour models whose samples are red, green and blue once they are decoded."""
_FLIPPED = {1: "", 2: "c", 3: "rc", 4: "r", 5: "", 6: "r", 7: "rc", 8: "c"}
"""Stored rows and columns that run against the way they are seen, by orientation."""


@dataclass(frozen=True)
class Meant:
    """Pixels as they are meant."""

    array: Any
    letters: str
    """One for each axis of `array`."""
    table: NDArray[np.uint8] | None = None
    """Colours in which its intensities are shown, ``(N, 3)``."""
    note: str = ""
    """What a user should know."""


def as_meant(array: Any, letters: str, page: Any, *, plain: bool) -> Meant:
    """Bring stored numbers to what they stand for.

    Parameters
    ----------
    array, letters
        The stored array, anything that is read by slices, and one letter for each of its axes.
    page
        The page that tells what all of them stand for.
    plain
        Whether this is neither OME-TIFF nor ImageJ's, whose colour tables show intensities and whose
        rows are in the order of their own models.
    """
    meant = _in_light(array, letters, page, plain)
    if "S" in meant.letters and meant.array is array and page.photometric not in COLOURS:
        letters = letters.replace("S", "C" if "C" not in letters else "Q")
        return Meant(array, letters, meant.table, meant.note)
    return meant


def _in_light(array: Any, letters: str, page: Any, plain: bool) -> Meant:
    kind, samples = page.photometric, letters.find("S")
    count = array.shape[samples] if samples >= 0 else 0
    if kind == _P.PALETTE and page.colormap is not None:
        return _of_table(array, letters, table_of_8_bits(page.colormap), plain)
    if kind == _P.MINISWHITE:
        if array.dtype.kind not in "ub":
            note = f"its {array.dtype} values are darker where they are larger, and stay so"
            return Meant(array, letters, note=note)
        # Alpha and other samples beside the gray one are rare, and grow with what they mean.
        return Meant(Converted(array, partial(_inverted, bits=page.bitspersample), None, None), letters)
    if kind in (_P.CIELAB, _P.ICCLAB) and count == 3 and array.dtype.kind in "ui":
        convert = partial(lab_to_rgb, signed=kind == _P.CIELAB)
        return _coloured(array, letters, convert, 3, "its CIELAB colours are converted to RGB")
    if kind == _P.SEPARATED and count == 4 and array.dtype.kind == "u":
        note = "its inks (CMYK) are converted to RGB, without a colour profile"
        return _coloured(array, letters, cmyk_to_rgb, 3, note)
    return Meant(array, letters)


def _of_table(array: Any, letters: str, table: NDArray[np.uint8], plain: bool) -> Meant:
    samples = letters.find("S")
    if samples < 0 and (not plain or hue_of(table) is not None):
        return Meant(array, letters, table)  # it says how to show intensities
    if samples >= 0 and array.shape[samples] < 2:
        return Meant(array, letters)
    alpha = samples >= 0
    looked_up = partial(_looked_up, table=table, alpha=alpha)
    return _coloured(array, letters, looked_up, 4 if alpha else 3, "", "u1")


def _coloured(
    array: Any, letters: str, convert: Callable[..., NDArray[Any]], colours: int, note: str, dtype: str = ""
) -> Meant:
    samples = letters.index("S") if "S" in letters else None
    of = np.dtype(dtype) if dtype else np.dtype(f"u{np.dtype(array.dtype).itemsize}")
    return Meant(Converted(array, convert, samples, colours, of), letters.replace("S", "") + "S", note=note)


def _inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return ~values
    highest: NDArray[Any] = np.asarray(2**bits - 1, values.dtype)
    return np.asarray(highest - values)


def _looked_up(numbers: NDArray[Any], table: NDArray[np.uint8], alpha: bool) -> NDArray[Any]:
    # One bit is read as truth values, with which numpy would choose colours instead of looking them up.
    if not alpha:
        return np.asarray(table[numbers.astype(np.intp)])
    shift = 8 * (numbers.dtype.itemsize - 1)
    return np.concatenate(
        [table[numbers[..., 0].astype(np.intp)], (numbers[..., 1:2] >> shift).astype(np.uint8)], axis=-1
    )


class Converted(BoxArray):
    """An array whose values are converted where they are read.

    Parameters
    ----------
    source
        The array.
    convert
        A function that takes samples along the last axis, if there are any, and gives colours along it, if it
        gives any.
    samples
        Number of the axis of `source` that holds samples, which are only understood together; None without
        one.
    colours
        Number of colours along the last axis; None if there is no axis of colours.
    dtype
        Type of the values; None: that of `source`.
    """

    def __init__(
        self,
        source: Any,
        convert: Callable[[NDArray[Any]], NDArray[Any]],
        samples: int | None,
        colours: int | None,
        dtype: np.dtype[Any] | None = None,
    ) -> None:
        self.source, self.convert, self.samples, self.colours = source, convert, samples, colours
        super().__init__(self._around(source.shape), np.dtype(source.dtype) if dtype is None else dtype)
        chunks = getattr(source, "chunks", None)
        self.chunks = None if chunks is None else self._around(chunks)

    def _around(self, along: Sequence[int]) -> tuple[int, ...]:
        """Sizes along the axes of the array, of those along the axes of its source."""
        kept = tuple(one for axis, one in enumerate(along) if axis != self.samples)
        return kept if self.colours is None else (*kept, self.colours)

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        inner = list(box if self.colours is None else box[:-1])
        if self.samples is not None:
            inner.insert(self.samples, slice(0, self.source.shape[self.samples]))
        values = np.asarray(self.source[tuple(inner)])
        if self.samples is not None:
            values = np.moveaxis(values, self.samples, -1)
        found = self.convert(values)
        return found if self.colours is None else found[..., box[-1]]


def upright(array: Any, letters: str, page: Any) -> tuple[Any, str]:
    """Turn pixels the way their orientation tag says they are seen; EXIF has the same numbers.

    Parameters
    ----------
    array, letters
        The stored array, and one letter for each of its axes.
    page
        A page with the tag.

    Returns
    -------
    array, letters
        Where rows are seen as columns, the letters ``Y`` and ``X`` change places.
    """
    orientation = int(page.tags.valueof("Orientation", 1))
    flipped = _FLIPPED.get(orientation, "")
    axes = tuple(letters.index("Y" if one == "r" else "X") for one in flipped)
    turned = Flipped(array, axes) if axes else array
    return turned, letters.translate(str.maketrans("YX", "XY")) if orientation in (5, 6, 7, 8) else letters


class Flipped(BoxArray):
    """An array some of whose axes run the other way.

    Parameters
    ----------
    source
        The array.
    axes
        Numbers of these axes.
    """

    def __init__(self, source: Any, axes: tuple[int, ...]) -> None:
        super().__init__(source.shape, np.dtype(source.dtype))
        self.source = source
        self.axes = axes

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        stored = tuple(
            slice(size - part.stop, size - part.start) if axis in self.axes else part
            for axis, (part, size) in enumerate(zip(box, self.shape, strict=True))
        )
        return np.flip(self.source[stored], self.axes)
