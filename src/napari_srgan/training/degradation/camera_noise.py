"""What a camera and its file make of the light on its pixels: noise, hot pixels, 8 bit, JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate1d

from napari_srgan.inference.intensity import IntensityTransform, percentile_transform
from napari_srgan.training.degradation.exposure import Exposure
from napari_srgan.training.degradation.sampling import gaussian_lines

_MOST_PHOTONS = 1e15
"""Where drawing numbers of photons ends; their noise is nothing to the image there."""
CORRELATION_REACH = 4.0
"""Sigmas at which the Gaussian over which noise is shared is cut off."""
JPEG_RANGE = (0.1, 99.9)
"""Percentiles that become black and white in a JPEG of an image that was not exported to 8 bit before."""


@dataclass(frozen=True)
class FileRange:
    """The grey levels that a file of 8 bit can hold, in those of the image."""

    black: float
    white: float


BYTES = (IntensityTransform(0.0, 1.0), FileRange(0.0, 1.0))
"""What :func:`seen_range` would give for 8-bit images that a network sees on their own range, 0 to 1."""


def record(
    light: NDArray[np.float64],
    exposure: Exposure,
    draw: np.random.Generator,
    *,
    held: FileRange | None = None,
    same_in_every_frame: bool = False,
) -> NDArray[np.float64]:
    """Make an image of the light on the pixels of a camera.

    ``gain * Poisson((m - offset) / gain) + offset + Normal(0, read_noise)``, of variance
    ``gain * (m - offset) + read_noise**2``, where ``m`` is the light. Source: Foi, A., Trimeche, M.,
    Katkovnik, V. and Egiazarian, K. (2008). Practical Poissonian-Gaussian noise modeling and fitting for
    single-image raw-data. IEEE Trans. Image Processing 17(10), 1737-1754, eq. 1-4. Noise that neighbours
    share keeps that variance. A pattern that is the same in every frame is Gaussian, of that variance.

    Parameters
    ----------
    light
        ``(C, Y, X)``, or frames ``(T, C, Y, X)``, in grey levels.
    exposure
        The camera and the file.
    draw
        The generator of all that is random.
    held
        The grey levels that the file can hold; None: found from the percentiles of the image itself.
    same_in_every_frame
        Whether the noise of frames is a fixed pattern.

    Returns
    -------
    ndarray
        The image, of the same shape, in grey levels; rounded only where the file is one of 8 bit.
    """
    noise = _noise(light, exposure, draw, same_in_every_frame=same_in_every_frame)
    image = light if noise is None else light + _shared(noise, exposure.correlation)
    if exposure.hot_pixels:
        image = _with_hot_pixels(image, exposure, draw)
    return _filed(image, exposure, held)


def seen_range(
    values: NDArray[np.float64], exposure: Exposure, draw: np.random.Generator
) -> tuple[IntensityTransform, FileRange | None]:
    """Find the range that upscaling would find for an image with the noise of an exposure.

    The percentiles of noisy images lie farther apart than those of the light.

    Parameters
    ----------
    values
        A sample of the light of the image, any shape, in grey levels.
    exposure
        The camera and the file; how noise is shared between neighbours makes no difference.
    draw
        The generator of all that is random.

    Returns
    -------
    transform, held
        The transform that brings the image to the range of a network, and what a file of 8 bit holds of it,
        if it is one.
    """
    noise = _noise(values, exposure, draw, same_in_every_frame=False)
    noisy = values if noise is None else values + noise
    held = None
    if exposure.eight_bit is not None:
        held = _file_range(noisy, exposure.eight_bit)
        noisy = noisy.clip(held.black, held.white)
    elif exposure.jpeg is not None:
        held = _file_range(noisy, JPEG_RANGE)
    return percentile_transform(noisy), held


def _noise(
    light: NDArray[np.float64], exposure: Exposure, draw: np.random.Generator, *, same_in_every_frame: bool
) -> NDArray[np.float64] | None:
    """The noise of each pixel by itself, or None where there is none."""
    if not exposure.noisy:
        return None
    gain, read_noise = exposure.gain, exposure.read_noise
    above = np.maximum(light - exposure.offset, 0)  # pixels below the offset have no light
    if same_in_every_frame:
        pattern = draw.standard_normal(light.shape[-3:])
        return np.asarray(np.sqrt(gain * above + read_noise**2) * pattern)
    noise = read_noise * draw.standard_normal(light.shape) if read_noise else np.zeros(light.shape)
    if gain:
        photons = np.minimum(above / max(gain, 1e-12), _MOST_PHOTONS)
        noise += gain * (draw.poisson(photons) - photons)
    return noise


def _shared(noise: NDArray[np.float64], sigmas: tuple[float, float]) -> NDArray[np.float64]:
    """Noise blurred along Y and X, of the variance that it had."""
    for axis, sigma in zip((-2, -1), sigmas, strict=True):
        if sigma:
            (line,) = gaussian_lines(np.array([sigma]), int(np.ceil(CORRELATION_REACH * sigma)))
            noise = correlate1d(noise, line / np.sqrt(np.sum(line**2)), axis=axis, mode="reflect")
    return noise


def _with_hot_pixels(
    image: NDArray[np.float64], exposure: Exposure, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Some pixels brighter by up to the brightness of the image, the same in every frame and colour."""
    hot = draw.random(image.shape[-2:]) < exposure.hot_pixels
    brighter = draw.uniform(0, 1, image.shape[-2:]) * (image.max() - image.min())
    return np.asarray(image + hot * brighter)


def _file_range(image: NDArray[np.float64], percentiles: tuple[float, float]) -> FileRange:
    black, white = np.percentile(image, percentiles)
    return FileRange(float(black), float(white))


def _filed(image: NDArray[np.float64], exposure: Exposure, held: FileRange | None) -> NDArray[np.float64]:
    """The image as it comes back from the file."""
    if exposure.eight_bit is None and exposure.jpeg is None:
        return image
    held = held or _file_range(image, exposure.eight_bit or JPEG_RANGE)
    span = held.white - held.black
    if span <= 0:
        return image
    levels = np.round((image - held.black) / span * 255).clip(0, 255)
    if exposure.jpeg is not None:
        levels = _compressed(levels.astype(np.uint8), exposure.jpeg).astype(np.float64)
    return np.asarray(levels / 255 * span + held.black)


def _compressed(levels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """``(..., C, Y, X)`` of 8 bit, compressed as JPEG and read again; three colours as one picture."""
    frames = levels.reshape(-1, *levels.shape[-3:])
    if frames.shape[1] == 3:
        files = [_jpeg(frame.transpose(1, 2, 0), quality).transpose(2, 0, 1) for frame in frames]
    else:
        files = [np.stack([_jpeg(plane, quality) for plane in frame]) for frame in frames]
    return np.stack(files).reshape(levels.shape)


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
