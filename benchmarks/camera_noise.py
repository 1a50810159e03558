"""Held-back tiles as a camera would see them in little light, upscaled by models; used by real_noise.py.

Written apart from the training's own simulation, so that a mistake there cannot hide here: the tile is
blurred by a Gaussian and made small by antialiased bicubic interpolation, each pixel gets photons (Poisson)
and read noise (normal) and is digitised as uint16, and the image goes through ``napari_srgan.upscale`` like
any other. Its brightness is known, so nothing is fitted before results are compared with the tile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import held_back
import numpy as np
import torch
from markdown_table import gain, markdown
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.models import Model
from napari_srgan.networks import bicubic_downsample
from napari_srgan.quality.metrics import crop_border, psnr
from napari_srgan.training.dataset.tiles import read_tiles

Image = NDArray[Any]

PHOTONS = (5, 20, 100, 1000, None)
"""In the brightest places: where a tile reaches the 99.9 percentile. None: no noise at all."""
BLURS = (0.0, 1.0)
"""Sigma of the optics, in low-resolution pixels."""
READ_NOISE = 1.5
"""Electrons."""
GAIN, OFFSET = 4.0, 100.0
"""Grey levels of one electron, and of none."""
TILES_PER_SET, SIDE = 2, 256
"""Tiles of a source set, and high-resolution pixels along the side of their middle that is used."""


@dataclass(frozen=True)
class Light:
    """The truth: what a camera without noise would collect at high resolution."""

    source_set: str
    image: NDArray[np.float64]
    """``(Y, X)``; the tile's 0.1 and 99.9 percentiles at low resolution are 0 and 1, and none is below 0."""


@dataclass(frozen=True)
class Condition:
    """How much light, how blurred."""

    photons: int | None
    blur: float

    @property
    def name(self) -> str:
        light = "no noise" if self.photons is None else f"{self.photons:,} photons"
        return f"{light}, blur {self.blur:g}"


CONDITIONS = [Condition(photons, blur) for blur in BLURS for photons in PHOTONS]


def read_light(models: list[Model], data: Path) -> list[Light]:
    """Some tiles of each source set that none of the models (of one factor) has seen in its training."""
    sets = [read_tiles(recipe, data) for recipe in map(held_back.recipe_of, models)]
    trained = {tile.fingerprint for tiles in sets for tile in tiles.training}
    unseen = {
        tile.fingerprint: tile
        for tiles in sets
        for tile in tiles.held_back
        if tile.fingerprint not in trained
    }
    by_set: dict[str, list[Light]] = defaultdict(list)
    for tile in unseen.values():
        if len(by_set[tile.source_set]) < TILES_PER_SET:
            image = np.maximum(_middle(tile.high[0].numpy()).astype(np.float64), 0)
            by_set[tile.source_set].append(Light(tile.source_set, image))
    return [light for name in sorted(by_set) for light in by_set[name]]


def _middle(image: Image) -> Image:
    y, x = ((size - min(size, SIDE)) // 8 * 4 for size in image.shape)
    return image[y : y + SIDE, x : x + SIDE]


def camera_image(light: Image, factor: int, condition: Condition, draw: np.random.Generator) -> Image:
    """What the camera gives at low resolution: uint16, or float32 without noise."""
    blurred = gaussian_filter(light, condition.blur * factor) if condition.blur else light
    low = bicubic_downsample(torch.from_numpy(blurred)[None, None], factor)[0, 0].numpy()
    if condition.photons is None:
        return low.astype(np.float32)
    electrons = draw.poisson(np.maximum(low, 0) * condition.photons) + draw.normal(0, READ_NOISE, low.shape)
    return np.rint(OFFSET + GAIN * electrons).clip(0, 65535).astype(np.uint16)


def as_light(image: Image, condition: Condition) -> NDArray[np.float64]:
    """Grey levels of :func:`camera_image` on the truth's scale."""
    values = image.astype(np.float64)
    return values if condition.photons is None else (values - OFFSET) / GAIN / condition.photons


def measure(lights: list[Light], factor: int, upscale: Callable[[Image], Image]) -> dict[str, float]:
    """PSNR by condition: mean over the tiles of a set, then over sets. The same noise for everyone."""
    figures = {}
    for condition in CONDITIONS:
        by_set: dict[str, list[float]] = defaultdict(list)
        for at, light in enumerate(lights):
            draw = np.random.default_rng([at, condition.photons or 0, round(condition.blur * 10)])
            result = as_light(upscale(camera_image(light.image, factor, condition, draw)), condition)
            ours, truth = (crop_border(image, factor) for image in (result, light.image))
            by_set[light.source_set].append(psnr(ours, truth, peak=1.0))
        figures[condition.name] = mean(mean(values) for values in by_set.values())
    return figures


def table(plain: dict[str, float], models: dict[str, dict[str, float]]) -> str:
    """Gains over bicubic by photons and blur."""
    rows = [["photons in the brightest places", "blur", "bicubic", *models]]
    for condition in CONDITIONS:
        bicubic = plain[condition.name]
        gains = (gain(figures[condition.name] - bicubic) for figures in models.values())
        light = "no noise" if condition.photons is None else f"{condition.photons:,}"
        rows.append([light, f"{condition.blur:g}", f"{bicubic:.2f}", *gains])
    return markdown(rows)


def least_gain(plain: dict[str, float], figures: dict[str, float]) -> tuple[str, float]:
    """The condition in which a model gains least over bicubic, and how much."""
    return min(((name, figures[name] - plain[name]) for name in plain), key=lambda each: each[1])
