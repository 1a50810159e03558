"""What a camera adds to an image: its gain, offset and read noise, found in the image itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """The Poisson-Gaussian camera: ``variance = gain * (mean - offset) + read_noise**2``."""

    gain: float
    """Grey levels per photo-electron; 0: noise does not grow with the light."""
    offset: float
    """Grey level without light."""
    read_noise: float
    """Standard deviation without light, in grey levels."""

    def deviation(self, level: NDArray[Any]) -> NDArray[np.float64]:
        """Standard deviation of the noise at given grey levels, any shape."""
        photons = np.maximum(np.asarray(level, np.float64) - self.offset, 0)
        return np.sqrt(self.gain * photons + self.read_noise**2)

    @property
    def summary(self) -> str:
        """One plain sentence with the numbers."""
        return (
            f"{self.gain:.3g} grey levels per photo-electron, offset {self.offset:.4g}, "
            f"read noise {self.read_noise:.3g} grey levels"
        )


def estimate_camera(image: Any | Sequence[Any]) -> Camera:
    """Find gain, offset and read noise of the camera in an image."""
    raise NotImplementedError
