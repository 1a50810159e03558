"""Low resolution made from high resolution, the way the field measures itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.acquisition.camera import estimate_camera
from napari_srgan.errors import UserError
from napari_srgan.inference.arrays import check_array, restore_dtype
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.degradation import Degradation
from napari_srgan.training.low_pixels import band_matrices, bicubic_reach, gaussian_lines, with_bicubic

__all__ = ["Degradation", "default_degradation", "degrade", "margin", "preview", "simulate"]

PREVIEW_SIDE, LEAST_PREVIEW = 64, 4
"""Low-resolution pixels along the side of a preview: wanted, and at least."""
PREVIEW_PLACES = 12
"""Rows and columns of places that are looked at for one."""
MOST_PHOTONS = 1e15
"""Where drawing numbers of photons ends; their noise is nothing to the image there."""


def degrade(high: NDArray[Any], factor: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Make a low-resolution image by antialiased bicubic interpolation.

    Parameters
    ----------
    high
        ``(Y, X, C)`` of any real dtype; cropped at its end to multiples of `factor`.
    factor
        How many times smaller the result is.

    Returns
    -------
    low, high
        Both of the dtype of `high`: ``(Y // factor, X // factor, C)``, and the crop of
        `high` that it was made from.
    """
    y, x = (size // factor * factor for size in high.shape[:2])
    high = high[:y, :x]
    info = np.iinfo(high.dtype) if high.dtype.kind in "iu" else None
    planes = torch.from_numpy(high.astype(np.float64).transpose(2, 0, 1))[None]
    integers = (int(info.min), int(info.max)) if info else None
    low = bicubic_downsample(planes, factor, integers=integers)[0].numpy()
    return low.transpose(1, 2, 0).astype(high.dtype), high


def margin(degradation: Degradation) -> int:
    """High-resolution pixels that must be read beyond each side of a patch, a multiple of the factor.

    Low resolution simulated from a patch with this margin, less ``margin // factor``
    pixels of each side, is what the whole image would have given.
    """
    factor = degradation.factor
    reach = degradation.blur_radius + bicubic_reach(factor)
    return math.ceil(reach / factor) * factor


def simulate(high: Tensor, degradation: Degradation, draw: np.random.Generator) -> Tensor:
    """Make low resolution as a camera would have seen it: blur, antialiased downsampling, noise.

    The mean ``m`` of a pixel is that of its light after blur and bicubic downsampling; then photons and
    electronics: ``gain * Poisson((m - offset) / gain) + offset + Normal(0, read_noise)``, of variance
    ``gain * (m - offset) + read_noise**2``. Source of the noise model: Foi, A., Trimeche, M.,
    Katkovnik, V. and Egiazarian, K. (2008). Practical Poissonian-Gaussian noise modeling and fitting
    for single-image raw-data. IEEE Trans. Image Processing 17(10), 1737-1754, eq. 1-4. A pattern that is
    the same in every frame is Gaussian, of that variance.

    Parameters
    ----------
    high
        ``(N, C, Y, X)``, or clips of frames ``(N, T, C, Y, X)``; float32 or float64 in grey levels, finite,
        `Y` and `X` multiples of the factor. Beyond its edges it is taken to go on as there: see
        :func:`margin`.
    degradation
        Its ranges are drawn from anew for each of the N images or clips; colours and frames are treated
        alike, with noise of their own.
    draw
        All that is random comes from here, on any device the same.

    Returns
    -------
    Tensor
        ``([...,] C, Y / factor, X / factor)`` in grey levels, not rounded, of the dtype and device of `high`.

    Raises
    ------
    ValueError
        If `Y` or `X` is no multiple of the factor.
    """
    if any(size % degradation.factor for size in high.shape[-2:]):
        raise ValueError(f"{tuple(high.shape)} cannot be divided by {degradation.factor}; crop it first")
    # What an optics and a camera are like is the same for frames as for colours.
    low = _seen_by_pixels(high.flatten(1, -3), degradation, draw)
    low = low.reshape(*high.shape[:-2], *low.shape[-2:])
    return _with_noise(low, degradation, draw)


def _seen_by_pixels(high: Tensor, degradation: Degradation, draw: np.random.Generator) -> Tensor:
    """Blur and downsampling in one step, as products with matrices from both sides.

    Several times faster than convolutions that differ from image to image.
    """
    factor = degradation.factor
    if degradation.psf is None:
        sigma = draw.uniform(*degradation.blur, size=len(high)) * factor
        lines = with_bicubic(gaussian_lines(sigma, degradation.blur_radius), factor)
        rows, columns = (band_matrices(lines, size, factor).to(high)[:, None] for size in high.shape[2:])
        return rows @ high @ columns.mT
    # What a point spreads over is gathered from the opposite side.
    vertical, horizontal = (with_bicubic(lines[:, ::-1], factor) for lines in degradation.psf.separable)
    rows, columns = (
        band_matrices(lines, size, factor).to(high)
        for lines, size in zip((vertical, horizontal), high.shape[2:], strict=True)
    )
    n, c, y, x = high.shape
    terms = rows.flatten(0, 1) @ high.reshape(n * c, y, x)
    # The sum over the products is part of the second multiplication.
    side_by_side = terms.reshape(n * c, len(rows), y // factor, x).transpose(1, 2).flatten(2)
    low: Tensor = side_by_side @ columns.transpose(1, 2).flatten(0, 1)
    return low.reshape(n, c, y // factor, x // factor)


def _with_noise(low: Tensor, degradation: Degradation, draw: np.random.Generator) -> Tensor:
    each = (len(low), *(1,) * (low.ndim - 1))
    gain = draw.uniform(*degradation.gain, size=each) if degradation.gain else np.zeros(each)
    read_noise = draw.uniform(*degradation.read_noise, size=each)
    if not (gain.any() or read_noise.any()):
        return low
    mean = low.cpu().numpy().astype(np.float64)
    if low.ndim == 5 and degradation.noise == "the same in every frame":
        light = np.maximum(mean - degradation.offset, 0)
        pattern = draw.standard_normal((len(mean), 1, *mean.shape[2:]))
        return low + torch.from_numpy(np.sqrt(gain * light + read_noise**2) * pattern).to(low)
    noise = read_noise * draw.standard_normal(mean.shape) if read_noise.any() else np.zeros(mean.shape)
    if gain.any():
        # Pixels below the offset have no light; a gain of 0 is no photon noise.
        photons = np.clip((mean - degradation.offset) / np.maximum(gain, 1e-12), 0, MOST_PHOTONS)
        noise += gain * (draw.poisson(photons) - photons)
    return low + torch.from_numpy(noise).to(low)


def default_degradation(high: Any, factor: int) -> Degradation:
    """What a user who sets nothing gets: a light random blur, and the noise that the camera of `high` makes.

    A pixel of the low-resolution image gathers the light of ``factor**2`` pixels, so its noise lies between
    that of the same exposure and that of ``factor**2`` times as many photons, at the same grey level.

    Parameters
    ----------
    high
        As for :func:`~napari_srgan.acquisition.camera.estimate_camera`.
    factor
        How many times smaller the low-resolution image is.
    """
    camera = estimate_camera(high)
    return Degradation(
        factor,
        gain=(camera.gain / factor**2, camera.gain) if camera.gain else None,
        offset=camera.offset,
        read_noise=(camera.read_noise / factor, camera.read_noise),
    )


def preview(high_plane: Any, degradation: Degradation, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """One degraded patch for the viewer, from where the image has most contrast.

    Parameters
    ----------
    high_plane
        ``(Y, X)`` or ``(Y, X, K)``, any real dtype, numpy, dask or zarr.
    degradation
        To show.
    seed
        Of what is drawn: another seed shows another blur and noise.

    Returns
    -------
    low, high
        ``(y, x[, K])`` and the crop of `high_plane` that it was made from, ``(y * factor, x * factor[, K])``,
        both of its dtype; `y` and `x` at most :data:`PREVIEW_SIDE`.

    Raises
    ------
    UserError
        If it is no plane, or smaller than a few low-resolution pixels.
    """
    plane = np.asarray(check_array(high_plane)[...])
    factor = degradation.factor
    if plane.ndim not in (2, 3) or min(plane.shape[:2]) < LEAST_PREVIEW * factor:
        raise UserError(
            f"a preview needs one plane of at least {LEAST_PREVIEW * factor} pixels a side; got {plane.shape}"
        )
    sides = [min(size // factor, PREVIEW_SIDE) * factor for size in plane.shape[:2]]
    start = _most_contrast(plane, sides, factor)
    beyond = margin(degradation)
    window = [
        slice(max(at - beyond, 0), min(at + side + beyond, size // factor * factor))
        for at, side, size in zip(start, sides, plane.shape, strict=False)
    ]
    high = torch.from_numpy(_colours(plane[tuple(window)]))[None]
    low = simulate(high, degradation, np.random.default_rng(seed))[0].numpy()
    inside = [
        slice((at - seen.start) // factor, (at - seen.start + side) // factor)
        for at, side, seen in zip(start, sides, window, strict=True)
    ]
    patch = np.moveaxis(low[:, *inside], 0, 2)
    crop = plane[start[0] : start[0] + sides[0], start[1] : start[1] + sides[1]]
    return restore_dtype(patch, plane.dtype).reshape(*patch.shape[:2], *plane.shape[2:]), crop.copy()


def _colours(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """``(Y, X[, K])`` as ``(K, Y, X)`` without NaN and infinities."""
    colours = np.moveaxis(pixels.reshape(*pixels.shape[:2], -1).astype(np.float64), 2, 0)
    return np.stack([fill_nonfinite(colour, 0.0) for colour in colours])


def _most_contrast(plane: NDArray[Any], sides: list[int], factor: int) -> list[int]:
    """First pixel, a multiple of the factor, of the window that varies most."""

    def starts(size: int, side: int) -> list[int]:
        last = (size - side) // factor
        return [int(at) * factor for at in np.unique(np.linspace(0, last, PREVIEW_PLACES).astype(int))]

    def contrast(at: list[int]) -> float:
        part = plane[at[0] : at[0] + sides[0], at[1] : at[1] + sides[1]]
        return float(_colours(part).std(axis=(1, 2)).mean())

    rows, columns = (starts(size, side) for size, side in zip(plane.shape, sides, strict=False))
    return max(([y, x] for y in rows for x in columns), key=contrast)
