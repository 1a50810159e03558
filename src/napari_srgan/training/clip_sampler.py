"""Draws clips of movies, and of still images that are moved, at low and at high resolution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_srgan.inference.clips import reflected
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.networks import build_network
from napari_srgan.training.photons import photon_noise
from napari_srgan.training.recipe import Recipe
from napari_srgan.training.tile_choice import orient

if TYPE_CHECKING:
    from napari_srgan.training.movies import Movie

STANDING = 0.5
"""Part of the stills that only stand and shake."""
DRIFT, SHAKE = 1.5, 0.3
"""Standard deviation of the drift of the others, in high-resolution pixels a frame, and part of the frames
that are a pixel beside."""


class ClipSampler:
    """Draws batches of clips, in all orientations and both directions of time.

    Parameters
    ----------
    movies, stills
        To draw from; stills have one frame.
    recipe
        Says how many frames a clip has, how large it is, and how much noise.
    draw
        Where all is drawn from.
    """

    def __init__(
        self, movies: Sequence[Movie], stills: Sequence[Movie], recipe: Recipe, draw: np.random.Generator
    ) -> None:
        assert recipe.movies is not None
        self._recipe, self._of, self._draw = recipe, recipe.movies, draw
        self._movies = [list(of) for of in _by_set(movies)]
        self._stills = [list(of) for of in _by_set(stills)]
        weights = np.array([len(of) ** recipe.set_balance for of in self._stills])
        self._weights = weights / weights.sum() if len(weights) else weights
        network = build_network(recipe.architecture, recipe.arguments)
        self._before, self._after = network.frames_before, network.frames_after

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Low ``(N, T, C, p, p)`` and high ``(N, clip, C, p * factor, p * factor)``."""
        clips = [self._clip() for _ in range(count)]
        return torch.stack([low for low, _ in clips]), torch.stack([high for _, high in clips])

    def _clip(self) -> tuple[Tensor, Tensor]:
        draw, of = self._draw, self._of
        moved = bool(self._stills) and draw.uniform() < of.moved
        low, high, movie = self._of_still() if moved else self._of_movie()
        photons = None if draw.uniform() < of.clean else float(np.exp(draw.uniform(*np.log(of.photons))))
        if photons is not None:
            low = photon_noise(low, photons, draw)
        brightness, gain = movie.brightness.at(photons), float(draw.uniform(*self._recipe.gain))
        low, high = (_apply(brightness, image) * gain for image in (low, high))
        if draw.integers(2):
            low, high = low.flip(0), high.flip(0)
        high = high[self._before : len(high) - self._after] if len(high) == len(low) else high
        turns, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        return orient(low, turns, mirrored), orient(high, turns, mirrored)

    @property
    def _frames(self) -> int:
        return self._before + self._of.clip + self._after

    def _of_movie(self) -> tuple[Tensor, Tensor, Movie]:
        draw, size, factor = self._draw, self._recipe.patch, self._recipe.scale_factor
        movies = self._movies[draw.integers(len(self._movies))]
        movie = movies[draw.integers(len(movies))]
        length, _, height, width = movie.low.shape
        first = int(draw.integers(length - self._of.clip + 1)) - self._before
        times = reflected(np.arange(first, first + self._frames), length)
        y, x = int(draw.integers(height - size + 1)), int(draw.integers(width - size + 1))
        low = movie.low[times, :, y : y + size, x : x + size]
        high = movie.high[times, :, y * factor : (y + size) * factor, x * factor : (x + size) * factor]
        return low, high, movie

    def _of_still(self) -> tuple[Tensor, Tensor, Movie]:
        """Frames cut from one image, each a little elsewhere: whole pixels at high resolution."""
        from napari_srgan.networks import bicubic_downsample

        draw, factor = self._draw, self._recipe.scale_factor
        stills = self._stills[draw.choice(len(self._stills), p=self._weights)]
        still = stills[draw.integers(len(stills))]
        side = self._recipe.patch * factor
        height, width = still.high.shape[2:]
        tops, lefts = (self._path(size - side) for size in (height, width))
        high = torch.stack(
            [still.high[0, :, y : y + side, x : x + side] for y, x in zip(tops, lefts, strict=True)]
        )
        return bicubic_downsample(high, factor), high, still

    def _path(self, most: int) -> list[int]:
        """Places from 0 to `most`, one a frame: drifting, shaking, and turning back at the ends."""
        draw = self._draw
        speed = 0.0 if draw.uniform() < STANDING else float(draw.normal(0, DRIFT))
        shake = (draw.uniform(size=self._frames) < SHAKE) * draw.integers(-1, 2, self._frames)
        places = draw.integers(most + 1) + np.round(speed * np.arange(self._frames)).astype(int) + shake
        return [int(place) for place in reflected(places, most + 1)]


def _apply(transform: IntensityTransform, image: Tensor) -> Tensor:
    return (image - transform.offset) / transform.span if transform.span else image - transform.offset


def _by_set(movies: Sequence[Movie]) -> list[list[Movie]]:
    """Those of one source together: colours of a movie, tiles of a set."""
    sets: dict[str, list[Movie]] = defaultdict(list)
    for movie in movies:
        sets[movie.name.split(",")[0]].append(movie)
    return list(sets.values())
