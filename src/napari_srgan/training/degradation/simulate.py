"""Low resolution as a microscope would have taken it, made from high resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_srgan.acquisition.camera import Camera, estimate_camera
from napari_srgan.training.degradation.camera_noise import FileRange, record
from napari_srgan.training.degradation.exposure import Exposure, draw_exposure
from napari_srgan.training.degradation.sampling import (
    band_matrices,
    bicubic_reach,
    gaussian_lines,
    sampling_line,
)
from napari_srgan.training.degradation.settings import GAUSSIAN_REACH, Degradation

DIMMEST = 16.0
"""Factor by which there may be less light than in the image itself where its denoising is learned."""


def margin(degradation: Degradation) -> int:
    """High-resolution pixels that must be read beyond each side of a patch, a multiple of the factor.

    Low resolution simulated from a patch with this margin, less ``margin // factor``
    pixels of each side, is what the whole image would have given.
    """
    factor = degradation.factor
    reach = degradation.blur_radius + bicubic_reach(factor)
    return math.ceil(reach / factor) * factor


def window(high: Tensor, top: int, left: int, side: int, around: int) -> Tensor:
    """A patch with its margin, continued by its edge where the image ends, as downsampling is.

    Parameters
    ----------
    high
        Images ``(..., Y, X)`` of any dtype.
    top, left, side
        First pixel of the patch along Y and along X, and its side, in pixels.
    around
        The margin in pixels.

    Returns
    -------
    Tensor
        ``(..., side + 2 * around, side + 2 * around)`` of the same dtype.
    """
    spans = [
        np.arange(start - around, start + side + around).clip(0, length - 1)
        for start, length in zip((top, left), high.shape[-2:], strict=True)
    ]
    (y0, y1), (x0, x1) = ((int(s.min()), int(s.max()) + 1) for s in spans)
    part = high[..., y0:y1, x0:x1]
    if part.shape[-2:] == (len(spans[0]), len(spans[1])):
        return part
    rows, columns = (torch.from_numpy(s - s.min()) for s in spans)
    return part[..., rows, :][..., columns]


def simulate(high: Tensor, degradation: Degradation, draw: np.random.Generator) -> Tensor:
    """Make low resolution as a camera would have seen it, each image by an exposure of its own.

    Parameters
    ----------
    high
        ``(N, C, Y, X)``, or clips of frames ``(N, T, C, Y, X)``; float32 or float64 in grey levels, finite,
        `Y` and `X` multiples of the factor. Beyond its edges it is taken to go on as there: see
        :func:`margin`.
    degradation
        The degradation. Its ranges are drawn from anew for each of the N images or clips; colours and frames
        are treated alike, with noise of their own.
    draw
        The generator of all that is random, on any device the same.

    Returns
    -------
    Tensor
        ``([...,] C, Y / factor, X / factor)`` in grey levels, not rounded, of the dtype and device of `high`.

    Raises
    ------
    ValueError
        If `Y` or `X` is no multiple of the factor.
    """
    exposures = [draw_exposure(degradation, draw) for _ in range(len(high))]
    return expose(high, exposures, degradation, draw)


def expose(
    high: Tensor,
    exposures: Sequence[Exposure],
    degradation: Degradation,
    draw: np.random.Generator,
    held: Sequence[FileRange | None] | None = None,
) -> Tensor:
    """Take each image or clip by the exposure that was drawn for it.

    Parameters
    ----------
    high, degradation, draw
        See :func:`simulate`.
    exposures
        The N exposures, one for each image or clip.
    held
        What each file of 8 bit can hold; by default it is found as
        :func:`~napari_srgan.training.degradation.camera_noise.record` does.

    Returns
    -------
    Tensor
        The low-resolution images ``([...,] C, Y / factor, X / factor)``, as from :func:`simulate`.

    Raises
    ------
    ValueError
        If `Y` or `X` is no multiple of the factor.
    """
    if any(size % degradation.factor for size in high.shape[-2:]):
        raise ValueError(f"{tuple(high.shape)} cannot be divided by {degradation.factor}; crop it first")
    # What an optics is like is the same for frames as for colours.
    light = _on_the_pixels(high.flatten(1, -3), exposures, degradation)
    light = light.reshape(*high.shape[:-2], *light.shape[-2:])
    if not any(exposure.recorded for exposure in exposures):
        return light
    fixed = high.ndim == 5 and degradation.noise == "the same in every frame"
    seen = light.cpu().numpy().astype(np.float64)
    for number, exposure in enumerate(exposures):
        known = held[number] if held else None
        seen[number] = record(seen[number], exposure, draw, held=known, same_in_every_frame=fixed)
    return torch.from_numpy(seen).to(light)


def _on_the_pixels(high: Tensor, exposures: Sequence[Exposure], degradation: Degradation) -> Tensor:
    """Blur and downsampling of ``(N, C, Y, X)`` in one step, as products with matrices from both sides.

    Several times faster than convolutions that differ from image to image.
    """
    factor = degradation.factor
    n, c, y, x = high.shape
    low = high.new_empty(n, c, y // factor, x // factor)
    gaussian = [number for number, exposure in enumerate(exposures) if exposure.psf is None]
    if gaussian:
        radius = math.ceil(GAUSSIAN_REACH * max(max(exposures[number].sigma) for number in gaussian))
        rows, columns = (
            _matrices([exposures[number] for number in gaussian], axis, radius, size, factor).to(high)[
                :, None
            ]
            for axis, size in enumerate((y, x))
        )
        low[gaussian] = rows @ high[gaussian] @ columns.mT
    for number, exposure in enumerate(exposures):
        if exposure.psf is not None:
            low[number] = _through_lens(high[number], exposure, factor)
    return low


def _matrices(exposures: Sequence[Exposure], axis: int, radius: int, size: int, factor: int) -> Tensor:
    """Blur and sampling of some exposures along one axis: ``(N, size / factor, size)``."""
    blurs = gaussian_lines(np.array([exposure.sigma[axis] for exposure in exposures]), radius)
    lines = [
        np.convolve(blur, sampling_line(exposure.sampling, factor))
        for blur, exposure in zip(blurs, exposures, strict=True)
    ]
    return band_matrices(np.stack(lines), size, factor)


def _through_lens(high: Tensor, exposure: Exposure, factor: int) -> Tensor:
    """One image ``(C, Y, X)`` through a point spread function that is no Gaussian, and downsampled."""
    assert exposure.psf is not None
    sampled = sampling_line(exposure.sampling, factor)
    # What a point spreads over is gathered from the opposite side.
    vertical, horizontal = (
        np.stack([np.convolve(line[::-1], sampled) for line in lines]) for lines in exposure.psf.separable
    )
    c, y, x = high.shape
    rows, columns = (
        band_matrices(lines, size, factor).to(high) for lines, size in ((vertical, y), (horizontal, x))
    )
    terms = (rows.flatten(0, 1) @ high).reshape(c, len(rows), y // factor, x)
    # The sum over the products is part of the second multiplication.
    side_by_side = terms.transpose(1, 2).flatten(2)
    return side_by_side @ columns.transpose(1, 2).flatten(0, 1)


def default_degradation(high: Any, factor: int) -> Degradation:
    """What a user who sets nothing gets: a light random blur, and the noise that the camera of `high` makes.

    Parameters
    ----------
    high
        The high-resolution image, as :func:`~napari_srgan.acquisition.camera.estimate_camera` takes it.
    factor
        How many times smaller the low-resolution image is.
    """
    return degradation_of(estimate_camera(high), factor)


def degradation_of(camera: Camera, factor: int) -> Degradation:
    """A light random blur, and the noise of a camera.

    A pixel of the low-resolution image gathers the light of ``factor**2`` pixels, so its noise lies between
    that of the same exposure and that of ``factor**2`` times as many photons, at the same grey level.

    At a factor of 1 it is that of 1 to 1/:data:`DIMMEST` of the light: the high-resolution image has the
    noise of its own exposure, which nobody can take off, and with no more than that a network would learn
    to leave half of it (Moran, N. et al. (2020). Noisier2Noise. CVPR, arXiv 1910.11908, section 3).

    Parameters
    ----------
    camera
        The camera of the high-resolution image.
    factor
        How many times smaller the low-resolution image is.
    """
    least, most = (1 / factor, 1.0) if factor > 1 else (1.0, DIMMEST**0.5)
    return Degradation(
        factor,
        gain=(camera.gain * least**2, camera.gain * most**2) if camera.gain else None,
        offset=camera.offset,
        read_noise=(camera.read_noise * least, camera.read_noise * most),
    )
