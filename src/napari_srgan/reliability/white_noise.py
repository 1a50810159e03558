"""Whether the faintest that an image shows is the noise of a camera.

A camera's noise is independent from pixel to pixel: as strong at the highest frequencies as a little below.
What was smoothed, interpolated or compressed falls there, and so does structure. It is read in the quietest
places, where a bright image is nothing but noise, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.spectrum import radial_spectrum
from napari_srgan.acquisition.windows import in_blocks

_BLOCK = 48
"""Pixels along the side of a block: none of a window of 32 pixels or more is too small for a spectrum."""
_QUIET = 0.25
"""Part of the blocks that counts: those that vary least."""
_BELOW, _HIGHEST = (0.8, 1.05), (1.15, 1.42)
"""Bands that are compared, as fractions of Nyquist."""
_PLATEAU = 0.4
"""Power of the highest band, in parts of that below, from which on it is a plateau. Of raw images under 20 to
10,000 photons with read noise it was 0.5 or more where hardly any structure is so fine; 0.1 to 0.3 after
JPEG or a Gaussian of 0.7 pixels, less after any more."""
_ROUNDING = 4.0
"""Power in parts of what rounding to whole grey levels leaves, from which on it is not rounding."""


def has_camera_noise(windows: Sequence[NDArray[np.float64]]) -> bool:
    """Whether there is noise that is independent from pixel to pixel, however faint.

    Parameters
    ----------
    windows
        Windows ``(Y, X)`` of one channel in its grey levels, finite.
    """
    blocks = [block for window in windows for block in in_blocks(window, _BLOCK)]
    blocks = sorted((block for block in blocks if np.ptp(block) > 0), key=lambda block: float(block.var()))
    spectrum = radial_spectrum(blocks[: max(round(_QUIET * len(blocks)), 1)])
    if spectrum is None or spectrum.between(_HIGHEST) < _PLATEAU * spectrum.between(_BELOW):
        return False
    values = np.unique(np.concatenate([block.ravel() for block in blocks]))
    return spectrum.floor > _ROUNDING * float(np.diff(values).min()) ** 2 / 12
