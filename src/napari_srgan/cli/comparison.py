"""The side-by-side picture of the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

from napari_srgan.inference.intensity import percentile_transform

if TYPE_CHECKING:
    from napari_srgan.cli.demo import Compared

PANEL = 420
"""Side of a panel in pixels."""
CROP = 70
"""Pixels of the original, along a side, that the zoomed panel shows."""
_GAP, LABEL = 12, 50
_GROUND, INK, _FAINT, FRAME = (18, 18, 20), (240, 240, 240), (170, 170, 175), (255, 200, 40)


def draw_comparison(compared: Compared) -> Image.Image:
    """Draw the whole images above, one part of them pixel by pixel below.

    Columns: low resolution, bicubic, result, original; the figures stand above them. Where the size stays,
    the noisy image is in the place of the first two.
    """
    columns = {
        **_without_a_model(compared),
        compared.model.name: (compared.result, _figures(compared, "result")),
        "original": (compared.original, compared.sample),
    }
    y, x = busiest_place(compared.original)
    tall = round(PANEL * compared.original.shape[0] / compared.original.shape[1])
    page = Image.new(
        "RGB", (_GAP + (PANEL + _GAP) * len(columns), LABEL + tall + _GAP + PANEL + _GAP), _GROUND
    )
    draw = ImageDraw.Draw(page)
    for number, (title, (image, figures)) in enumerate(columns.items()):
        left = _GAP + (PANEL + _GAP) * number
        draw.text((left, 6), title, INK, ImageFont.load_default(20))
        draw.text((left, 29), figures, _FAINT, ImageFont.load_default(15))
        whole = Image.fromarray(displayed(image, compared.original))
        page.paste(whole.resize((PANEL, tall), Image.Resampling.LANCZOS), (left, LABEL))
        zoom = PANEL / image.shape[1]
        corners = [left + x * zoom, LABEL + y * zoom, left + (x + CROP) * zoom, LABEL + (y + CROP) * zoom]
        draw.rectangle(corners, outline=FRAME, width=2)
        part = whole.crop((x, y, x + CROP, y + CROP))
        page.paste(part.resize((PANEL, PANEL), Image.Resampling.NEAREST), (left, LABEL + tall + _GAP))
    return page


def _without_a_model(compared: Compared) -> dict[str, tuple[NDArray[Any], str]]:
    factor, figures = compared.model.scale_factor, _figures(compared, "rival")
    if factor == 1:
        return {"noisy": (compared.rival, figures)}
    blocks = compared.low.repeat(factor, axis=0).repeat(factor, axis=1)
    return {f"low resolution (1/{factor})": (blocks, compared.taken), "bicubic": (compared.rival, figures)}


def _figures(compared: Compared, which: str) -> str:
    figures = compared.figures[which]
    return f"PSNR {figures.psnr:.2f} dB, SSIM {figures.ssim:.4f}"


def displayed(image: NDArray[Any], original: NDArray[Any]) -> NDArray[np.uint8]:
    """An image as 8-bit RGB, shown on the brightness range of the original.

    Parameters
    ----------
    image
        ``(Y, X)`` of any real dtype, or ``(Y, X, 3)`` of uint8, which is given back as it is.
    original
        The image whose percentiles become black and white, of any real dtype.

    Returns
    -------
    NDArray
        ``(Y, X, 3)`` of uint8.
    """
    if image.dtype == np.uint8 and image.ndim == 3:
        return image
    values = percentile_transform(original).apply(image) * 255
    gray = values.round().clip(0, 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1) if gray.ndim == 2 else gray


def busiest_place(image: NDArray[Any]) -> tuple[int, int]:
    """Find the square of :data:`CROP` pixels along a side that has the most detail.

    Parameters
    ----------
    image
        ``(Y, X)`` or ``(Y, X, 3)`` of any real dtype.

    Returns
    -------
    tuple of int
        Y and X of its first pixel.
    """
    plane = image.mean(axis=-1) if image.ndim == 3 else image.astype(np.float64)
    detail = np.hypot(*np.gradient(plane))
    # Square roots, so that one bright edge does not outweigh a square full of structure.
    means = uniform_filter(np.sqrt(detail), CROP, mode="constant")
    half = CROP // 2
    inside = means[half : image.shape[0] - half, half : image.shape[1] - half]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(y), int(x)
