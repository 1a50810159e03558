"""Planes of the user's images as a network sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.training.fine_tuning.split import Split

SIGNAL_BLOCK = 8
"""Low-resolution pixels over which signal is measured."""


@dataclass(frozen=True)
class LearnedPlane:
    """One plane, with what is learned from it and what is held back."""

    source: str
    """Name of the pair or image."""
    low: Tensor | None
    """``(C, Y, X)`` float32 in the network's range; None where it is simulated patch by patch."""
    high: Tensor
    """``(C, Y * factor, X * factor)`` float32: in the network's range, or in grey levels where low
    resolution is simulated from it."""
    split: Split
    signal: NDArray[np.float32]
    """``(Y, X)``: how much there is to be seen, mean 1."""
    seen: IntensityTransform
    """From grey levels of the low-resolution image to the network's range."""
    target: IntensityTransform
    """From grey levels of the high-resolution image to the network's range."""
    movie: tuple[object, ...] = ()
    """Equal for planes that are frames of one movie."""
    frame: int = 0
    """Place in its movie."""


def filled(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """``(Y, X, K)`` float32 without NaN and infinities, which are not usable but would spread."""
    values: NDArray[np.float32] = pixels.astype(np.float32)
    if pixels.dtype.kind == "f" and not np.isfinite(values).all():
        finite = values[np.isfinite(values)]
        mean = float(finite.mean()) if finite.size else 0.0
        values = np.stack([fill_nonfinite(values[..., k], mean) for k in range(values.shape[-1])], axis=-1)
    return values


def signal_of(high: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """How much there is to be seen around each low-resolution pixel.

    The standard deviation in blocks, which is high at edges and texture on dark and on bright grounds
    alike; less that of the noise alone, which is everywhere.

    Parameters
    ----------
    high
        ``(Y * factor, X * factor, C)``.
    factor
        Scale factor of the resolution.

    Returns
    -------
    NDArray
        ``(Y, X)`` float32, mean 1; all 1 if there is nothing to be seen.
    """
    gray = torch.from_numpy(np.nan_to_num(high.mean(axis=-1), posinf=0, neginf=0))[None, None]
    shape = [size // factor for size in gray.shape[2:]]
    side = max(min(SIGNAL_BLOCK, *shape), 1) * factor
    mean, square = (
        torch.nn.functional.avg_pool2d(each, side, ceil_mode=True, count_include_pad=False)
        for each in (gray, gray.square())
    )
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    # The quietest blocks have only noise.
    deviation = (deviation - deviation.quantile(0.05)).clamp(min=0)
    blocks: NDArray[np.float32] = deviation[0, 0].numpy()
    each = side // factor
    signal = blocks.repeat(each, axis=0).repeat(each, axis=1)[: shape[0], : shape[1]]
    mean_signal = float(signal.mean())
    if mean_signal <= 0:
        return np.ones(signal.shape, np.float32)
    result: NDArray[np.float32] = (signal / mean_signal).astype(np.float32)
    return result


def to_tensor(pixels: NDArray[np.float32]) -> Tensor:
    """``(Y, X, C)`` as a tensor ``(C, Y, X)`` of its own."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32))
