"""Small time-lapses of cells, and models that see several frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tests.training.fine_tuning.conftest import cells

from napari_srgan.models import Model
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage
from timelapses import make_temporal_model


def temporal_model(kind: str = "early-fusion", **arguments: Any) -> Model:
    """An untrained model of a few frames, whose results are interpolated ones and a little more."""
    model = make_temporal_model(
        kind, **({"width": 8, "frames": 3} if kind != "recurrent" else {}) | arguments
    )
    last = [m for m in model.network.tail.modules() if isinstance(m, torch.nn.Conv2d)][-1]  # type: ignore[union-attr]
    last.weight.mul_(0.05)
    return model


def movie(
    frames: int = 12, shape: tuple[int, int] = (112, 128), seed: int = 0, step: int = 1
) -> NDArray[np.uint16]:
    """Cells ``(T, Y, X)`` on a stage that drifts by so many pixels a frame, 16 bit."""
    field = cells(seed, (shape[0] + step * frames, shape[1] + step * frames))
    return np.stack([field[t : t + shape[0], t : t + shape[1]] for t in range(0, step * frames, step)])


def low_of(high: NDArray[Any], noise: float = 0.0, seed: int = 0) -> NDArray[Any]:
    """Frames at half the resolution, each with noise of its own."""
    low = np.stack([degrade(frame if frame.ndim == 3 else frame[..., None], 2)[0] for frame in high])
    low = low if high.ndim == 4 else low[..., 0]
    noisy = low + np.random.default_rng(seed).normal(0, noise, low.shape)
    return noisy.clip(0, 65535).astype(high.dtype)


def movie_pair(high: NDArray[Any], noise: float = 0.0, axes: str = "TYX") -> MatchedPair:
    return match(SourceImage("low", low_of(high, noise), axes), SourceImage("high", high, axes))
