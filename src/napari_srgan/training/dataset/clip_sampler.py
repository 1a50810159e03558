"""Draws clips of movies, and of still images that are moved, at low and at high resolution."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_srgan.inference.movies.clips import reflected
from napari_srgan.networks import build_network
from napari_srgan.training.dataset.degraded_patches import normalised
from napari_srgan.training.dataset.patch_choice import orient
from napari_srgan.training.degradation.camera_noise import seen_range
from napari_srgan.training.degradation.exposure import draw_exposure
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import expose, margin, window
from napari_srgan.training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from napari_srgan.training.dataset.movies import Movie

STANDING = 0.5
"""Part of the stills that only stand and shake."""
_DRIFT, SHAKE = 1.5, 0.3
"""Standard deviation of the drift of the other stills, in high-resolution pixels a frame, and part of the
frames that lie a pixel beside."""


class ClipSampler:
    """Draws batches of clips, in all orientations and both directions of time.

    Parameters
    ----------
    movies, stills
        The movies to draw from, and still images, which have one frame.
    recipe
        The recipe; it says how many frames a clip has, how large it is, and how much noise.
    draw
        The generator of all that is random.
    """

    def __init__(
        self, movies: Sequence[Movie], stills: Sequence[Movie], recipe: Recipe, draw: np.random.Generator
    ) -> None:
        assert recipe.movies is not None
        self._recipe, self._of, self._draw = recipe, recipe.movies, draw
        factor, degradation = recipe.scale_factor, recipe.degradation
        self._degradation = degradation.of(factor) if degradation else Degradation(factor, blur=(0, 0))
        self._beyond = margin(self._degradation)
        self._movies = [list(of) for of in _by_set(movies)]
        self._stills = [list(of) for of in _by_set(stills)]
        weights = np.array([len(of) ** recipe.set_balance for of in self._stills])
        self._weights = weights / weights.sum() if len(weights) else weights
        network = build_network(recipe.architecture, recipe.arguments)
        self._before, self._after = network.frames_before, network.frames_after

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` clips: low ``(N, T, C, p, p)`` and high ``(N, clip, C, p * factor, p * factor)``,
        float32."""
        clips = [self._clip() for _ in range(count)]
        return torch.stack([low for low, _ in clips]), torch.stack([high for _, high in clips])

    def _clip(self) -> tuple[Tensor, Tensor]:
        draw, degradation = self._draw, self._degradation
        moved = bool(self._stills) and draw.uniform() < self._of.moved
        wide, movie = self._of_still() if moved else self._of_movie()
        exposure = draw_exposure(degradation, draw)
        transform, held = seen_range(movie.values, exposure, draw)
        low = expose(wide[None], [exposure], degradation, draw, [held])[0]
        gain = float(draw.uniform(*self._recipe.gain))
        beyond = self._beyond // degradation.factor
        low, high = (
            normalised(_without(around, image), transform) * gain
            for around, image in ((beyond, low), (self._beyond, wide))
        )
        if draw.integers(2):
            low, high = low.flip(0), high.flip(0)
        high = high[self._before : len(high) - self._after]
        turns, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        return orient(low, turns, mirrored), orient(high, turns, mirrored)

    @property
    def _frames(self) -> int:
        return self._before + self._of.clip + self._after

    def _of_movie(self) -> tuple[Tensor, Movie]:
        """Frames at high resolution with their margin, and the movie they are of."""
        draw, size, factor = self._draw, self._recipe.patch, self._recipe.scale_factor
        movies = self._movies[draw.integers(len(self._movies))]
        movie = movies[draw.integers(len(movies))]
        length, _, height, width = movie.low.shape
        first = int(draw.integers(length - self._of.clip + 1)) - self._before
        times = reflected(np.arange(first, first + self._frames), length)
        y, x = int(draw.integers(height - size + 1)), int(draw.integers(width - size + 1))
        return window(movie.high[times], y * factor, x * factor, size * factor, self._beyond), movie

    def _of_still(self) -> tuple[Tensor, Movie]:
        """Frames cut from one image, each a little elsewhere: whole pixels at high resolution."""
        draw = self._draw
        stills = self._stills[draw.choice(len(self._stills), p=self._weights)]
        still = stills[draw.integers(len(stills))]
        side = self._recipe.patch * self._recipe.scale_factor
        height, width = still.high.shape[2:]
        tops, lefts = (self._path(size - side) for size in (height, width))
        frames = [window(still.high[0], y, x, side, self._beyond) for y, x in zip(tops, lefts, strict=True)]
        return torch.stack(frames), still

    def _path(self, most: int) -> list[int]:
        """Places from 0 to `most`, one a frame: drifting, shaking, and turning back at the ends."""
        draw = self._draw
        speed = 0.0 if draw.uniform() < STANDING else float(draw.normal(0, _DRIFT))
        shake = (draw.uniform(size=self._frames) < SHAKE) * draw.integers(-1, 2, self._frames)
        places = draw.integers(most + 1) + np.round(speed * np.arange(self._frames)).astype(int) + shake
        return [int(place) for place in reflected(places, most + 1)]


def _without(around: int, image: Tensor) -> Tensor:
    """Frames without their margin."""
    inner = slice(around, -around or None)
    return image[..., inner, inner]


def _by_set(movies: Sequence[Movie]) -> list[list[Movie]]:
    """Group movies by their source: colours of a movie, tiles of a set."""
    sets: dict[str, list[Movie]] = defaultdict(list)
    for movie in movies:
        sets[movie.name.split(",")[0]].append(movie)
    return list(sets.values())
