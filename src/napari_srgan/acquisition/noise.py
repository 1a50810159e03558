"""Whether there is noise in an image that a model would take for detail.

Three things are asked of windows of an image. Is the finest detail as strong along the diagonals of the
spectrum as along its axes: is it *white*? Is it as strong in the quietest places as elsewhere of the same
brightness: is it *even*, as noise is and structure is not? And is it strong enough to matter? How much
of each was settled on images of known noise: an image is called noisy where a network that was
trained without noise does worse than bicubic interpolation (``benchmarks/acquisition.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_srgan.acquisition.blocks import Blocks
from napari_srgan.acquisition.camera import QUIET, QUIET_RATIO, quantile
from napari_srgan.acquisition.spectrum import COARSE, FINE, MIDDLE, Spectrum

_FAINTEST = 0.01
"""Noise, as a fraction of the contrast, below which no model is disturbed."""
WHITE_AT, WHITE_AMOUNT, WHITE_SLOPE = 0.72, 0.02, 0.06
"""Least :attr:`NoiseLook.whiteness` of noise where its amplitude is this fraction of the contrast, and by how
much less it may be where the amplitude is e times that."""
WHITEST = 1.15
"""Whiteness above which it is no noise but a pattern, e.g. of a colour filter."""
EVEN = 0.35
"""Least evenness of fine noise: hot pixels and points have none between them, compression takes some away."""
SHARED_EVEN, SHARED_AMOUNT, SHARED_DECAY = 0.65, 0.03, 0.33
"""Least coarse evenness, coarse amplitude and decay of noise that neighbouring pixels share: it falls less
from coarse detail to finer than structure does."""
BRIGHTNESSES, BLOCKS_OF_EACH = 12, 24
"""Largest number of groups of blocks of equal brightness, and least number of blocks in each."""


@dataclass(frozen=True)
class NoiseLook:
    """What is found of the noise in windows of an image."""

    white: float
    """Amplitude of white noise, in parts of the contrast; structure may be in it."""
    whiteness: float
    """Amplitude along the diagonals, as a fraction of that of the finest detail."""
    drowned: float
    """Amplitude along the diagonals, as a fraction of that of detail at half the Nyquist frequency: 1 is all
    noise."""
    evenness: float
    """Power of the finest detail in quiet places, as a fraction of that everywhere."""
    coarse_evenness: float
    """Power of detail twice as coarse in quiet places, as a fraction of that everywhere."""
    coarse: float
    """Amplitude of detail twice as coarse in quiet places, as a fraction of the contrast."""
    decay: float
    """Amplitude of detail from 0.35 to 0.7 of Nyquist, as a fraction of that from 0.1 to 0.35."""

    @property
    def is_fine(self) -> bool:
        """Whether there is noise that is independent from pixel to pixel, or nearly so."""
        if self.white < _FAINTEST or self.evenness < EVEN:
            return False
        least = WHITE_AT - WHITE_SLOPE * math.log(self.white / WHITE_AMOUNT)
        return least < self.whiteness < WHITEST

    @property
    def is_shared(self) -> bool:
        """Whether there is noise that neighbours share, as interpolation and compression make it."""
        return (
            not self.is_fine
            and self.coarse > SHARED_AMOUNT
            and self.coarse_evenness > SHARED_EVEN
            and self.decay > SHARED_DECAY
        )


def look_at_noise(fine: Blocks, coarse: Blocks, spectrum: Spectrum) -> NoiseLook:
    """Measure the noise in windows of an image.

    Parameters
    ----------
    fine, coarse
        The blocks of these windows, which were finite and divided by the contrast of the image, with a
        spacing of 1 and of 2.
    spectrum
        The radial spectrum of these windows.
    """
    bands = [math.sqrt(spectrum.between(band)) for band in (FINE, MIDDLE, COARSE)]
    finest, middle, coarsest = (max(band, 1e-12) for band in bands)
    corners = math.sqrt(spectrum.floor)
    evenness, _ = _quiet_places(fine)
    coarse_evenness, quiet = _quiet_places(coarse)
    return NoiseLook(
        white=corners,
        whiteness=corners / finest,
        drowned=corners / middle,
        evenness=evenness,
        coarse_evenness=coarse_evenness,
        coarse=math.sqrt(quiet),
        decay=middle / coarsest,
    )


def _quiet_places(blocks: Blocks) -> tuple[float, float]:
    """Power of detail in quiet blocks in parts of that of all, of which structure has little; and itself.

    Quiet are the :data:`~napari_srgan.acquisition.camera.QUIET` blocks of equal brightness that vary least.
    """
    power = blocks.power
    if not power.size:
        return 0.0, 0.0
    order = np.argsort(blocks.level, kind="stable")
    groups = np.array_split(power[order], max(min(BRIGHTNESSES, power.size // BLOCKS_OF_EACH), 1))
    quiet = sum(quantile(group, QUIET) * group.size for group in groups)
    total = float(power.sum(dtype=np.float64))
    return (quiet / total if total else 0.0), quiet / power.size / QUIET_RATIO
