"""Movies a model learns from, and the parts of them that are held back, in time and in space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.networks import Generator, bicubic_downsample
from napari_srgan.training.dataset.clip_sampler import ClipSampler
from napari_srgan.training.dataset.degraded_patches import sampled_values
from napari_srgan.training.dataset.movie_validation import validate_bicubic_frames, validate_frames
from napari_srgan.training.dataset.tiles import read_tiles
from napari_srgan.training.recipes.recipe import Recipe

TRAINED_TIME, TRAINED_WIDTH = 0.7, 0.7
"""Part of a movie's frames, from the first on, and of its width, from the left, that is trained on. What is
held back lies in the rest of both."""
LEAST_CONTRAST = 0.05
"""A colour whose percentiles lie closer, as a part of the dtype's range, shows nothing."""
_COLUMNS = ("set", "repo", "commit", "licence")
"""Columns of the SOURCES.tsv beside movies, which has no head line."""


@dataclass(frozen=True)
class Movie:
    """Frames at high and at low resolution, as light: 0 is none, 1 the brightest places."""

    name: str
    low: Tensor
    """``(T, C, Y, X)`` float32."""
    high: Tensor
    """``(T, C, Y * factor, X * factor)`` float32."""
    values: NDArray[np.float64]
    """A sample of the brightness of `low`."""


@dataclass(frozen=True)
class Movies:
    """Movies to train on, still images that are moved, and parts of the movies that are held back."""

    training: list[Movie]
    stills: list[Movie]
    held_back: list[Movie]

    @property
    def summary(self) -> str:
        """What is learned from, in words."""
        stills = f" and {len(self.stills)} still images that were moved" if self.stills else ""
        return f"{len(self.training)} movies of one colour{stills}"

    def sampler(self, recipe: Recipe, draw: np.random.Generator) -> ClipSampler:
        return ClipSampler(self.training, self.stills, recipe, draw)

    def validate(self, network: Generator, device: torch.device) -> dict[str, float]:
        return validate_frames(network, self.held_back, device)

    @cached_property
    def bicubic(self) -> dict[str, float]:
        return validate_bicubic_frames(self.held_back)


def read_movies(recipe: Recipe, data: Path) -> Movies:
    """Read the movies of a recipe, and the tiles that it moves.

    Every colour of an RGB movie is a movie of its own for a model of one channel.

    Parameters
    ----------
    recipe
        A recipe with movies.
    data
        The folder that holds its folders.

    Raises
    ------
    UserError
        If a folder has no movies, one of them cannot be read, or is too small for a patch.
    """
    assert recipe.movies is not None
    training: list[Movie] = []
    held_back: list[Movie] = []
    for folder in recipe.movies.folders:
        files = sorted((data / folder).glob("*.tif"))
        if not files:
            raise UserError(f"there is no movie (.tif) in {data / folder}; say where they are with --data")
        for file in files:
            for name, frames in colours(file):
                trained, held = split(frames)
                training.append(movie(name, trained, recipe.scale_factor))
                held_back.append(movie(name, held, recipe.scale_factor))
                _check_size(training[-1], recipe)
    stills = [
        Movie(tile.source_set, tile.low[None], tile.high[None], sampled_values(tile.low))
        for tile in (read_tiles(recipe, data).training if recipe.folders else ())
    ]
    return Movies(training, stills, held_back)


def colours(file: Path) -> list[tuple[str, NDArray[Any]]]:
    """A movie as frames ``(T, Y, X)``, in the file's dtype, of each of its colours that shows anything, and
    their names.

    Raises
    ------
    UserError
        If it cannot be read, or is no movie of one or three colours.
    """
    try:
        with tifffile.TiffFile(file) as tiff:
            frames, axes = tiff.series[0].asarray(), tiff.series[0].axes
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        raise UserError(f"the movie {file} cannot be read: {error}") from error
    if axes not in ("TYX", "TYXS"):
        raise UserError(f"the movie {file} has axes {axes} of shape {frames.shape}; it needs TYX or TYXS")
    name = file.name.split(".")[0]
    if axes == "TYX":
        return [(name, frames)]
    of_dtype = np.iinfo(frames.dtype).max if frames.dtype.kind in "iu" else 1.0
    planes = [(f"{name}, {colour}", frames[..., k]) for k, colour in enumerate(("red", "green", "blue"))]
    return [
        (name, plane)
        for name, plane in planes
        if percentile_transform(plane).span > LEAST_CONTRAST * of_dtype
    ]


def split(frames: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split frames ``(T, Y, X)`` of any dtype into what is trained on and what is held back: later, and
    elsewhere."""
    until, width = round(TRAINED_TIME * len(frames)), round(TRAINED_WIDTH * frames.shape[2])
    return frames[:until, :, :width], frames[until:, :, width:]


def movie(name: str, frames: NDArray[Any], factor: int) -> Movie:
    """Frames ``(T, Y, X)`` of any dtype as light, with their low resolution."""
    y, x = (size // factor * factor for size in frames.shape[1:])
    light = percentile_transform(frames).apply(frames[:, :y, :x])
    high = torch.from_numpy(light)[:, None]
    low = bicubic_downsample(high, factor)
    return Movie(name, low, high, sampled_values(low))


def _check_size(of: Movie, recipe: Recipe) -> None:
    assert recipe.movies is not None
    if min(of.low.shape[2:]) < recipe.patch or len(of.low) < recipe.movies.clip:
        raise UserError(
            f"what is trained on of the movie {of.name} has {len(of.low)} frames of {of.low.shape[2]} x "
            f"{of.low.shape[3]} pixels; a patch has {recipe.movies.clip} of {recipe.patch} x {recipe.patch}"
        )
