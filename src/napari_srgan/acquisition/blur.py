"""How blurred an image is, from its radial spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_srgan.acquisition.spectrum import Spectrum

DECAY = 2.5
"""Exponent of the frequency with which the power of what there is to see falls: between the square of natural
images (Field, D. J. (1987). Relations between the statistics of natural images and the response properties of
cortical cells. J. Opt. Soc. Am. A 4(12), 2379-2394) and the cube of flat regions with sharp edges."""
SHARP_BLUR = 0.55
"""Sigma in pixels that is found in an image as sharp as antialiased downsampling makes it: the median of
the tiles in ``benchmarks/acquisition.py``."""
LOWEST = 0.06
"""Frequency, as a fraction of Nyquist, below which the spectrum shows how the objects are spread, not how
sharp they are."""
_ABOVE = 2.0
"""Multiple of the noise's power below which the power of a frequency is no detail."""
_FAINTEST = 1e-3
"""Fraction of the brightness range below which detail cannot be told from rounding."""
LEAST_RINGS = 5
"""Number of rings of the spectrum above the noise without which there is no fit."""


@dataclass(frozen=True)
class Blur:
    """How fine the detail of an image is."""

    reach: float
    """Frequency up to which detail stands out of the noise, as a fraction of the Nyquist frequency."""
    sigma: float | None
    """Sigma, in pixels, of the Gaussian by which the image is blurred, beyond what any image of its pixel
    size is (:data:`SHARP_BLUR`); None where noise leaves too little detail to tell."""


def estimate_blur(spectrum: Spectrum) -> Blur:
    """Find the Gaussian that an image is blurred with.

    The power of what is seen through a Gaussian point spread function of width ``sigma`` falls as
    ``f**-2.5 * exp(-(pi * sigma * f)**2)`` with the frequency `f` in parts of Nyquist, half a period a pixel.
    A straight line is fitted to the logarithm of what stands out of the noise. Found within about a
    quarter where noise is faint, roughly at 100 photons; see ``docs/acquisition.md``.

    Parameters
    ----------
    spectrum
        The radial spectrum of the image, whose values were divided by its contrast.

    Returns
    -------
    Blur
        The blur; its `sigma` is None where fewer than :data:`LEAST_RINGS` rings of the spectrum stand out of
        the noise.
    """
    floor = max(spectrum.floor, _FAINTEST**2)
    seen = spectrum.frequency > LOWEST
    drowned = seen & (spectrum.power <= _ABOVE * floor)
    reach = float(spectrum.frequency[drowned].min(initial=1.0))
    fitted = seen & (spectrum.frequency < reach)
    if fitted.sum() < LEAST_RINGS:
        return Blur(reach, None)
    frequency = spectrum.frequency[fitted]
    detail = np.log(spectrum.power[fitted] - floor) + DECAY * np.log(frequency)
    slope = np.polyfit((np.pi * frequency) ** 2, detail, 1)[0]
    return Blur(reach, float(np.sqrt(max(-slope - SHARP_BLUR**2, 0.0))))
