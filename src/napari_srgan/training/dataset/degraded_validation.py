"""What a model for real microscopes is judged by, beside clean tiles: few photons, and measured pairs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.training.dataset.degraded_patches import in_file, normalised, sampled_values
from napari_srgan.training.dataset.exposure_pairs import ExposurePair, binned, pair_names, read_pairs
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.degradation.camera_noise import BYTES, seen_range
from napari_srgan.training.degradation.exposure import Exposure
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import expose
from napari_srgan.training.recipes.recipe import Recipe

_READ_ELECTRONS = 1.5
JPEG_QUALITY = 75
MOST_OF_A_SET = 1
"""Tiles of each source set of which noisy images are made."""
LARGEST_PAIR = 512
"""High-resolution pixels along the side of the middle of a measured pair that is looked at."""


def judged_exposures(recipe: Recipe) -> dict[str, Exposure]:
    """How held-back tiles are taken, by name: dim, dimmer and blurred; photographs less dim, and as JPEG."""

    def dim(photons: float, blur: float = 0) -> Exposure:
        sigma = blur * recipe.scale_factor
        return Exposure(
            sigma=(sigma, sigma), gain=1 / photons, read_noise=_READ_ELECTRONS / photons, sampling="area"
        )

    if recipe.intensity == "byte":
        return {
            "100 photons": dim(100),
            "1000 photons": dim(1000),
            f"JPEG {JPEG_QUALITY}": Exposure(jpeg=JPEG_QUALITY),
        }
    return {"10 photons": dim(10), "100 photons": dim(100), "100 photons, blur 1": dim(100, blur=1)}


def noisy_tiles(held_back: Sequence[TrainingTile], recipe: Recipe) -> list[TrainingTile]:
    """Take some held-back tiles with few photons, always the same ones with the same noise.

    Parameters
    ----------
    held_back
        Held-back tiles in the units of the light.
    recipe
        The recipe; it says how much smaller they become, and on which range they are seen.

    Returns
    -------
    list of TrainingTile
        Tiles in the range that upscaling would find, one source set for each of :func:`judged_exposures`.
    """
    by_set: dict[str, list[TrainingTile]] = defaultdict(list)
    for tile in held_back:
        by_set[tile.source_set].append(tile)
    chosen = [tile for tiles in by_set.values() for tile in tiles[:MOST_OF_A_SET]]
    return [
        _taken(tile, recipe, name, exposure, seed)
        for name, exposure in judged_exposures(recipe).items()
        for seed, tile in enumerate(chosen)
    ]


def _taken(tile: TrainingTile, recipe: Recipe, name: str, exposure: Exposure, seed: int) -> TrainingTile:
    draw = np.random.default_rng(seed)
    exposure, degradation = in_file(exposure, recipe), Degradation(recipe.scale_factor)
    if recipe.intensity == "byte":
        transform, held = BYTES
        low = expose(tile.high[None], [exposure], degradation, draw, [held])[0]
    else:
        low = expose(tile.high[None], [exposure], degradation, draw)[0]
        transform, _ = seen_range(sampled_values(tile.low), exposure, draw)
    return TrainingTile(name, normalised(low, transform), normalised(tile.high, transform), tile.fingerprint)


def pair_tiles(recipe: Recipe, data: Path) -> list[TrainingTile]:
    """Read the measured pairs that judge: short exposures, binned like a camera, and long ones.

    The brightness of the long exposure is fitted to that of the short one by a line. Pairs that are
    trained on do not judge.

    Parameters
    ----------
    recipe
        Names folders of pairs, or none.
    data
        The folder that holds them.

    Raises
    ------
    UserError
        If a folder has no pairs, or an image cannot be read.
    """
    return [
        _judging_tile(pair, recipe.scale_factor)
        for folder in recipe.pairs
        for pair in read_pairs(data / folder, _judging(recipe, folder, pair_names(data / folder)))
    ]


def _judging(recipe: Recipe, folder: str, names: list[str]) -> list[str]:
    measured = recipe.measured
    learned_from = measured.names if measured is not None and measured.folder == folder else ()
    return [name for name in names if name not in learned_from]


def _judging_tile(pair: ExposurePair, factor: int) -> TrainingTile:
    middle = tuple(
        slice((size - min(size, LARGEST_PAIR)) // 2, (size - min(size, LARGEST_PAIR)) // 2 + side)
        for size in pair.short.shape
        for side in (min(size, LARGEST_PAIR) // factor * factor,)
    )
    short, long = pair.short[middle], pair.long[middle]
    gain, offset = np.polyfit(long.ravel(), short.ravel(), 1)
    image = binned(short, factor)
    transform = percentile_transform(image)
    low, high = (torch.from_numpy(transform.apply(each))[None] for each in (image, gain * long + offset))
    return TrainingTile(f"pair {pair.name}", low, high, hashlib.sha256(short.tobytes()).digest())
