"""One look at an image: how many photons, how much noise, how blurred; told in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_srgan.acquisition.blocks import Blocks, blocks_of
from napari_srgan.acquisition.blur import estimate_blur
from napari_srgan.acquisition.camera import Camera, camera_of_planes
from napari_srgan.acquisition.noise import look_at_noise
from napari_srgan.acquisition.spectrum import Spectrum, radial_spectrum
from napari_srgan.acquisition.windows import channels_looked_at, read_windows
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.inference.percentiles import percentiles

_SMOOTHED, MORE_IN_NOISE = 0.7, 8.0
"""Sigma in pixels of the Gaussian under which brightest and darkest places are found: without noise, and how
much more for noise as strong as the contrast. Less, and noise makes places bright; more, and they fade."""
BRIGHTEST, DARKEST = 99.9, 1.0
"""Percentiles of brightness that are called bright and dark."""
_MOST_PHOTONS = 5000.0
"""Largest number of photons that can be told: beyond, structure makes more noise."""
DROWNED = 0.7
"""Noise, as a fraction of the detail at half the Nyquist frequency, from which it is well above the fine
detail."""
HARDLY = 0.01
"""Noise, as a fraction of the contrast, below which there is hardly any."""
_SHARP = 0.5
"""Blur in pixels below which nothing is said of it."""
_AGREEING = 0.7
"""Noise of the corners of the spectrum, as a fraction of that of quiet places, below which the latter have
structure in place of noise, and nothing can be told of photons."""
_OUTERMOST = -1.0, 2.0
"""Darkest and brightest value, as fractions of the contrast; a pixel beyond is an outlier, and counts as if
it were this."""
_LEAST_LEVELS, _FIRST_LOOK = 8, 4096
"""Number of different values in the windows below which an image is a drawing or a mask; and of pixels that
are looked at for them first."""
_ENOUGH, _EVERY = 2**17, 2
"""Number of smoothed pixels of which a hundred are among the brightest and more do not make their percentile
surer; where there are enough, one of so many rows and columns is looked at. Smoothing has made neighbours
alike: :data:`_SMOOTHED` of 0.7 gives noise a correlation of 0.6 at one pixel and 0.1 at two."""


@dataclass(frozen=True)
class Acquisition:
    """What an image tells of how it was taken."""

    noisy: bool = False
    """Whether its noise would be taken for detail by a model that was trained without noise."""
    noise: float | None = None
    """Standard deviation of the noise in parts of the contrast, the mean over the image; None if unknown."""
    photons: float | None = None
    """Photo-electrons in the brightest places, more than in the darkest; None if they cannot be told: no
    noise, too little of it, or noise that does not grow with the light."""
    drowned: bool = False
    """Whether the noise is well above the fine detail."""
    shared: bool = False
    """Whether neighbouring pixels share the noise, as after interpolation or compression."""
    blur: float | None = None
    """Sigma in pixels of the Gaussian it is blurred with, beyond what its pixels ask for; None if unknown."""
    reach: float | None = None
    """Frequency up to which detail stands out of the noise, as a fraction of the Nyquist frequency: 1 is as
    fine as pixels can show; None if unknown."""
    channel: int | None = None
    """Number of the channel that this is about, the noisiest of those looked at; None if there is but one."""
    unknown: str = ""
    """Why nothing can be told of the image; empty if something can."""

    @property
    def signal_to_noise(self) -> float | None:
        """Contrast in parts of the noise."""
        return 1 / self.noise if self.noise else None

    @property
    def equal_photons(self) -> float | None:
        """Photons that would make as much noise, for noise of any kind; None if there is none to speak of."""
        if self.photons is not None:
            return self.photons
        return 1 / self.noise**2 if self.noisy and self.noise else None

    @property
    def sentence(self) -> str:
        """All that was found in plain words, beginning with a small letter and without a full stop.

        Photons are those in the brightest places; blur is the sigma of a Gaussian.
        """
        if self.unknown:
            return f"nothing can be told of its noise and blur: {self.unknown}"
        words = f"{self._amount}{self._blur_words}"
        return words if self.channel is None else f"channel {self.channel}: {words}"

    def __str__(self) -> str:
        return self.sentence

    @property
    def _amount(self) -> str:
        place = "well above the detail" if self.drowned else "as strong as the fine detail"
        share = f"{rounded(100 * (self.noise or 0))} % of the brightness range"
        if self.shared:
            return f"noise that neighbouring pixels share, {share}, {place}"
        photons = f"about {rounded(self.photons)} photons" if self.photons else ""
        if self.noisy:
            return f"{photons}, noise {place}" if photons else f"noise of {share}, {place}"
        if self.noise is None or self.noise < HARDLY:
            return "hardly any noise"
        return f"{photons or f'noise of {share}'}, {'noise ' if photons else ''}below the fine detail"

    @property
    def _blur_words(self) -> str:
        if self.drowned or self.blur is None or self.blur < _SHARP:  # in much noise it is found too roughly
            return ""
        return f", blurred by about {self.blur:.1f} pixels"


def look_at(image: Any, axes: str | None = None) -> Acquisition:
    """Look at an image, and tell how it was taken: how many photons, how much noise, how blurred.

    A few windows are read, never the whole of a large image. How right it is: ``docs/acquisition.md``.

    Parameters
    ----------
    image
        An image of numpy, dask, zarr or xarray, ``(..., Y, X)`` or ``(..., Y, X, S)``: two to five axes
        besides colour, any real dtype.
    axes
        One letter for each axis, e.g. ``"TCYX"``; guessed by default. Of several channels the noisiest one
        counts, of RGB only green.

    Returns
    -------
    Acquisition
        ``str()`` of it is a sentence. For an image that is too small, shows nothing or cannot be read, it
        says that nothing can be told.

    Raises
    ------
    UserError
        If it is no image, or its axes cannot be known.

    Examples
    --------
    >>> import numpy as np, napari_srgan
    >>> photons = np.random.default_rng(0).poisson(np.full((128, 128), 9.0))
    >>> napari_srgan.look_at(photons).noisy
    True
    """
    array = check_array(image)
    axes = axes_of(array, axes)
    if np.dtype(array.dtype).kind == "b":
        return Acquisition(unknown="it shows truth values")
    channels = channels_looked_at(array, axes)
    found = [_look(read_windows(array, axes, channel)) for channel in channels]
    told = [place for place, each in enumerate(found) if not each.unknown]
    if not told:
        return found[0]
    worst = max(told, key=lambda place: (found[place].noisy, found[place].noise or 0.0))
    several = "C" in axes and array.shape[axes.index("C")] > 1
    return replace(found[worst], channel=channels[worst]) if several else found[worst]


def _look(windows: Sequence[NDArray[Any]]) -> Acquisition:
    """Look at the windows of one channel."""
    if not windows:
        return Acquisition(unknown="it shows one value only, or cannot be read")
    values = np.concatenate([window.ravel() for window in windows])
    seen = percentile_transform(values)
    if not 0 < seen.span < np.inf or _few_levels(values):
        return Acquisition(unknown="it shows too few different values")
    # float32 from here on: its rounding is 1e-5 of the faintest noise that is told of.
    scaled = [seen.apply(window) for window in windows]
    for window in scaled:
        np.clip(window, *_OUTERMOST, out=window)
    spectrum = radial_spectrum(scaled)
    if spectrum is None:
        return Acquisition(unknown="it is too small")
    return _told(scaled, spectrum)


def _few_levels(values: NDArray[Any]) -> bool:
    """Whether there are fewer than :data:`_LEAST_LEVELS` different values."""
    some = values[:: max(values.size // _FIRST_LOOK, 1)]
    return all(len(np.unique(part)) < _LEAST_LEVELS for part in (some, values))


def _told(windows: Sequence[NDArray[np.float32]], spectrum: Spectrum) -> Acquisition:
    fine = blocks_of(windows)
    noise, blur = look_at_noise(fine, blocks_of(windows, 2), spectrum), estimate_blur(spectrum)
    camera = None if noise.is_shared else _camera(windows, fine)
    amount, photons = noise.coarse, None
    if camera is not None:
        deviation = float(np.sqrt(camera.variance(fine.level).mean()))
        amount = min(deviation, noise.white)
        if camera.gain and amount > _AGREEING * deviation:
            dark, bright = _dark_and_bright(windows, _SMOOTHED + MORE_IN_NOISE * amount)
            photons = (bright - dark) / camera.gain
    noisy = noise.is_fine or noise.is_shared
    return Acquisition(
        noisy=noisy,
        noise=amount,
        photons=photons if photons is not None and 0 < photons <= _MOST_PHOTONS else None,
        drowned=noise.is_shared or (noisy and noise.drowned > DROWNED),
        shared=noise.is_shared,
        blur=blur.sigma,
        reach=blur.reach,
    )


def _dark_and_bright(windows: Sequence[NDArray[np.float32]], sigma: float) -> tuple[float, float]:
    every = _EVERY if sum(window.size for window in windows) >= _EVERY**2 * _ENOUGH else 1
    levels = np.concatenate([_smoothed(window, sigma, every).ravel() for window in windows])
    dark, bright = percentiles(levels, (DARKEST, BRIGHTEST))
    return dark, bright


def _smoothed(window: NDArray[np.float32], sigma: float, every: int) -> NDArray[np.float32]:
    """One of so many rows and columns of a window under a Gaussian."""
    rows = gaussian_filter1d(window, sigma, axis=0)[::every]
    return np.asarray(gaussian_filter1d(rows, sigma, axis=1)[:, ::every])


def _camera(windows: Sequence[NDArray[np.float32]], fine: Blocks) -> Camera | None:
    try:
        return camera_of_planes(windows, fine)
    except UserError:  # too few places that are not saturated
        return None


def rounded(number: float) -> str:
    """A number as one says it in a sentence: 37 is about 40, 137 about 140."""
    digits = 2 if number >= 10 and f"{number:.1e}".startswith("1") else 1
    return f"{float(f'{number:.{digits - 1}e}'):,.0f}" if number >= 1 else f"{number:.1f}"
