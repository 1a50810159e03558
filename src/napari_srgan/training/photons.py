"""Few photons: the noise of a time-lapse that was taken gently, drawn anew for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform, percentile_transform

READ_NOISE = 1.5
"""Standard deviation of the noise without light, in photo-electrons."""
LEVELS = (10.0, 14.0, 20.0, 28.0, 40.0, 50.0)
"""Photons in the brightest places for which brightness is measured."""


def photon_noise(
    low: Tensor, photons: float, draw: np.random.Generator, read_noise: float = READ_NOISE
) -> Tensor:
    """Make frames as a camera sees them that has caught few photons.

    ``(Poisson(photons * x) + Normal(0, read_noise)) / photons``: as
    :func:`~napari_srgan.training.degradation.simulate.simulate`, in the units of the light. Every pixel of every frame
    has noise of its own.

    Parameters
    ----------
    low
        Any shape, float32; 0 is no light, 1 the brightest places. Less than 0 counts as no light.
    photons
        Photo-electrons of a pixel of brightness 1.
    draw
        Where the noise is drawn from.
    read_noise
        In photo-electrons.
    """
    light = low.clamp(min=0).numpy().astype(np.float64)
    electrons = draw.poisson(photons * light) + draw.normal(0, read_noise, light.shape)
    return torch.from_numpy((electrons / photons).astype(np.float32))


@dataclass(frozen=True)
class NoisyBrightness:
    """What becomes 0 and 1 where frames have noise: its percentiles lie farther apart than the light's."""

    clean: IntensityTransform
    levels: tuple[IntensityTransform, ...]
    """For each of :data:`LEVELS`."""

    def at(self, photons: float | None) -> IntensityTransform:
        """Of frames with so many photons in their brightest places; None: without noise."""
        if photons is None:
            return self.clean
        offset, span = (
            float(np.interp(photons, LEVELS, [getattr(level, name) for level in self.levels]))
            for name in ("offset", "span")
        )
        return IntensityTransform(offset, span)


def noisy_brightness(low: Tensor, draw: np.random.Generator) -> NoisyBrightness:
    """Measure what percentiles become of frames with noise, at all :data:`LEVELS`."""
    return NoisyBrightness(
        percentile_transform(low.numpy()),
        tuple(percentile_transform(photon_noise(low, photons, draw).numpy()) for photons in LEVELS),
    )
