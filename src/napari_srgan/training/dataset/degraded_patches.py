"""Draws patches as a microscope would have taken them: blurred, small and noisy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.training.dataset.patch_choice import TileChoice, orient
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.degradation.camera_noise import BYTES, seen_range
from napari_srgan.training.degradation.exposure import Exposure, draw_exposure
from napari_srgan.training.degradation.sampling import band_matrices, gaussian_lines
from napari_srgan.training.degradation.settings import GAUSSIAN_REACH
from napari_srgan.training.degradation.simulate import expose, margin, window
from napari_srgan.training.recipes.recipe import Recipe

SAMPLED_VALUES = 4096
"""Grey levels that stand for those of a whole tile where the range of its noisy image is found."""


class DegradedPatches:
    """Draws batches of aligned patches, each taken by an exposure of its own.

    Parameters
    ----------
    tiles
        The tiles to draw from, in the units of the light.
    recipe
        The recipe; it says how large a patch is and how it is degraded.
    draw
        The generator of all that is random.
    """

    def __init__(self, tiles: Sequence[TrainingTile], recipe: Recipe, draw: np.random.Generator) -> None:
        assert recipe.degradation is not None
        self._recipe, self._ranges, self._draw = recipe, recipe.degradation, draw
        self._degradation = recipe.degradation.of(recipe.scale_factor)
        softened = recipe.degradation.softness[1] if recipe.degradation.oversampled else 0.0
        self._soft_radius = math.ceil(GAUSSIAN_REACH * softened)
        self._around = math.ceil((margin(self._degradation) + self._soft_radius) / recipe.scale_factor)
        self._choice = TileChoice(tiles, recipe)
        self._values = {id(tile): sampled_values(tile.low) for tile in tiles}

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` patches: low ``(N, C, p, p)`` and high ``(N, C, p * factor, p * factor)``, float32."""
        draw, recipe, degradation = self._draw, self._recipe, self._degradation
        size, factor, around = recipe.patch, recipe.scale_factor, self._around
        side, beyond = size * factor, around * factor
        drawn = [self._choice.draw(draw) for _ in range(count)]
        background = draw.uniform(*self._ranges.background, size=count)
        exposures = [in_file(draw_exposure(degradation, draw), recipe) for _ in range(count)]
        # What is in a tile, or nothing: then there is only light that is everywhere.
        shown = [0.0 if e.noisy and draw.random() < self._ranges.empty else 1.0 for e in exposures]
        ranges = [
            BYTES
            if recipe.intensity == "byte"
            else seen_range(self._values[id(tile)] * there + light, exposure, draw)
            for (tile, _, _), there, light, exposure in zip(drawn, shown, background, exposures, strict=True)
        ]
        wide = torch.stack([window(tile.high, y * factor, x * factor, side, beyond) for tile, y, x in drawn])
        if self._soft_radius:
            wide = self._softened(wide)
        there, light = (torch.tensor(v, dtype=wide.dtype)[:, None, None, None] for v in (shown, background))
        wide = wide * there + light
        lows = expose(wide, exposures, degradation, draw, [held for _, held in ranges])
        inner = slice(around, around + size)
        core = slice(beyond, beyond + side)
        pairs = []
        for low, high, (transform, held) in zip(
            lows[..., inner, inner], wide[..., core, core], ranges, strict=True
        ):
            # What a file could not hold is not to be guessed: no brightness is invented.
            truth = high if held is None else high.clamp(max=held.white)
            turns, mirrored, gain = int(draw.integers(4)), bool(draw.integers(2)), draw.uniform(*recipe.gain)
            pairs.append(
                tuple(orient(normalised(image, transform) * gain, turns, mirrored) for image in (low, truth))
            )
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _softened(self, wide: Tensor) -> Tensor:
        """Some of the images ``(N, C, Y, X)`` as a lens of less resolution would have shown them."""
        some = self._draw.random(len(wide)) < self._ranges.oversampled
        sigmas = self._draw.uniform(*self._ranges.softness, size=len(wide)) * some
        lines = gaussian_lines(sigmas, self._soft_radius)
        rows, columns = (band_matrices(lines, size, 1).to(wide)[:, None] for size in wide.shape[-2:])
        return rows @ wide @ columns.mT


def in_file(exposure: Exposure, recipe: Recipe) -> Exposure:
    """The exposure as a recipe's network sees it: 8-bit images as whole numbers on their own range."""
    return replace(exposure, eight_bit=(0.0, 100.0)) if recipe.intensity == "byte" else exposure


def sampled_values(low: Tensor) -> NDArray[np.float64]:
    """Grey levels that are distributed as those of an image of any shape."""
    places = np.linspace(0, 1, min(SAMPLED_VALUES, low.numel()))
    return np.quantile(low.numpy().astype(np.float64), places)


def normalised(image: Tensor, transform: IntensityTransform) -> Tensor:
    """Bring an image of any shape and float dtype to the range of a network."""
    return (image - transform.offset) / transform.span if transform.span else image - transform.offset
