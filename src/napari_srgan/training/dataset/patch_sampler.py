"""Draws patches of tiles and of their ideal low resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from napari_srgan.training.dataset.patch_choice import TileChoice, orient
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.recipes.recipe import Recipe


class PatchSampler:
    """Draws batches of aligned patches, source sets balanced, in all 8 orientations."""

    def __init__(self, tiles: Sequence[TrainingTile], recipe: Recipe, generator: np.random.Generator) -> None:
        self._recipe = recipe
        self._generator = generator
        self._choice = TileChoice(tiles, recipe)

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` patches: low ``(N, C, p, p)`` and high ``(N, C, p * factor, p * factor)``, float32."""
        pairs = [self._patch() for _ in range(count)]
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _patch(self) -> tuple[Tensor, Tensor]:
        draw, size, factor = self._generator, self._recipe.patch, self._recipe.scale_factor
        tile, y, x = self._choice.draw(draw)
        low = tile.low[:, y : y + size, x : x + size]
        high = tile.high[:, y * factor : (y + size) * factor, x * factor : (x + size) * factor]
        turns, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        gain = float(draw.uniform(*self._recipe.gain))
        return orient(low, turns, mirrored) * gain, orient(high, turns, mirrored) * gain
