"""The tiles a model learns from, by source set, and those held back to judge it."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from skimage.io import imread
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import BYTE_TRANSFORM, percentile_transform
from napari_srgan.networks import Generator
from napari_srgan.training.degrade import degrade
from napari_srgan.training.recipe import Recipe
from napari_srgan.training.tile import Tile
from napari_srgan.training.tile_validation import validate, validate_bicubic

SOURCES = ("file", "set", "path")
"""Columns of SOURCES.tsv that are read: a tile, its source set, the image it was cut from."""
LICENCES = ("set", "repo", "commit", "licence")
"""Columns of LICENCES.tsv."""


@dataclass(frozen=True)
class TileSets:
    """Tiles to train on and tiles held back, never from the same source image."""

    training: list[Tile]
    held_back: list[Tile]
    too_small: int
    """Training tiles left out because a patch does not fit into them."""

    @property
    def summary(self) -> str:
        """What is learned from, in words."""
        return f"{len(self.training)} tiles ({self.too_small} smaller than a patch left out)"

    def sampler(self, recipe: Recipe, draw: np.random.Generator) -> PatchSampler:
        return PatchSampler(self.training, recipe, draw)

    def validate(self, network: Generator, device: torch.device) -> dict[str, float]:
        return validate(network, self.held_back, device)

    @cached_property
    def bicubic(self) -> dict[str, float]:
        return validate_bicubic(self.held_back)


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
    training: list[Tile] = []
    held_back: list[Tile] = []
    too_small = 0
    tables = {folder: _read_table(data / folder / "SOURCES.tsv", SOURCES) for folder in recipe.folders}
    _check_sets(recipe.without, {row["set"] for rows in tables.values() for row in rows})
    for folder, table in tables.items():
        rows = [row for row in table if row["set"] not in recipe.without]
        test_images = _held_back_images(rows, recipe.held_back)
        for row in rows:
            tile = _read_tile(data / folder / row["file"], row["set"], recipe)
            if (row["set"], row["path"]) in test_images:
                held_back.append(tile)
            elif min(tile.low.shape[1:]) < recipe.patch:
                too_small += 1
            else:
                training.append(tile)
    # An image that lies in two sets under two names is trained on, and judges nothing.
    trained = {tile.fingerprint for tile in training}
    held_back = [tile for tile in held_back if tile.fingerprint not in trained]
    if not held_back:
        raise UserError(f"no image in {data} can be held back: a source set needs at least two images")
    if not training:
        raise UserError(f"no tile in {data} is as large as a patch of {recipe.patch} pixels")
    return TileSets(training, held_back, too_small)


def attribution(recipe: Recipe, data: Path) -> tuple[str, ...]:
    """One line for each source set: name, repository, commit and licence."""
    rows = [row for folder in recipe.folders for row in _read_table(data / folder / "LICENCES.tsv", LICENCES)]
    lines = [
        f"{row['set']}: {row['repo']} at {row['commit']}, {row['licence']}"
        for row in rows
        if row["set"] not in recipe.without
    ]
    return tuple(dict.fromkeys(lines))


class PatchSampler:
    """Draws batches of aligned patches, source sets balanced, in all 8 orientations."""

    def __init__(self, tiles: list[Tile], recipe: Recipe, generator: np.random.Generator) -> None:
        self._recipe = recipe
        self._generator = generator
        by_set: dict[str, list[Tile]] = defaultdict(list)
        for tile in tiles:
            by_set[tile.source_set].append(tile)
        self._sets = list(by_set.values())
        weights = np.array([len(tiles) ** recipe.set_balance for tiles in self._sets])
        self._weights = weights / weights.sum()

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Low ``(N, C, p, p)`` and high ``(N, C, p * factor, p * factor)``."""
        pairs = [self._patch() for _ in range(count)]
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _patch(self) -> tuple[Tensor, Tensor]:
        draw, size, factor = self._generator, self._recipe.patch, self._recipe.scale_factor
        tiles = self._sets[draw.choice(len(self._sets), p=self._weights)]
        tile = tiles[draw.integers(len(tiles))]
        y = int(draw.integers(tile.low.shape[1] - size + 1))
        x = int(draw.integers(tile.low.shape[2] - size + 1))
        low = tile.low[:, y : y + size, x : x + size]
        high = tile.high[:, y * factor : (y + size) * factor, x * factor : (x + size) * factor]
        turns, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        gain = float(draw.uniform(*self._recipe.gain))
        return orient(low, turns, mirrored) * gain, orient(high, turns, mirrored) * gain


def orient(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """One of the eight orientations of ``(..., Y, X)``."""
    image = torch.rot90(image, turns, dims=(-2, -1))
    return image.flip(-1) if mirrored else image


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


def _read_tile(file: Path, source_set: str, recipe: Recipe) -> Tile:
    try:
        pixels = imread(file)
    except (OSError, ValueError) as error:
        raise UserError(f"the tile {file} cannot be read: {error}") from error
    if (pixels.shape[2] if pixels.ndim == 3 else 1) != recipe.channels:
        raise UserError(
            f"the tile {file} has shape {pixels.shape}; {recipe.name} is for {recipe.channels} channels"
        )
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    low, high = degrade(planes, recipe.scale_factor)
    as_bytes = recipe.intensity == "byte" and pixels.dtype == np.uint8
    transform = BYTE_TRANSFORM if as_bytes else percentile_transform(low)

    def to_tensor(image: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(transform.apply(image).transpose(2, 0, 1)))

    return Tile(source_set, to_tensor(low), to_tensor(high), hashlib.sha256(pixels.tobytes()).digest())
