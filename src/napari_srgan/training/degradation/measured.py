"""The noise and the blur of one image, to be simulated in another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_srgan.acquisition import look_at
from napari_srgan.acquisition.camera import estimate_camera, sampled_planes
from napari_srgan.errors import UserError
from napari_srgan.training.degradation.settings import Degradation

SMOOTHED = 1.0
"""Sigma in pixels of the Gaussian under which brightest and darkest places are found in noise."""
DARK, BRIGHT = 1.0, 99.9
"""Percentiles of brightness that are brought onto each other."""
AROUND = 1.4
"""Times more and less than what was found that are drawn too: estimates err, and exposures differ."""
UNKNOWN_BLUR = (0.0, 0.7)
"""Sigma in low-resolution pixels where noise leaves too little to tell."""


def degradation_like(noisy: Any, high: Sequence[Any], factor: int, axes: str | None = None) -> Degradation:
    """Find how high-resolution images are to be degraded to become like a noisy one.

    The noisy image's camera is estimated in its own grey levels, and brought to those of the high-resolution
    images so that darkest and brightest places have as many photons there. Its blur is what it has
    more than theirs: variances of Gaussians add.

    Parameters
    ----------
    noisy
        An image as the microscope gives it: numpy, dask or zarr, any real dtype; large ones are sampled.
    high
        Images at high resolution, of one range of brightness.
    factor
        How many times finer they are to be taken; 1 for restoring without a change of size.
    axes
        Of `noisy`; guessed if unsaid.

    Returns
    -------
    Degradation
        In the grey levels of `high`.

    Raises
    ------
    UserError
        If the noisy image is too small, shows nothing or has no noise to speak of.
    """
    camera = estimate_camera(noisy)
    dark, bright = _levels([noisy])
    dark_high, bright_high = _levels(high)
    if bright <= dark or bright_high <= dark_high:
        which = "image whose noise is meant" if bright <= dark else "high-resolution image"
        raise UserError(f"the {which} has no contrast; choose one that shows something")
    scale = (bright_high - dark_high) / (bright - dark)
    gain, read_noise = camera.gain * scale, camera.read_noise * scale
    blur = _blur(noisy, high, factor, axes)
    if not gain and not read_noise and blur[1] == 0:
        raise UserError(
            "the image whose noise is meant has neither noise nor blur; choose a noisy one, or simulate low "
            "resolution without it"
        )
    return Degradation(
        factor,
        blur=blur,
        gain=(gain / AROUND, gain * AROUND) if gain else None,
        offset=dark_high - (dark - camera.offset) * scale,
        read_noise=(read_noise / AROUND, read_noise * AROUND),
        sampling=("area",),
    )


def _levels(images: Sequence[Any]) -> tuple[float, float]:
    """The grey levels of the darkest and of the brightest places, noise smoothed away."""
    planes = [gaussian_filter(plane, SMOOTHED) for image in images for plane in sampled_planes(image)]
    values = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    if not values.size:
        raise UserError("the image has no finite values; choose one that shows something")
    dark, bright = np.percentile(values, (DARK, BRIGHT))
    return float(dark), float(bright)


def _blur(noisy: Any, high: Sequence[Any], factor: int, axes: str | None) -> tuple[float, float]:
    """Range of the sigma of the blur that a noisy image has more, in its own pixels."""
    sigma = look_at(noisy, axes).blur
    if sigma is None:
        return UNKNOWN_BLUR
    looks = (look_at(plane, "YX") for image in high for plane in sampled_planes(image))
    theirs = [found.blur for found in looks if found.blur is not None]
    sharp = float(np.median(theirs)) / factor if theirs else 0.0
    more = float(np.sqrt(max(sigma**2 - sharp**2, 0.0)))
    return more / AROUND, more * AROUND
