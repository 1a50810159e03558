"""Several pictures in one, each under its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_GAP = 0.03
"""Between pictures, in widths of one."""
LETTERS = 0.11
"""Height of the names, in widths of a picture."""
LEAST_LETTERS = 10
"""Pixels below which nobody can read them."""


def side_by_side(pictures: Mapping[str, NDArray[Any]], limits: tuple[float, float]) -> NDArray[np.float32]:
    """Put pictures beside each other, with their names above them.

    Parameters
    ----------
    pictures
        ``(y, x)`` or ``(y, x, 3)`` by name; those with fewer pixels are shown as large as the largest
        by repeating pixels, which must be whole times.
    limits
        Lowest and highest value that is shown.

    Returns
    -------
    array
        ``(Y, X)`` or ``(Y, X, 3)`` float32, 0 at the lower limit and 1 at the upper one.
    """
    height, width = (max(picture.shape[axis] for picture in pictures.values()) for axis in (0, 1))
    letters = max(LEAST_LETTERS, round(LETTERS * width))
    gap = max(1, round(_GAP * width))
    strip = letters + letters // 2
    rgb = any(picture.ndim == 3 for picture in pictures.values())
    shape = (strip + height, len(pictures) * (width + gap) - gap, *([3] if rgb else []))
    whole = np.zeros(shape, np.float32)
    low, high = limits
    for place, (name, picture) in enumerate(pictures.items()):
        at = place * (width + gap)
        values = (_as_large(picture, height).astype(np.float32) - low) / max(high - low, 1e-12)
        values = np.clip(np.nan_to_num(values), 0, 1)
        whole[strip : strip + values.shape[0], at : at + values.shape[1]] = values
        word = _word(name, (strip, width), letters)
        whole[:strip, at : at + width] = word[..., None] if rgb else word
    return whole


def _as_large(picture: NDArray[Any], height: int) -> NDArray[Any]:
    times = max(1, round(height / picture.shape[0]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def _word(text: str, shape: tuple[int, int], letters: int) -> NDArray[np.float32]:
    image = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=ImageFont.load_default(letters))
    return np.asarray(image, np.float32) / np.float32(255)
