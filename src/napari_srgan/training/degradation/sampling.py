"""What a low-resolution pixel sees of the high-resolution image, as matrices of weights."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ive
from torch import Tensor

from napari_srgan.networks.resampling import keys_kernel

Sampling = Literal["bicubic", "area", "point"]
"""Ways of making an image smaller: ``"bicubic"``, antialiased, as the field measures itself; ``"area"``, the
mean of the pixels, as a camera bins and as its own pixels gather light; ``"point"``, the one pixel in the
middle, or between those in the middle, which lets fine detail alias."""


def gaussian_lines(sigma: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """One discrete Gaussian of sum 1 for each sigma.

    Source: Lindeberg, T. (1990). Scale-space for discrete signals. IEEE Trans. PAMI 12(3), 234-254: the
    Gaussian ``exp(-t) * I_n(t)`` of variance ``t``, right for narrow ones too; a sigma of 0 is no blur.

    Parameters
    ----------
    sigma
        ``(N,)`` of float64, in pixels.
    radius
        Number of pixels on each side of the middle.

    Returns
    -------
    NDArray
        ``(N, 2 * radius + 1)`` of float64.
    """
    lines = ive(abs(np.arange(-radius, radius + 1)), sigma[:, None] ** 2)
    return np.asarray(lines / lines.sum(axis=1, keepdims=True))


def bicubic_reach(factor: int) -> int:
    """Pixels beyond those of an output pixel that the antialiased bicubic kernel sees."""
    return (3 * factor + 1) // 2 if factor > 1 else 0


def sampling_line(way: Sampling, factor: int) -> NDArray[np.float64]:
    """Weights by which the pixels around an output pixel are added to it; their sum is 1.

    All are centred on the output pixel: what is sampled in no way is shifted against another one.

    Parameters
    ----------
    way
        How the image is sampled.
    factor
        How many times smaller it becomes.

    Returns
    -------
    NDArray
        ``(factor + 2 * bicubic_reach(factor),)`` of float64.
    """
    reach = bicubic_reach(factor)
    places = np.arange(-reach, factor + reach) - (factor - 1) / 2
    if factor == 1:
        line = np.ones(1)
    elif way == "bicubic":
        line = keys_kernel(places / factor)
    else:
        # An even factor has no pixel in the middle, but two beside it.
        line = (abs(places) < (factor / 2 if way == "area" else 0.75)).astype(np.float64)
    return np.asarray(line / line.sum())


def band_matrices(lines: NDArray[np.float64], size: int, factor: int) -> Tensor:
    """Matrices that apply a line of weights around each output pixel.

    Where a line sees beyond the image, it sees the image's edge.

    Parameters
    ----------
    lines
        ``(N, taps)`` of float64, one line for each image.
    size
        Length of the axis of the images in pixels, a multiple of the factor.
    factor
        How many times smaller the axis becomes.

    Returns
    -------
    Tensor
        ``(N, size / factor, size)`` of float64.
    """
    beyond = (lines.shape[1] - factor) // 2
    first = factor * torch.arange(size // factor)[:, None] - beyond
    places = (first + torch.arange(lines.shape[1])).clamp(0, size - 1).expand(len(lines), -1, -1)
    weights = torch.from_numpy(np.ascontiguousarray(lines))[:, None].expand(-1, size // factor, -1)
    empty = torch.zeros(len(lines), size // factor, size, dtype=torch.float64)
    return empty.scatter_add_(2, places, weights)
