"""The noise and the blur of one image, to be simulated in other ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_srgan.acquisition import Acquisition, look_at
from napari_srgan.acquisition.camera import MOST_PLANES, Camera, estimate_camera, sampled_planes
from napari_srgan.acquisition.look import rounded
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.training.degradation.settings import Degradation

_SMOOTHED = 1.0
"""Sigma in pixels of the Gaussian under which brightest and darkest places are found in noise."""
DARK, BRIGHT = 1.0, 99.9
"""Percentiles of brightness that are brought onto each other."""
AROUND = 1.4
"""Factor by which what is drawn may be more or less than what was found: estimates err, and exposures
differ."""
UNKNOWN_BLUR = (0.0, 0.7)
"""Range of the blur's sigma in low-resolution pixels where noise leaves too little to tell."""
HARDLY_BLURRED = 0.3
"""Sigma in pixels below which nothing is said of the blur."""


@dataclass(frozen=True)
class MeasuredNoise:
    """How one image was taken: by which camera, with how much light, how blurred."""

    camera: Camera
    """The camera, in the image's own grey levels."""
    dark: float
    """Grey level of the darkest places."""
    bright: float
    """Grey level of the brightest places."""
    found: Acquisition
    """What else a look at the image tells."""

    @property
    def photons(self) -> float | None:
        """Photo-electrons in the brightest places, more than in the darkest; None without photon noise."""
        return (self.bright - self.dark) / self.camera.gain if self.camera.gain else None

    @property
    def sentence(self) -> str:
        """Photons, read noise and blur, beginning with a small letter and without a full stop."""
        shared = "; neighbouring pixels share the noise, which makes it seem weaker"
        blur = self._blur or "a blur that cannot be told in so much noise"
        return f"{self._noise}, {blur}{shared if self.found.shared else ''}"

    @property
    def words(self) -> str:
        """Noise and blur in words, without what could not be told."""
        return ", ".join(filter(None, (self._noise, self._blur)))

    @property
    def _noise(self) -> str:
        gain, read_noise = self.camera.gain, self.camera.read_noise
        if self.photons is not None:
            electrons = f"{read_noise / gain:.1f} electrons"
            return f"about {rounded(self.photons)} photons, read noise of {electrons}"
        if not read_noise:
            return "no noise"
        share = 100 * read_noise / (self.bright - self.dark)
        return f"noise of {rounded(share)} % of the brightness range, the same everywhere"

    @property
    def _blur(self) -> str:
        """Empty if it cannot be told."""
        if self.found.blur is None or self._blur_is_uncertain:
            return ""
        if self.found.blur < HARDLY_BLURRED:
            return "hardly blurred"
        return f"blurred by about {self.found.blur:.1f} pixels"

    @property
    def _blur_is_uncertain(self) -> bool:
        return self.found.blur is None or self.found.drowned

    def degradation(self, high: Sequence[Any], factor: int) -> Degradation:
        """Find how high-resolution images are to be degraded to become like this one.

        The camera is brought to the grey levels of the high-resolution images so that darkest and brightest
        places have as many photons there. The blur is what this image has more than they: variances of
        Gaussians add. Where noise is well above the detail, blur is found too roughly
        (``docs/acquisition.md``), and all from none to what was found is simulated.

        Parameters
        ----------
        high
            Images at high resolution, of one range of brightness; of many some are looked at.
        factor
            How many times finer they are to be taken; 1 for restoring without a change of size.

        Returns
        -------
        Degradation
            The degradation, in the grey levels of `high`.

        Raises
        ------
        UserError
            If there is nothing to simulate, or `high` shows nothing or has more noise than this image.
        """
        high = _some(high)
        dark, bright = levels_of(high)
        if bright <= dark:
            raise UserError("the high-resolution image has no contrast; choose one that shows something")
        looks = [look_at(image) for image in high]
        self._refuse_noisier(looks)
        scale = (bright - dark) / (self.bright - self.dark)
        gain, read_noise = self.camera.gain * scale, self.camera.read_noise * scale
        blur = self._more_blur(looks, factor)
        if not gain and not read_noise and blur[1] == 0:
            raise UserError(
                "the image whose noise is meant has neither noise nor blur; choose a noisy one, or simulate "
                "low resolution without it"
            )
        return Degradation(
            factor,
            blur=blur,
            gain=(gain / AROUND, gain * AROUND) if gain else None,
            offset=dark - (self.dark - self.camera.offset) * scale,
            read_noise=(read_noise / AROUND, read_noise * AROUND),
            sampling=("area",),
        )

    def _refuse_noisier(self, looks: Sequence[Acquisition]) -> None:
        """Refuse high-resolution images that are no better than this one: their noise would be learned."""
        if self.found.noise is None:
            return
        theirs = float(np.median([look.noise or 0.0 for look in looks]))
        if sum(look.noisy for look in looks) > len(looks) / 2 and theirs >= self.found.noise:
            raise UserError(
                f"the high-resolution image has noise of {rounded(100 * theirs)} % of its brightness range, "
                f"the one whose noise is meant of {rounded(100 * self.found.noise)} %: they are exchanged, "
                "or the former is not good enough to learn from; choose a better one"
            )

    def _more_blur(self, looks: Sequence[Acquisition], factor: int) -> tuple[float, float]:
        """Range of the sigma of the blur that this image has more, in its own pixels."""
        if self.found.blur is None:
            return UNKNOWN_BLUR
        theirs = [look.blur for look in looks if look.blur is not None]
        sharp = float(np.median(theirs)) / factor if theirs else 0.0
        more = float(np.sqrt(max(self.found.blur**2 - sharp**2, 0.0)))
        if self._blur_is_uncertain:
            return 0.0, max(more, UNKNOWN_BLUR[1])
        return more / AROUND, more * AROUND


def measure_noise(noisy: Any, axes: str | None = None) -> MeasuredNoise:
    """Find the camera, the light and the blur of an image as the microscope gives it.

    Parameters
    ----------
    noisy
        An image of numpy, dask or zarr, of two to five axes and any real dtype; large ones are sampled.
    axes
        One letter for each axis; guessed by default. Of several channels the noisiest one is measured.

    Raises
    ------
    UserError
        If it is too small or shows nothing.
    """
    array = check_array(noisy)
    axes = axes_of(array, axes)
    found = look_at(array, axes)
    one = _one_camera(array, axes, found.channel or 0)
    camera = estimate_camera(one)
    dark, bright = levels_of([one])
    if bright <= dark:
        raise UserError("the image whose noise is meant has no contrast; choose one that shows something")
    return MeasuredNoise(camera, dark, bright, found)


def _one_camera(array: ArrayLike, axes: str, channel: int) -> Any:
    """What one camera took: the middle plane of one channel, or of a stack in colours."""
    several = axes[: axes.index("Y")]
    if "C" not in several and not (several and axes.endswith("S")):
        return array
    place = tuple(
        channel if letter == "C" else size // 2 for letter, size in zip(several, array.shape, strict=False)
    )
    return array[place]


def _some(images: Sequence[Any]) -> list[Any]:
    """All, or a few that are evenly spread."""
    chosen = np.linspace(0, len(images) - 1, min(len(images), MOST_PLANES)).astype(int)
    return [images[number] for number in chosen]


def levels_of(images: Sequence[Any]) -> tuple[float, float]:
    """The grey levels of the darkest and of the brightest places, noise smoothed away."""
    planes = [gaussian_filter(plane, _SMOOTHED) for image in images for plane in sampled_planes(image)]
    values = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    if not values.size:
        raise UserError("the image has no finite values; choose one that shows something")
    dark, bright = np.percentile(values, (DARK, BRIGHT))
    return float(dark), float(bright)
