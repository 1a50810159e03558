"""What lies between a high-resolution image and the low-resolution one: blur, size, noise, file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from napari_srgan.errors import UserError
from napari_srgan.significant import significant
from napari_srgan.training.degradation.point_spread import PointSpread, airy_psf, read_psf
from napari_srgan.training.degradation.sampling import Sampling

Noise = Literal["independent", "the same in every frame"]
LARGEST_FACTOR = 8
LARGEST_BLUR = 8.0
"""Sigma in low-resolution pixels that is no light blur any more, but a mistake in units."""
SAMPLING_NAMES = {
    "bicubic": "antialiased bicubic",
    "area": "the mean of the pixels",
    "point": "single pixels",
}
GAUSSIAN_REACH = 3.5
"""Sigmas at which the Gaussian is cut off."""


@dataclass(frozen=True)
class Degradation:
    """How low-resolution images are simulated from high-resolution ones.

    Without blur and noise it is :func:`~napari_srgan.training.degradation.ideal.degrade`. Ranges are
    ``(lowest, highest)``; a value is drawn from them anew for each patch, so that the model learns the whole
    range. Parts are the share of the patches that something happens to. In a time-lapse all frames of a
    patch have the same blur, gain and read noise.

    The high-resolution image has a blur and a noise of its own. Both are in the low-resolution image
    too, the noise weakened by the downsampling: what is set here is what the low-resolution image
    has more.
    """

    factor: int
    """How many times smaller the low-resolution image is; 1 where only blur and noise are to be taken off."""
    blur: tuple[float, float] = (0.0, 0.7)
    """Sigma of a Gaussian point spread function in low-resolution pixels, beyond the antialiasing."""
    psf: PointSpread | None = None
    """The point spread function in place of the Gaussian, on the high-resolution grid; an array is read with
    :func:`~napari_srgan.training.degradation.point_spread.read_psf`."""
    gain: tuple[float, float] | None = None
    """Grey levels per photo-electron, log-uniform where the lowest is not 0; None: no photon noise."""
    offset: float = 0.0
    """Grey level without light."""
    read_noise: tuple[float, float] = (0.0, 0.0)
    """Standard deviation of the noise without light, in grey levels."""
    noise: Noise = field(default="independent", repr=False)
    """How the noise of the frames of a time-lapse is drawn: ``"independent"``, anew for every frame, as
    photons and electronics do; or ``"the same in every frame"``, a fixed pattern as of uneven pixels, against
    which no other frame helps."""

    clean: float = 0.0
    """Part of the patches that are only made smaller by antialiased bicubic, without blur and noise."""
    unblurred: float = 0.0
    """Part of the others that have noise, but no blur."""
    astigmatism: float = 0.0
    """Largest relative difference of the sigma along Y and along X from their mean."""
    airy: float = 0.0
    """Part of the blurred patches whose point spread function is the Airy pattern of the same width."""
    sampling: tuple[Sampling, ...] = ("bicubic",)
    """Ways of becoming smaller, drawn alike; one that is named twice is drawn twice as often."""
    read_electrons: tuple[float, float] = (0.0, 0.0)
    """Read noise in photo-electrons, which is added to `read_noise` where there is photon noise."""
    correlated: float = 0.0
    """Part of the noisy patches whose neighbouring pixels share noise, as after demosaicing, interpolation or
    the slow amplifier of a scanning microscope: along Y, along X, or both."""
    correlation: tuple[float, float] = (0.3, 1.0)
    """Sigma in low-resolution pixels of the Gaussian over which their noise is shared."""
    hot_pixels: float = 0.0
    """Part of the noisy patches from cameras with hot pixels."""
    eight_bit: float = 0.0
    """Part of the noisy patches that were exported to 8 bit with their contrast stretched, which clips the
    brightest and the darkest pixels."""
    jpeg: float = 0.0
    """Part of the patches that were compressed as JPEG."""
    jpeg_quality: tuple[int, int] = (50, 95)
    """Quality of these files, on the scale of the Independent JPEG Group."""

    def __post_init__(self) -> None:
        if self.psf is not None and not isinstance(self.psf, PointSpread):
            object.__setattr__(self, "psf", read_psf(self.psf))
        if self.factor not in range(1, LARGEST_FACTOR + 1):
            raise UserError(f"the factor is a whole number from 1 to {LARGEST_FACTOR}; got {self.factor!r}")
        object.__setattr__(self, "factor", int(self.factor))  # numpy's integers and 4.0 are welcome
        _check_range("blur", self.blur, LARGEST_BLUR)
        _check_range("gain", self.gain or (0.0, 0.0))
        _check_range("read noise", self.read_noise)
        _check_range("read noise in electrons", self.read_electrons)
        _check_range("correlation of the noise", self.correlation, LARGEST_BLUR)
        _check_range("JPEG quality", self.jpeg_quality, 100)
        for name in (
            "clean", "unblurred", "astigmatism", "airy", "correlated", "hot_pixels", "eight_bit", "jpeg",
        ):  # fmt: skip
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} is a part from 0 to 1; got {getattr(self, name)!r}")
        if not self.sampling or set(self.sampling) - set(get_args(Sampling)):
            known = ", ".join(get_args(Sampling))
            raise UserError(f"an image becomes smaller by one or more of {known}; got {self.sampling!r}")
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
        widest = self.blur[1] * (1 + self.astigmatism) * self.factor
        airy = airy_psf(widest).radius if self.airy and widest else 0
        return max(math.ceil(GAUSSIAN_REACH * widest), airy)

    @property
    def noisy(self) -> bool:
        """Whether there is noise of photons or of electronics."""
        return (self.gain or (0.0, 0.0))[1] + self.read_noise[1] > 0

    @property
    def only_downsamples(self) -> bool:
        """Whether nothing happens to an image but that it becomes smaller by antialiased bicubic.

        At a factor of 1 that is nothing at all.
        """
        sampled = self.factor > 1 and set(self.sampling) != {"bicubic"}
        changed = self.psf is not None or self.blur[1] > 0 or self.noisy or self.jpeg > 0 or sampled
        return self.clean == 1 or not changed

    @property
    def summary(self) -> str:
        """One plain phrase with the numbers, for cards and windows."""
        if self.psf is not None:
            side = len(self.psf.kernel)
            changed = f" ({'; '.join(self.psf.notes)})" if self.psf.notes else ""
            blur = f"a point spread function of {side} x {side} pixels{changed}"
        else:
            shape = "a Gaussian or Airy pattern" if self.airy else "a Gaussian"
            pixels = "low-resolution pixels" if self.factor > 1 else "pixels"
            blur = f"{shape} of sigma {_words(self.blur)} {pixels}"
        noise = f"read noise {_words(self.read_noise)}" if self.read_noise[1] else ""
        if self.gain and self.gain[1]:
            photons = (
                f"{_words(self.gain)} grey levels per photo-electron above {significant(self.offset, 4)}"
            )
            noise = f"{photons}, {noise}" if noise else photons
            if self.read_electrons[1]:
                noise += f", read noise {_words(self.read_electrons)} electrons"
        if noise and self.noise != "independent":
            noise = f"{noise}, {self.noise}"
        blurred = "no blur" if self.psf is None and self.blur[1] == 0 else blur
        ways = " or ".join(SAMPLING_NAMES[way] for way in dict.fromkeys(self.sampling))
        clean = f"; {self.clean:.0%} without blur and noise" if self.clean else ""
        size = f"1/{self.factor} of the size by {ways}" if self.factor > 1 else "the same size"
        return f"{size}, {blurred}, {noise or 'no noise'}{clean}"

    def __str__(self) -> str:
        return self.summary


def _words(limits: tuple[float, float]) -> str:
    low, high = limits
    return f"{significant(low)}" if low == high else f"{significant(low)} to {significant(high)}"


def _check_range(name: str, limits: tuple[float, float], largest: float = math.inf) -> None:
    right = np.shape(limits) == (2,) and 0 <= limits[0] <= limits[1] <= largest and math.isfinite(limits[1])
    if not right:
        upper = f" and at most {largest:g}" if math.isfinite(largest) else ""
        raise UserError(
            f"the range of the {name} is two numbers, the lower one first, not negative{upper}; got {limits}"
        )
