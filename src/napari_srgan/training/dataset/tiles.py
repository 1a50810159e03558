"""The tiles a model learns from, by source set, and those held back to judge it."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from skimage.io import imread
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import BYTE_TRANSFORM, percentile_transform
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.clean_truth import without_noise
from napari_srgan.training.dataset.dataset import Sampler
from napari_srgan.training.dataset.degraded_patches import DegradedPatches
from napari_srgan.training.dataset.degraded_validation import noisy_tiles, pair_tiles
from napari_srgan.training.dataset.exposure_pairs import ExposurePair
from napari_srgan.training.dataset.measured_patches import ExposurePatches, MixedPatches
from napari_srgan.training.dataset.patch_sampler import PatchSampler
from napari_srgan.training.dataset.taught_pairs import taught_pairs
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.dataset.tile_validation import tile_scores, validate_bicubic
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.recipes.recipe import Recipe

SOURCES = ("file", "set", "path")
"""Columns of SOURCES.tsv that are read: a tile, its source set, the image it was cut from."""
JUDGED_PART = 0.5
"""Factor on a recipe's `truth_noise` for tiles which judge: a network is not to be judged by noise that it
leaves out."""
LICENCES = ("set", "repo", "commit", "licence")
"""Columns of LICENCES.tsv."""


@dataclass(frozen=True)
class TileSets:
    """Tiles to train on and tiles held back, never from the same source image."""

    training: list[TrainingTile]
    held_back: list[TrainingTile]
    too_small: int
    """Training tiles left out because a patch does not fit into them, or would not if they had no noise."""
    noisy: list[TrainingTile] = field(default_factory=list)
    """Noisy images and measured pairs that judge too."""
    measured: list[ExposurePair] = field(default_factory=list)
    """Measured pairs to train on."""

    @property
    def summary(self) -> str:
        """What is learned from, in words."""
        pairs = (
            f", and the measured pairs {', '.join(p.name for p in self.measured)}" if self.measured else ""
        )
        return f"{len(self.training)} tiles ({self.too_small} smaller than a patch left out){pairs}"

    def sampler(self, recipe: Recipe, draw: np.random.Generator) -> Sampler:
        kind = PatchSampler if recipe.degradation is None else DegradedPatches
        sampler: Sampler = kind(self.training, recipe, draw)
        if recipe.measured is None:
            return sampler
        return MixedPatches(
            sampler, ExposurePatches(self.measured, recipe, draw), recipe.measured.share, draw
        )

    def validate(self, network: Generator, device: torch.device) -> dict[str, float]:
        return tile_scores(network, [*self.held_back, *self.noisy], device)

    @cached_property
    def bicubic(self) -> dict[str, float]:
        return validate_bicubic([*self.held_back, *self.noisy])


def read_tiles(recipe: Recipe, data: Path) -> TileSets:
    """Read all tiles of a recipe and split them.

    Parameters
    ----------
    recipe
        Names the folders and the part that is held back.
    data
        The folder that holds them.

    Raises
    ------
    UserError
        If a folder or its SOURCES.tsv is missing, a tile cannot be read, or a set that is to be left
        out is in no folder.
    """
    if not recipe.folders:
        raise UserError(f"{recipe.name} names no folders of tiles to train on; add folders to the recipe")
    training: list[TrainingTile] = []
    held_back: list[TrainingTile] = []
    too_small = 0
    tables = {folder: _read_table(data / folder / "SOURCES.tsv", SOURCES) for folder in recipe.folders}
    _check_sets(recipe.without, {row["set"] for rows in tables.values() for row in rows})
    for folder, table in tables.items():
        rows = [row for row in table if row["set"] not in recipe.without]
        test_images = _held_back_images(rows, recipe.held_back)
        for row in rows:
            pixels = _read_pixels(data / folder / row["file"], recipe)
            fingerprint = hashlib.sha256(pixels.tobytes()).digest()
            judges = (row["set"], row["path"]) in test_images
            truth = _clean_truth(pixels, recipe, judges=judges)
            if judges and truth is not None:
                held_back.append(_tile(truth, row["set"], recipe, fingerprint))
            elif not judges and truth is not None and _holds_a_patch(truth, recipe):
                training.append(_tile(truth, row["set"], recipe, fingerprint))
            elif not judges:
                too_small += 1
    # An image that lies in two sets under two names is trained on, and judges nothing.
    trained = {tile.fingerprint for tile in training}
    held_back = [tile for tile in held_back if tile.fingerprint not in trained]
    if not held_back:
        raise UserError(f"no image in {data} can be held back: a source set needs at least two images")
    if not training:
        raise UserError(f"no tile in {data} is as large as a patch of {recipe.patch} pixels")
    noisy = noisy_tiles(held_back, recipe) if recipe.degradation is not None else []
    if recipe.scale_factor == 1:  # a clean tile of the same size is its own truth
        held_back = []
    return TileSets(
        training, held_back, too_small, [*noisy, *pair_tiles(recipe, data)], taught_pairs(recipe, data)
    )


def attribution(recipe: Recipe, data: Path) -> tuple[str, ...]:
    """One line for each source set: name, repository, commit and licence."""
    rows = [row for folder in recipe.folders for row in _read_table(data / folder / "LICENCES.tsv", LICENCES)]
    lines = [
        f"{row['set']}: {row['repo']} at {row['commit']}, {row['licence']}"
        for row in rows
        if row["set"] not in recipe.without
    ]
    return tuple(dict.fromkeys(lines))


def _read_table(table: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8") as file:
            reader = csv.DictReader(file, delimiter="\t")
            missing = set(columns) - set(reader.fieldnames or ())
            rows = list(reader)
    except OSError as error:
        raise UserError(
            f"{table.parent} is no folder of tiles: its {table.name} cannot be read ({error.strerror})"
        ) from error
    if missing:
        raise UserError(f"{table} has no column {', '.join(sorted(missing))}; it needs {', '.join(columns)}")
    return rows


def _check_sets(wanted: Iterable[str], known: set[str]) -> None:
    unknown = set(wanted) - known
    if unknown:
        names = ", ".join(sorted(known))
        raise UserError(f"without: there is no source set {', '.join(sorted(unknown))}; there are {names}")


def _held_back_images(rows: Iterable[dict[str, str]], part: float) -> set[tuple[str, str]]:
    """Choose source images by the hash of their path: at least one of each set of several."""
    by_set: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_set[row["set"]].add(row["path"])
    return set(_lowest_hashes(by_set, part))


def _lowest_hashes(by_set: dict[str, set[str]], part: float) -> Iterator[tuple[str, str]]:
    for name, paths in by_set.items():
        ordered = sorted(paths, key=lambda path: hashlib.sha256(path.encode()).digest())
        count = max(round(part * len(paths)), 1) if len(paths) > 1 else 0
        yield from ((name, path) for path in ordered[:count])


def _read_pixels(file: Path, recipe: Recipe) -> np.ndarray:
    """``(Y, X, C)``."""
    try:
        pixels = imread(file)
    except (OSError, ValueError) as error:
        raise UserError(f"the tile {file} cannot be read: {error}") from error
    if (pixels.shape[2] if pixels.ndim == 3 else 1) != recipe.channels:
        raise UserError(
            f"the tile {file} has shape {pixels.shape}; {recipe.name} is for {recipe.channels} channels"
        )
    return np.asarray(pixels if pixels.ndim == 3 else pixels[..., None])


def _clean_truth(pixels: np.ndarray, recipe: Recipe, *, judges: bool) -> np.ndarray | None:
    """An image without more noise than truth may have; None if too little would remain of it."""
    if recipe.degradation is None:
        return pixels
    largest = recipe.degradation.truth_noise * (JUDGED_PART if judges else 1)
    truth = without_noise(pixels, largest)
    return truth if truth is pixels or _holds_a_patch(truth, recipe) else None


def _holds_a_patch(pixels: np.ndarray, recipe: Recipe) -> bool:
    return bool(min(pixels.shape[:2]) >= recipe.patch * recipe.scale_factor)


def _tile(pixels: np.ndarray, source_set: str, recipe: Recipe, fingerprint: bytes) -> TrainingTile:
    low, high = degrade(pixels, recipe.scale_factor)
    as_bytes = recipe.intensity == "byte" and pixels.dtype == np.uint8
    transform = BYTE_TRANSFORM if as_bytes else percentile_transform(low)

    def to_tensor(image: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(transform.apply(image).transpose(2, 0, 1)))

    return TrainingTile(source_set, to_tensor(low), to_tensor(high), fingerprint)
