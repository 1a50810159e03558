"""Bicubic resampling by whole factors, on the pixel grid of MATLAB's ``imresize``.

Keys, R. (1981). Cubic convolution interpolation for digital image processing.
IEEE Trans. ASSP 29(6), 1153-1160, eq. 15 with a = -1/2.

Super-resolution is measured on low-resolution images made this way, so the kernel,
the antialiasing and the border are those of ``imresize``: the kernel is stretched by
the factor when an image is made smaller, pixel centres lie at half-integers, the image
is continued by its edge pixels, and integer images are rounded and clipped after each
axis, rows first. The low-resolution images the field is measured on (Set5, Set14) were made so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_SUPPORT = 2
"""Half the width of the cubic kernel, in samples."""


def keys_kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of a sample at a distance from the place to interpolate (Keys 1981, eq. 15, a = -1/2).

        Parameters
        ----------
        distance
            Signed distances in samples, of any shape.
    Signed distances in samples, float64 of any shape.
        Returns
        -------
        NDArray
            The weights, float64 of the same shape.
    """
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@cache
def _upsampling_weights(factor: int) -> list[list[float]]:
    """Weights ``(factor, taps)``: one row for each output pixel inside an input pixel."""
    offset = (np.arange(factor) + 0.5) / factor - 0.5
    taps = np.arange(-_SUPPORT, _SUPPORT + 1)
    weights = keys_kernel(taps[None] - offset[:, None])
    return (weights / weights.sum(axis=1, keepdims=True)).tolist()  # type: ignore[no-any-return]


@cache
def _downsampling_weights(factor: int) -> list[float]:
    """Weights ``(taps,)`` of the antialiased kernel; taps start `_downsampling_pad` early."""
    pad = _downsampling_pad(factor)
    centre = (factor - 1) / 2
    weights = keys_kernel((np.arange(-pad, factor + pad) - centre) / factor)
    return (weights / weights.sum()).tolist()  # type: ignore[no-any-return]


def _downsampling_pad(factor: int) -> int:
    return (2 * _SUPPORT * factor - factor + 1) // 2


def _upsampling_kernel(factor: int, dtype: torch.dtype) -> Tensor:
    """Weights ``(factor**2, 1, taps, taps)``: for each output pixel inside an input pixel."""
    line = torch.tensor(_upsampling_weights(factor), dtype=dtype)
    return torch.einsum("ia,jb->ijab", line, line).reshape(factor**2, 1, *2 * line.shape[1:])


def _downsampling_kernel(factor: int, dtype: torch.dtype) -> Tensor:
    return torch.tensor(_downsampling_weights(factor), dtype=dtype)


_MakeKernel = Callable[[int, torch.dtype], Tensor]


def _kernel(make: _MakeKernel, factor: int, image: Tensor) -> Tensor:
    """Weights where an image is. A copy to a device is kept: it would wait there for all that was ordered.

    On the CPU they are made each time: a tensor stays what it was made as, in inference mode or inside an
    exporter's tracing, and would be of no use to whoever comes next.
    """
    if image.device.type == "cpu":
        return make(factor, image.dtype)
    with torch.inference_mode(False):
        return _kernel_on(image.device, make, factor, image.dtype)


@cache
def _kernel_on(device: torch.device, make: _MakeKernel, factor: int, dtype: torch.dtype) -> Tensor:
    return make(factor, dtype).to(device)


def bicubic_upsample(image: Tensor, factor: int) -> Tensor:
    """Interpolate an image by a whole factor.

    Parameters
    ----------
    image
        ``(N, C, Y, X)``, float32 or float64; never computed in less, autocast or not.
    factor
        The factor, a whole number of 1 or more.

    Returns
    -------
    Tensor
        ``(N, C, Y * factor, X * factor)``, the dtype of `image`; `image` itself at a factor of 1.
    """
    if factor == 1:
        return image
    n, c, y, x = image.shape
    kernel = _kernel(_upsampling_kernel, factor, image)
    planes = F.pad(image.reshape(n * c, 1, y, x), (_SUPPORT,) * 4, mode="replicate")
    with torch.autocast(image.device.type, enabled=False):
        phases = F.conv2d(planes, kernel)
    return F.pixel_shuffle(phases, factor).reshape(n, c, y * factor, x * factor)


BACK_PROJECTION_RADIUS = 2 * _SUPPORT
"""Low-resolution pixels that :func:`back_project` sees beyond those of its result."""


def back_project(high: Tensor, low: Tensor, factor: int) -> Tensor:
    """Add what an upscaled image lacks to become the low-resolution image again.

    One step of iterative back-projection (Irani, M. and Peleg, S. (1991). Improving
    resolution by image registration. CVGIP 53(3), section 3) with the bicubic kernels
    both ways. It keeps the mean, and all else that low resolution can tell.

    Parameters
    ----------
    high
        ``(N, C, Y * factor, X * factor)`` float32.
    low
        ``(N, C, Y, X)`` float32, what `high` was made from.
    factor
        Scale factor of the upscaling.

    Returns
    -------
    Tensor
        ``(N, C, Y * factor, X * factor)`` float32.
    """
    return high + bicubic_upsample(low - bicubic_downsample(high, factor), factor)


def bicubic_downsample(image: Tensor, factor: int, *, integers: tuple[int, int] | None = None) -> Tensor:
    """Make an image smaller by a whole factor, with antialiasing.

    Parameters
    ----------
    image
        ``(N, C, Y, X)``, float32 or float64, `Y` and `X` multiples of `factor`.
    factor
        The factor, a whole number of 1 or more.
    integers
        The smallest and the largest value of an integer type, to round and to clip to it after each axis, as
        is done for images of such a type; None for floats.

    Returns
    -------
    Tensor
        ``(N, C, Y / factor, X / factor)``, the dtype of `image`; `image` itself at a factor of 1.

    Raises
    ------
    ValueError
        If `Y` or `X` is no multiple of `factor`.
    """
    n, c, y, x = image.shape
    if y % factor or x % factor:
        raise ValueError(f"an image of {y} x {x} pixels cannot be divided by {factor}; crop it first")
    if factor == 1:
        return image
    pad = _downsampling_pad(factor)
    line = _kernel(_downsampling_kernel, factor, image)
    planes = F.pad(image.reshape(n * c, 1, y, x), (pad,) * 4, mode="replicate")
    with torch.autocast(image.device.type, enabled=False):
        rows = F.conv2d(planes, line.reshape(1, 1, -1, 1), stride=(factor, 1))
        rows = rows.round().clamp(*integers) if integers else rows
        both = F.conv2d(rows, line.reshape(1, 1, 1, -1), stride=(1, factor))
    both = both.round().clamp(*integers) if integers else both
    return both.reshape(n, c, y // factor, x // factor)
