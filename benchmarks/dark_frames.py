"""What models make of frames that show nothing but noise; used by real_noise.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from camera_noise import GAIN, OFFSET, READ_NOISE
from markdown_table import markdown, verdict
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import kurtosis

from napari_srgan.quality.metrics import crop_border

Image = NDArray[Any]

BACKGROUNDS = (5, 20, 100)
"""Photons of an even background."""
SIDE = 256
SMALL = 0.1
"""Autocorrelation that counts as none."""
COARSE = 4.0
"""Sigma in high-resolution pixels of the filter that leaves only what is coarse."""
QUIET, REACH = 1 / 3, 8.0
"""Wanted: at most this part of bicubic's standard deviation; no correlation beyond so many pixels."""


@dataclass(frozen=True)
class Darkness:
    """How a result of pure noise looks."""

    deviation: float
    """Standard deviation in grey levels; the input's is that of photons and read noise."""
    coarse: float
    """The same after a Gaussian of :data:`COARSE`: clouds that are no longer noise of pixels."""
    reach: float
    """Lag in high-resolution pixels at which the autocorrelation falls below :data:`SMALL`."""
    kurtosis: float
    """Excess kurtosis: about 0 for noise that was linearly filtered, more where lines and spots stand out."""


def dark_frame(photons: int) -> Image:
    """``(SIDE, SIDE)`` uint16: an even background, photons and read noise."""
    draw = np.random.default_rng(photons)
    electrons = draw.poisson(photons, (SIDE, SIDE)) + draw.normal(0, READ_NOISE, (SIDE, SIDE))
    return np.rint(OFFSET + GAIN * electrons).clip(0, 65535).astype(np.uint16)


def autocorrelation(image: Image) -> NDArray[np.float64]:
    """Radial mean of the autocorrelation of an image less its mean, by lag in whole pixels; 1 at lag 0.

    By the Wiener-Khinchin theorem, the image continued periodically. All 0 for an image without contrast.
    """
    spectrum = np.abs(np.fft.rfft2(image - image.mean())) ** 2
    correlation = np.fft.irfft2(spectrum, s=image.shape)
    if correlation[0, 0] <= 0:
        return np.zeros(min(image.shape) // 2)
    y, x = (np.minimum(np.arange(size), size - np.arange(size)) for size in image.shape)
    lag = np.rint(np.hypot(y[:, None], x[None])).astype(int)
    mean = np.bincount(lag.ravel(), correlation.ravel()) / np.bincount(lag.ravel())
    return np.asarray(mean[: min(image.shape) // 2] / correlation[0, 0])


def reach_of(correlation: NDArray[np.float64], small: float = SMALL) -> float:
    """The lag at which an autocorrelation first falls below a value, between whole lags on a line."""
    below = np.flatnonzero(correlation < small)
    if below.size == 0:
        return float(len(correlation))
    at = int(below[0])
    if at == 0:
        return 0.0
    before, after = correlation[at - 1], correlation[at]
    return float(at - 1 + (before - small) / (before - after))


def darkness_of(result: Image, factor: int) -> Darkness:
    """Judge a result; a border of one factor is left out."""
    image = crop_border(result.astype(np.float64), factor)
    return Darkness(
        deviation=float(image.std()),
        coarse=float(gaussian_filter(image, COARSE).std()),
        reach=reach_of(autocorrelation(image)),
        kurtosis=float(kurtosis(image, axis=None)) if np.ptp(image) else 0.0,
    )


def measure(upscale: Callable[[Image], Image], factor: int) -> dict[str, dict[str, float]]:
    """By background, what :class:`Darkness` holds."""
    return {str(n): asdict(darkness_of(upscale(dark_frame(n)), factor)) for n in BACKGROUNDS}


def table(plain: dict[str, dict[str, float]], models: dict[str, dict[str, dict[str, float]]]) -> str:
    """A row for each background and model, beside bicubic interpolation of the same factor."""
    rows = [["background, photons", "model", "standard deviation, of bicubic's", "clouds, of bicubic's",
        "correlated over, pixels", "bicubic", "excess kurtosis", "bicubic"]]  # fmt: skip
    for photons in map(str, BACKGROUNDS):
        bicubic = plain[photons]
        for name, figures in models.items():
            ours = figures[photons]
            rows.append([
                photons, name, *(f"{ours[what] / bicubic[what]:.2f}" for what in ("deviation", "coarse")),
                *(f"{each[what]:.{digits}f}" for what, digits in (("reach", 1), ("kurtosis", 2))
                    for each in (ours, bicubic)),
            ])  # fmt: skip
    return markdown(rows)


def targets(
    plain: dict[str, dict[str, float]], models: dict[str, dict[str, dict[str, float]]]
) -> Iterator[str]:
    """A line for each model: what was aimed at, and whether it is reached."""
    for name, figures in models.items():
        loudest = max(figures[n]["deviation"] / plain[n]["deviation"] for n in figures)
        farthest = max(each["reach"] for each in figures.values())
        cloudiest = max(figures[n]["coarse"] / plain[n]["coarse"] for n in figures)
        yield (
            f"- `{name}`: at most a third of bicubic's standard deviation: {verdict(loudest <= QUIET)} "
            f"(most {loudest:.2f}); nothing correlated over more than {REACH:g} high-resolution pixels: "
            f"{verdict(farthest <= REACH)} ({farthest:.1f}; clouds at most {cloudiest:.2f} of bicubic's)"
        )
