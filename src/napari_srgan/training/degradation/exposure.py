"""One exposure: the optics, the sampling and the camera that one low-resolution image is taken with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_srgan.training.degradation.point_spread import PointSpread, airy_psf
from napari_srgan.training.degradation.sampling import Sampling
from napari_srgan.training.degradation.settings import Degradation

HOT_PIXELS = (1e-5, 1e-3)
"""Range of the part of a camera's pixels that are hot, log-uniform."""
WHITE, BLACK = (98.0, 100.0), (0.0, 1.0)
"""Ranges of the percentiles that become white and black where contrast is stretched to 8 bit."""
LEAST_AIRY = 0.5
"""Sigma in high-resolution pixels below which an Airy pattern is not told from a Gaussian."""


@dataclass(frozen=True)
class Exposure:
    """Everything that decides how an image is taken, but for the chance of its photons.

    The defaults are ideal: an image that is only made smaller.
    """

    sigma: tuple[float, float] = (0.0, 0.0)
    """Sigma of the Gaussian blur along Y and X, in high-resolution pixels."""
    psf: PointSpread | None = None
    """The point spread function in place of that Gaussian, on the high-resolution grid."""
    sampling: Sampling = "bicubic"
    gain: float = 0.0
    """Grey levels per photo-electron; 0: no photon noise."""
    offset: float = 0.0
    """Grey level without light."""
    read_noise: float = 0.0
    """Standard deviation in grey levels."""
    correlation: tuple[float, float] = (0.0, 0.0)
    """Sigma along Y and X, in low-resolution pixels, of the Gaussian over which noise is shared."""
    hot_pixels: float = 0.0
    """Part of the pixels that are hot."""
    eight_bit: tuple[float, float] | None = None
    """Percentiles of the image that become black and white in a file of 8 bit; None: another file."""
    jpeg: int | None = None
    """Quality of the compression; None: no JPEG."""

    @property
    def noisy(self) -> bool:
        """Whether there is noise of photons or of electronics."""
        return self.gain > 0 or self.read_noise > 0

    @property
    def recorded(self) -> bool:
        """Whether camera and file leave anything in the image but the light itself."""
        return self.noisy or self.hot_pixels > 0 or self.eight_bit is not None or self.jpeg is not None


def draw_exposure(degradation: Degradation, draw: np.random.Generator) -> Exposure:
    """Draw one exposure from the ranges of a degradation.

    Parameters
    ----------
    degradation
        The ranges and the parts.
    draw
        The generator of all that is random.
    """

    def happens(part: float) -> bool:
        return bool(part) and bool(draw.random() < part)

    if happens(degradation.clean):
        return Exposure(offset=degradation.offset)
    gain = _log_uniform(degradation.gain, draw)
    electrons = float(draw.uniform(*degradation.read_electrons))
    read_noise = float(np.hypot(draw.uniform(*degradation.read_noise), electrons * gain))
    noisy = gain > 0 or read_noise > 0
    sigma, psf = _blur(degradation, draw, sharp=noisy and happens(degradation.unblurred))
    return Exposure(
        sigma=sigma,
        psf=psf,
        sampling=degradation.sampling[int(draw.integers(len(degradation.sampling)))],
        gain=gain,
        offset=degradation.offset,
        read_noise=read_noise,
        correlation=_correlation(degradation, draw) if noisy and happens(degradation.correlated) else (0, 0),
        hot_pixels=_log_uniform(HOT_PIXELS, draw) if noisy and happens(degradation.hot_pixels) else 0.0,
        eight_bit=_stretched(draw) if noisy and happens(degradation.eight_bit) else None,
        jpeg=(
            int(draw.integers(degradation.jpeg_quality[0], degradation.jpeg_quality[1] + 1))
            if happens(degradation.jpeg)
            else None
        ),
    )


def _log_uniform(limits: tuple[float, float] | None, draw: np.random.Generator) -> float:
    """A value of a range, uniform in its logarithm, or in itself where the range begins at 0."""
    if limits is None:
        return 0.0
    low, high = limits
    if low == 0:
        return float(draw.uniform(low, high))
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


def _blur(
    degradation: Degradation, draw: np.random.Generator, *, sharp: bool
) -> tuple[tuple[float, float], PointSpread | None]:
    """Sigma along Y and X in high-resolution pixels, and the point spread function in its place, if any."""
    if degradation.psf is not None:
        return (0.0, 0.0), degradation.psf
    if sharp:
        return (0.0, 0.0), None
    sigma = float(draw.uniform(*degradation.blur)) * degradation.factor
    if degradation.airy and draw.random() < degradation.airy and sigma > LEAST_AIRY:
        return (sigma, sigma), airy_psf(sigma)
    stretched = float(draw.uniform(-1, 1)) * degradation.astigmatism
    return (sigma * (1 + stretched), sigma * (1 - stretched)), None


def _correlation(degradation: Degradation, draw: np.random.Generator) -> tuple[float, float]:
    shared = float(draw.uniform(*degradation.correlation))
    return ((shared, shared), (shared, 0.0), (0.0, shared))[int(draw.integers(3))]


def _stretched(draw: np.random.Generator) -> tuple[float, float]:
    return float(draw.uniform(*BLACK)), float(draw.uniform(*WHITE))
