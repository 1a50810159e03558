"""What the low-resolution images are like that are simulated from a user's own: for the model's card."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.models import TrainedInput
from napari_srgan.training.degradation.point_spread import PointSpread
from napari_srgan.training.degradation.settings import Degradation

AS_GOOD_AS_CLEAN = 5000.0
"""Photons in the brightest places from which on noise is no noise to speak of."""


def simulated_input(degradation: Degradation, seen: Iterable[IntensityTransform]) -> TrainedInput:
    """Noise and blur of images that are simulated.

    Parameters
    ----------
    degradation
        How.
    seen
        The range of brightness of each image, in grey levels.

    Returns
    -------
    TrainedInput
        Its photons are those that make the noise of the brightest places, of whatever kind that is.
    """
    spans = [each.span for each in seen]
    # The least gain and the least read noise make the most photons.
    most, least = (
        [_equal_photons(span, gain, read_noise) for span in spans]
        for gain, read_noise in zip(degradation.gain or (0.0, 0.0), degradation.read_noise, strict=True)
    )
    fewest = min(least)
    photons = None if fewest >= AS_GOOD_AS_CLEAN else (fewest, min(max(most), AS_GOOD_AS_CLEAN))
    return TrainedInput(photons=photons, blur=_blur(degradation), clean=max(most) >= AS_GOOD_AS_CLEAN)


def _equal_photons(span: float, gain: float, read_noise: float) -> float:
    """The squared signal-to-noise ratio of the brightest places; infinite without noise."""
    variance = gain * span + read_noise**2
    return span**2 / variance if variance else np.inf


def _blur(degradation: Degradation) -> tuple[float, float]:
    if degradation.psf is None:
        return degradation.blur
    sigma = _width(degradation.psf) / degradation.factor
    return sigma, sigma


def _width(psf: PointSpread) -> float:
    """Standard deviation along an axis, in high-resolution pixels."""
    place = np.arange(-psf.radius, psf.radius + 1)
    squared = place[:, None] ** 2 + place[None] ** 2
    return float(np.sqrt(np.sum(psf.array * squared) / 2))
