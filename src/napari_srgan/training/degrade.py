"""Low resolution made from high resolution, the way the field measures itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.point_spread import PointSpread


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


@dataclass(frozen=True)
class Degradation:
    """How a low-resolution image is simulated from a high-resolution one.

    Ranges are ``(lowest, highest)``; a value is drawn from them anew for each patch.
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


def margin(degradation: Degradation) -> int:
    """High-resolution pixels that must be read beyond each side of a patch, a multiple of the factor.

    Low resolution simulated from a patch with this margin, less ``margin // factor``
    pixels of each side, is what the whole image would have given.
    """
    raise NotImplementedError


def simulate(high: Tensor, degradation: Degradation, draw: np.random.Generator) -> Tensor:
    """Make low resolution as a camera would have seen it: blur, antialiased downsampling, noise.

    Parameters
    ----------
    high
        ``(N, C, Y, X)`` floats in grey levels, `Y` and `X` multiples of the factor.
    degradation
        Its ranges are drawn from anew for each of the N images.
    draw
        All that is random comes from here.

    Returns
    -------
    Tensor
        ``(N, C, Y / factor, X / factor)`` in grey levels.
    """
    raise NotImplementedError


def default_degradation(high: Any, factor: int) -> Degradation:
    """What a user who sets nothing gets: a light random blur, and noise as the camera of `high` has it."""
    raise NotImplementedError


def preview(
    high_plane: NDArray[Any], degradation: Degradation, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """One degraded patch for the viewer.

    Parameters
    ----------
    high_plane
        ``(Y, X)`` or ``(Y, X, K)``, any real dtype.

    Returns
    -------
    low, high
        ``(y, x[, K])`` and the crop of `high_plane` that it was made from, ``(y * factor, x * factor[, K])``,
        both of its dtype.
    """
    raise NotImplementedError
