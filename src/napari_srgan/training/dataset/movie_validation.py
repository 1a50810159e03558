"""How a network does on the frames of movies that were held back, without noise and with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_srgan.inference.movies.clips import reflected
from napari_srgan.networks import Generator, bicubic_upsample
from napari_srgan.quality.metrics import psnr
from napari_srgan.training.dataset.degraded_patches import normalised
from napari_srgan.training.degradation.camera_noise import record, seen_range
from napari_srgan.training.degradation.exposure import Exposure
from napari_srgan.training.loop.precision import mixed_precision

if TYPE_CHECKING:
    from napari_srgan.training.dataset.movies import Movie

_PHOTONS = (None, 20.0)
"""Photons in the brightest places of what is judged by; None: without noise."""

READ_ELECTRONS = 1.5
"""Standard deviation of the noise without light of what is judged by, in photo-electrons."""

UpscaleFrames = Callable[[Tensor], Tensor]
"""Maps frames ``(T, C, Y, X)`` in the network's range to ``(T, C, Y * factor, X * factor)``."""


def validate_frames(network: Generator, movies: Sequence[Movie], device: torch.device) -> dict[str, float]:
    """Mean PSNR in dB by movie, without noise and with."""

    def upscale(low: Tensor) -> Tensor:
        first = -network.frames_before
        times = reflected(np.arange(first, len(low) + network.frames_after), len(low))
        with torch.inference_mode(), mixed_precision(device):
            high: Tensor = network(low[times][None].to(device))
        return high[0].float().cpu()

    network.eval()
    return _judged(upscale, movies)


def validate_bicubic_frames(movies: Sequence[Movie]) -> dict[str, float]:
    """Mean PSNR of bicubic interpolation in dB by movie, without noise and with."""
    factor = movies[0].high.shape[-1] // movies[0].low.shape[-1]
    return _judged(lambda low: bicubic_upsample(low, factor), movies)


def _judged(upscale: UpscaleFrames, movies: Sequence[Movie]) -> dict[str, float]:
    resized = movies[0].high.shape != movies[0].low.shape
    return {
        movie_title(movie, photons): _psnr(upscale, movie, photons)
        for photons in _PHOTONS
        if resized or photons is not None  # without noise an image of the same size is its own truth
        for movie in movies
    }


def movie_title(movie: Movie, photons: float | None) -> str:
    """Name under which a movie with so many photons is judged; None: without noise."""
    return f"{movie.name}, {'no noise' if photons is None else f'{photons:g} photons'}"


def few_photons(photons: float | None) -> Exposure:
    """The exposure of frames with so many photons in their brightest places; None: without noise."""
    if photons is None:
        return Exposure()
    return Exposure(gain=1 / photons, read_noise=READ_ELECTRONS / photons)


def taken(low: Tensor, exposure: Exposure, draw: np.random.Generator) -> Tensor:
    """Frames ``(T, C, Y, X)`` float32 of light with the noise of an exposure, in the units of the light."""
    if not exposure.noisy:
        return low
    return torch.from_numpy(record(low.numpy().astype(np.float64), exposure, draw).astype(np.float32))


def _psnr(upscale: UpscaleFrames, movie: Movie, photons: float | None) -> float:
    exposure, draw = few_photons(photons), np.random.default_rng(0)
    low = taken(movie.low, exposure, draw)
    transform, _ = seen_range(movie.values, exposure, draw)
    result = upscale(normalised(low, transform)) * transform.span + transform.offset
    return float(np.mean([psnr(a, b, peak=1.0) for a, b in _frames(result, movie.high)]))


def _frames(result: Tensor, truth: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    pairs = zip(result[:, 0].double().numpy(), truth[:, 0].double().numpy(), strict=True)
    return [(a[2:-2, 2:-2], b[2:-2, 2:-2]) for a, b in pairs]
