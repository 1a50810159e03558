"""How much results of one image differ: on the whole, and where they differ most.

A mean over an image with a black background hides the places that matter; so the blocks with most are told
of beside it, and both in parts of the contrast.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.significant import significant

BLOCK = 16
"""Pixels of the result along the side of the blocks on which the spread says something."""
MOST = 20
"""One of so many blocks is among those where results differ most."""
_SAMPLED = 2**20
"""Values of a channel that are looked at for its contrast, about."""


@dataclass(frozen=True)
class ChannelSpread:
    """The spread in one channel, in grey levels of the result."""

    typical: float
    """Root mean square."""
    most: float
    """Root mean square in the twentieth of the blocks where it is largest."""
    contrast: float
    """Between the darkest and the brightest places; 0 if all is one value."""

    @property
    def words(self) -> str:
        """Both figures, for the end of a sentence."""
        return (
            f"by {self._amount(self.typical)} (root mean square); in the twentieth of the blocks of "
            f"{BLOCK} x {BLOCK} pixels where they differ most, by {self._amount(self.most)}"
        )

    def _amount(self, levels: float) -> str:
        share = (
            f" or {significant(100 * levels / self.contrast, 2)} % of the contrast" if self.contrast else ""
        )
        return f"{significant(levels)} grey levels{share}"


def spread_of(mean: NDArray[Any], spread: NDArray[Any], axes: str) -> dict[int, ChannelSpread]:
    """Figures of each channel, by its number; of colours one for all.

    Parameters
    ----------
    mean, spread
        Mean and standard deviation of results, of one shape, in grey levels; NaN is left out.
    axes
        One letter for each of their axes.
    """
    channels = range(mean.shape[axes.index("C")]) if "C" in axes else range(1)
    return {channel: _of_channel(mean, spread, axes, channel) for channel in channels}


def _of_channel(mean: NDArray[Any], spread: NDArray[Any], axes: str, channel: int) -> ChannelSpread:
    blocks, total, count = [np.zeros(0)], 0.0, 0
    samples = []
    planes = list(_planes(mean.shape, axes, channel))
    step = max(1, round((mean[planes[0]].size * len(planes) / _SAMPLED) ** 0.5))
    for key in planes:
        squares = spread[key].astype(np.float64) ** 2
        seen = np.isfinite(squares)
        squares = np.where(seen, squares, 0)
        blocks.append(_block_means(squares, seen))
        total, count = total + float(squares.sum()), count + int(seen.sum())
        samples.append(mean[key][::step, ::step].ravel())
    squared = np.sort(np.concatenate(blocks))
    most = squared[-max(1, squared.size // MOST) :]
    return ChannelSpread(
        typical=float(np.sqrt(total / count)) if count else 0.0,
        most=float(np.sqrt(most.mean())) if most.size else 0.0,
        contrast=float(percentile_transform(np.concatenate(samples)).span),
    )


def _planes(shape: tuple[int, ...], axes: str, channel: int) -> Iterator[tuple[int, ...]]:
    leading = axes[: axes.index("Y")]
    return product(
        *([channel] if axis == "C" else range(size) for axis, size in zip(leading, shape, strict=False))
    )


def _block_means(squares: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Means over the blocks of a plane ``(Y, X[, S])``; without those of which less than half is seen."""
    sums, counts = (
        _block_sums(values.reshape(*values.shape[:2], -1).sum(axis=2)) for values in (squares, seen)
    )
    most = BLOCK**2 * (squares.shape[2] if squares.ndim == 3 else 1)
    enough = counts >= min(most, float(counts.max())) / 2
    return np.asarray(sums[enough & (counts > 0)] / counts[enough & (counts > 0)])


def _block_sums(plane: NDArray[Any]) -> NDArray[np.float64]:
    rows, columns = (np.arange(0, size, BLOCK) for size in plane.shape)
    down = np.add.reduceat(plane.astype(np.float64), rows, axis=0)
    return np.asarray(np.add.reduceat(down, columns, axis=1))
