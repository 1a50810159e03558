"""Crops of real short exposures and of dark frames at pixel level, by every way; used by real_noise.py and
trust_calibration.py.

A pixel of the high-resolution image is a square of :data:`ZOOM` pixels of the picture, not interpolated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from dark_frames import dark_frame
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from real_pairs import GAUSS, JUDGE_ONLY, Figures, Pair, Upscale, baselines, best, binned, fitted, set_of
from scipy.ndimage import gaussian_filter

from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.quality.metrics import crop_border

Image = NDArray[Any]

SIDE = 128
"""High-resolution pixels along the side of a crop, a multiple of every factor."""
ZOOM = 2
SATURATED = 0.002
"""The part of a crop that may be as bright as the brightest pixel of the image."""
DARK = 20
"""Photons of the background that is drawn."""
GAP, LINE = 6, 17
"""Pixels between panels, and of the height of a line of text."""


@dataclass(frozen=True)
class Panel:
    """A crop and what is written beneath it."""

    crop: Image
    """``(SIDE, SIDE)``, 0 black to 1 white, or ``(SIDE, SIDE, 3)``."""
    lines: tuple[str, str]


def draw_pairs(
    pairs: Iterable[Pair],
    plain: dict[int, Figures],
    models: dict[str, tuple[int, Upscale, Figures]],
    folder: Path,
) -> list[Path]:
    """Draw a picture for each set that only judges: a row for each of its pairs and each model.

    `plain` and the models' figures are by pair, `plain` by factor.
    """
    rows: dict[str, list[list[Panel]]] = {}
    for pair in pairs:
        if set_of(pair.name) in JUDGE_ONLY:
            for name, (factor, upscale, figures) in models.items():
                row = _pair_row(
                    pair, factor, plain[factor][pair.name], name, upscale, figures[pair.name][name]
                )
                rows.setdefault(set_of(pair.name), []).append(row)
    return [save_panels(of_set, folder / f"real-{name}.png") for name, of_set in rows.items()]


def _pair_row(
    pair: Pair, factor: int, plain: dict[str, float], name: str, upscale: Upscale, decibels: float
) -> list[Panel]:
    low, ways = binned(pair.short, factor), baselines(factor)
    gauss = best(plain, GAUSS)
    results = {
        f"{pair.name.removesuffix('-noise1')}, short, binned by {factor}": (enlarged(low, factor), None),
        "bicubic": (ways["bicubic"](low), plain["bicubic"]),
        f"{gauss} + bicubic": (ways[gauss](low), plain[gauss]),
        name: (upscale(low), decibels),
        "long exposure": (pair.long, None),
    }
    y, x = busiest(pair.long)
    shown = percentile_transform(pair.long[y : y + SIDE, x : x + SIDE])
    panels = []
    for title, (image, figure) in results.items():
        crop = shown.apply(fitted(image, pair.long)[y : y + SIDE, x : x + SIDE])
        panels.append(Panel(crop, (title, f"{figure:.2f} dB" if figure is not None else "")))
    return panels


def enlarged(low: Image, factor: int) -> Image:
    return low.repeat(factor, axis=0).repeat(factor, axis=1)


def busiest(image: Image) -> tuple[int, int]:
    """Where a crop changes most and is hardly saturated; on low-resolution pixels of every factor."""
    change = np.hypot(*np.gradient(gaussian_filter(image.astype(np.float64), 1)))
    saturated = image == image.max()
    starts = [range(SIDE // 8, size - SIDE - SIDE // 8, SIDE // 8) for size in image.shape]

    def interest(at: tuple[int, int]) -> float:
        part = np.s_[at[0] : at[0] + SIDE, at[1] : at[1] + SIDE]
        return float(change[part].sum()) if saturated[part].mean() < SATURATED else 0.0

    return max(((y, x) for y in starts[0] for x in starts[1]), key=interest)


def draw_dark(models: dict[str, tuple[int, Upscale]], folder: Path) -> Path:
    """Draw a frame of nothing but noise: a row for each model."""
    low = dark_frame(DARK)
    middle, width = float(low.mean()), 6 * float(low.std())
    rows = []
    for name, (factor, upscale) in models.items():
        results = {
            f"noise of {DARK} photons": enlarged(low, factor),
            f"bicubic x{factor}": baselines(factor)["bicubic"](low),
            name: upscale(low),
        }
        row = []
        for title, image in results.items():
            crop = image[factor : factor + SIDE, factor : factor + SIDE]
            deviation = f"standard deviation {crop_border(image, factor).std():.1f}"
            row.append(Panel((crop - middle) / width + 0.5, (title, deviation)))
        rows.append(row)
    return save_panels(rows, folder / "real-dark.png")


def save_panels(rows: list[list[Panel]], file: Path) -> Path:
    """Write rows of panels, each as long as the first, with their lines beneath them."""
    side, text = SIDE * ZOOM, 2 * LINE
    width = len(rows[0]) * (side + GAP) - GAP
    mode = "RGB" if any(panel.crop.ndim == 3 for row in rows for panel in row) else "L"
    picture = Picture.new(mode, (width, len(rows) * (side + text + GAP) - GAP), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for down, row in enumerate(rows):
        for along, panel in enumerate(row):
            x, y = along * (side + GAP), down * (side + text + GAP)
            grey = np.rint(panel.crop.clip(0, 1) * 255).astype(np.uint8)
            picture.paste(Picture.fromarray(grey.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)), (x, y))
            for number, line in enumerate(panel.lines):
                draw.text((x + 2, y + side + number * LINE), line, fill="black", font=font)
    picture.save(file, optimize=True)
    return file
