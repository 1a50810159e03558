"""Figures of models on the tiles that no training has seen, set by set; used by quality.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from lpips_like import LpipsLike
from torch import Tensor

from napari_srgan.models import Model
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import crop_border, luma, psnr, ssim
from napari_srgan.training.dataset.tiles import Tile, read_tiles
from napari_srgan.training.recipes.recipe import Recipe


@dataclass(frozen=True)
class TileFigures:
    """Means over the tiles of a source set."""

    psnr: float
    ssim: float
    distance: float


Figures = dict[str, TileFigures]
"""By source set."""


class HeldBack:
    """The tiles that no training of several recipes has seen, and how bicubic interpolation does on them.

    Recipes that differ in their patches train on other tiles: the small ones are left out.
    """

    def __init__(self, recipes: list[Recipe], data: Path, distance: LpipsLike) -> None:
        recipe = recipes[0]
        self.rgb = recipe.channels == 3
        self._factor = recipe.scale_factor
        one_of_each = {each.patch: each for each in recipes}
        sets = [read_tiles(each, data) for each in one_of_each.values()]
        trained = {tile.fingerprint for tiles in sets for tile in tiles.training}
        self._tiles = [tile for tile in sets[0].held_back if tile.fingerprint not in trained]
        self.count = len(self._tiles)
        self._distance = distance
        self.bicubic = self._judge(lambda low: bicubic_upsample(low, self._factor))

    def judge(self, model: Model) -> Figures:
        """Figures of a model in float32."""
        return self._judge(model.network)

    def _judge(self, upscale: Callable[[Tensor], Tensor]) -> Figures:
        by_set: dict[str, list[TileFigures]] = defaultdict(list)
        with torch.inference_mode():
            for tile in self._tiles:
                result = upscale(tile.low[None])[0]
                by_set[tile.source_set].append(self._compare(result, tile))
        return {name: averaged(figures) for name, figures in sorted(by_set.items())}

    def _compare(self, result: Tensor, tile: Tile) -> TileFigures:
        ours, truth = (crop_border(_pixels(image), self._factor) for image in (result, tile.high))
        gray_ours, gray_truth = (_gray(image) for image in (ours, truth))
        return TileFigures(
            psnr=psnr(gray_ours, gray_truth, peak=1.0),
            ssim=ssim(gray_ours, gray_truth, peak=1.0),
            distance=self._distance(ours.clip(0, 1), truth.clip(0, 1), peak=1.0),
        )


def averaged(figures: list[TileFigures]) -> TileFigures:
    return TileFigures(
        psnr=mean(f.psnr for f in figures),
        ssim=mean(f.ssim for f in figures),
        distance=mean(f.distance for f in figures),
    )


def recipe_of(model: Model) -> Recipe:
    """The recipe that trained a model."""
    return Recipe.model_validate(model.card.recipe)


def groups(models: list[Model]) -> Iterator[list[Model]]:
    """Models that were trained on the same data for the same factor."""
    by_data: dict[tuple[Any, ...], list[Model]] = defaultdict(list)
    for model in models:
        recipe = recipe_of(model)
        by_data[(recipe.folders, recipe.held_back, recipe.intensity, recipe.scale_factor)].append(model)
    yield from by_data.values()


def _pixels(image: Tensor) -> np.ndarray:
    """``(Y, X)``, or ``(Y, X, 3)`` for RGB."""
    return image.numpy()[0] if len(image) == 1 else image.numpy().transpose(1, 2, 0)


def _gray(image: np.ndarray) -> np.ndarray:
    return luma(image * 255) / 255 if image.ndim == 3 else image.astype(np.float64)
