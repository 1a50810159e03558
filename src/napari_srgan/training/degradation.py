"""What lies between a high-resolution image and the low-resolution one: blur, size, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from napari_srgan.errors import UserError
from napari_srgan.training.point_spread import PointSpread, read_psf

Noise = Literal["independent", "the same in every frame"]
LARGEST_FACTOR = 8
LARGEST_BLUR = 8.0
"""Sigma in low-resolution pixels that is no light blur any more, but a mistake in units."""
GAUSSIAN_REACH = 3.5
"""Sigmas at which the Gaussian is cut off."""


@dataclass(frozen=True)
class Degradation:
    """How a low-resolution image is simulated from a high-resolution one.

    Without blur and noise it is :func:`~napari_srgan.training.degrade.degrade`. Ranges are ``(lowest,
    highest)``; a value is drawn from them anew for each patch, so that the model learns the whole range.
    In a time-lapse all frames of a patch have the same blur, gain and read noise.

    The high-resolution image has a blur and a noise of its own. Both are in the low-resolution image
    too, the noise weakened by the downsampling: what is set here is what the low-resolution image
    has more.
    """

    factor: int
    """How many times smaller the low-resolution image is."""
    blur: tuple[float, float] = (0.0, 0.7)
    """Sigma of a Gaussian point spread function in low-resolution pixels, beyond the antialiasing."""
    psf: PointSpread | None = None
    """On the high-resolution grid, in place of the Gaussian; an array is read with
    :func:`~napari_srgan.training.point_spread.read_psf`."""
    gain: tuple[float, float] | None = None
    """Grey levels per photo-electron; None: no photon noise."""
    offset: float = 0.0
    """Grey level without light."""
    read_noise: tuple[float, float] = (0.0, 0.0)
    """Standard deviation of the noise without light, in grey levels."""
    noise: Noise = field(default="independent", repr=False)
    """Of the frames of a time-lapse: ``"independent"``, drawn anew for every frame, as photons and
    electronics do; or ``"the same in every frame"``, a fixed pattern as of uneven pixels, which no other
    frame helps against."""

    def __post_init__(self) -> None:
        if self.psf is not None and not isinstance(self.psf, PointSpread):
            object.__setattr__(self, "psf", read_psf(self.psf))
        if self.factor not in range(1, LARGEST_FACTOR + 1):
            raise UserError(f"the factor is a whole number from 1 to {LARGEST_FACTOR}; got {self.factor!r}")
        object.__setattr__(self, "factor", int(self.factor))  # numpy's integers and 4.0 are welcome
        _check_range("blur", self.blur, LARGEST_BLUR)
        _check_range("gain", self.gain or (0.0, 0.0))
        _check_range("read noise", self.read_noise)
        if self.noise not in get_args(Noise):
            known = " or ".join(repr(kind) for kind in get_args(Noise))
            raise UserError(f"the noise of a time-lapse is {known}; got {self.noise!r}")
        if not math.isfinite(self.offset):
            raise UserError(f"the offset of the camera is a grey level; got {self.offset}")

    @property
    def blur_radius(self) -> int:
        """High-resolution pixels that the blur reaches."""
        if self.psf is not None:
            return self.psf.radius
        return math.ceil(GAUSSIAN_REACH * self.blur[1] * self.factor)

    @property
    def summary(self) -> str:
        """One plain phrase with the numbers, for cards and windows."""
        if self.psf is not None:
            side = len(self.psf.kernel)
            changed = f" ({'; '.join(self.psf.notes)})" if self.psf.notes else ""
            blur = f"a point spread function of {side} x {side} pixels{changed}"
        else:
            blur = f"a Gaussian of sigma {_words(self.blur)} low-resolution pixels"
        noise = f"read noise {_words(self.read_noise)}" if self.read_noise[1] else ""
        if self.gain and self.gain[1]:
            photons = f"{_words(self.gain)} grey levels per photo-electron above {self.offset:.4g}"
            noise = f"{photons}, {noise}" if noise else photons
        if noise and self.noise != "independent":
            noise = f"{noise}, {self.noise}"
        blurred = "no blur" if self.psf is None and self.blur[1] == 0 else blur
        return f"1/{self.factor} of the size by antialiased bicubic, {blurred}, {noise or 'no noise'}"

    def __str__(self) -> str:
        return self.summary


def _words(limits: tuple[float, float]) -> str:
    low, high = limits
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _check_range(name: str, limits: tuple[float, float], largest: float = math.inf) -> None:
    right = np.shape(limits) == (2,) and 0 <= limits[0] <= limits[1] <= largest and math.isfinite(limits[1])
    if not right:
        upper = f" and at most {largest:g}" if math.isfinite(largest) else ""
        raise UserError(
            f"the range of the {name} is two numbers, the lower one first, not negative{upper}; got {limits}"
        )
