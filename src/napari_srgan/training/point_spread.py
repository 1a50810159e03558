"""Point spread functions: computed from the optics, or measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PointSpread:
    """A point spread function that keeps brightness and place.

    A value, equal to its equals, that goes into settings and cards as it is.
    """

    kernel: tuple[tuple[float, ...], ...]
    """Odd sides, sum 1, nothing negative, centre of mass in the middle."""
    notes: tuple[str, ...] = ()
    """What was done to it when it was read, in sentences for the user."""

    @property
    def array(self) -> NDArray[np.float64]:
        """``(Y, X)``."""
        return np.array(self.kernel, np.float64)


def gaussian_psf(numerical_aperture: float, wavelength_um: float, pixel_size_um: float) -> PointSpread:
    """The Gaussian nearest to a widefield microscope's point spread function."""
    raise NotImplementedError


def read_psf(array: Any) -> PointSpread:
    """Check a point spread function that a user has measured or computed, and bring it to its place."""
    raise NotImplementedError
