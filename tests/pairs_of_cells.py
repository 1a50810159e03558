"""Made-up pairs of images whose shift, gain and offset are known."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.training.pairs.aligned import AlignedPlane, read_pair_job
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.training.pairs.source import SourceImage

ResultT = TypeVar("ResultT")
MARGIN = 16
"""High-resolution pixels around a field from which a shifted one is cut."""


def exhaust(job: Generator[Any, Any, ResultT]) -> ResultT:
    """The result of a job."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: ResultT = end.value
            return result


def field(seed: int, height: int, width: int) -> NDArray[np.float64]:
    """Cells of many sizes with some texture, about 0 to 1000."""
    draw = np.random.default_rng(seed)
    coarse = gaussian_filter(draw.random((height, width)), 12) * 12
    fine = gaussian_filter(draw.random((height, width)), 3) * 3
    cells = gaussian_filter((coarse + fine > 7.55).astype(float), 1)
    image: NDArray[np.float64] = 800 * cells + 200 * cells * gaussian_filter(
        draw.random((height, width)), 1.5
    )
    return image


def two_images(
    seed: int = 0,
    shape: tuple[int, int] = (128, 160),
    factor: int = 2,
    *,
    high_pixels: tuple[int, int] = (0, 0),
    gain: float = 0.5,
    offset: float = 100.0,
    noise: float = 5.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A low and a high image, the latter off by some high-resolution pixels.

    It is to be moved by ``high_pixels / factor`` low-resolution pixels.
    """
    y, x = (side * factor for side in shape)
    whole = field(seed, y + 2 * MARGIN, x + 2 * MARGIN)
    low = whole[MARGIN : MARGIN + y, MARGIN : MARGIN + x]
    low = gaussian_filter(low, 0.6 * factor).reshape(shape[0], factor, shape[1], factor).mean(axis=(1, 3))
    low = gain * low + offset + np.random.default_rng(seed + 1).normal(0, noise, shape)
    dy, dx = high_pixels
    high = whole[MARGIN + dy : MARGIN + dy + y, MARGIN + dx : MARGIN + dx + x]
    return low, high.copy()


def pair_of(low: Any, high: Any, axes: str = "YX", high_axes: str | None = None) -> MatchedPair:
    return match(SourceImage("low", low, axes), SourceImage("high", high, high_axes or axes))


def check(low: Any, high: Any, axes: str = "YX", high_axes: str | None = None) -> PairReport:
    return exhaust(check_pair_job(pair_of(low, high, axes, high_axes)))


def read(report: PairReport, *, correct_shift: bool = True, budget: int = 2**30) -> list[AlignedPlane]:
    return exhaust(read_pair_job(report.pair, report, correct_shift=correct_shift, budget=budget))
