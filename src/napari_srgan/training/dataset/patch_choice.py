"""Which tile a patch is cut from and where, and how it is turned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.recipes.recipe import Recipe


class TileChoice:
    """Draws places of patches, source sets balanced as a recipe says.

    Parameters
    ----------
    tiles
        The tiles that patches are cut from, none of them smaller than a patch.
    recipe
        The recipe; it says how large a patch is, and how sets are balanced.
    """

    def __init__(self, tiles: Sequence[TrainingTile], recipe: Recipe) -> None:
        self._size = recipe.patch
        by_set: dict[str, list[TrainingTile]] = defaultdict(list)
        for tile in tiles:
            by_set[tile.source_set].append(tile)
        self._sets = list(by_set.values())
        weights = np.array([len(tiles) ** recipe.set_balance for tiles in self._sets])
        self._weights = weights / weights.sum()

    def draw(self, draw: np.random.Generator) -> tuple[TrainingTile, int, int]:
        """A tile, and the first low-resolution pixels of a patch in it along Y and X."""
        tiles = self._sets[draw.choice(len(self._sets), p=self._weights)]
        tile = tiles[draw.integers(len(tiles))]
        y = int(draw.integers(tile.low.shape[1] - self._size + 1))
        x = int(draw.integers(tile.low.shape[2] - self._size + 1))
        return tile, y, x


def orient(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Turn ``(..., Y, X)`` of any dtype by quarters, and then mirror it along X, if wanted."""
    image = image.rot90(turns, dims=(-2, -1))
    return image.flip(-1) if mirrored else image
