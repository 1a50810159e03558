"""Small blocks of an image: how bright each is, and how strong the finest detail in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 8
"""Pixels along the side of a block."""


@dataclass(frozen=True)
class Blocks:
    """Blocks of some windows, one after the other."""

    level: NDArray[np.floating]
    """``(blocks,)``: mean brightness."""
    power: NDArray[np.floating]
    """``(blocks,)``: mean power of the finest detail; of white noise, its variance."""


def blocks_of(windows: Sequence[NDArray[np.floating]], spacing: int = 1) -> Blocks:
    """Cut windows into blocks, and measure the finest detail in each.

    It is what is left by the mask of Immerkaer, J. (1996). Fast noise variance estimation. Computer Vision
    and Image Understanding 64(2), 300-302, eq. 1: it does not see slopes and curvature along the axes, and
    its squares sum to 36.

    Parameters
    ----------
    windows
        At least one window ``(Y, X)`` of a float dtype, in which everything is computed. Blocks with values
        that are not finite have none that are.
    spacing
        Pixels between those of the mask: at 2 it sees detail that is twice as coarse.
    """
    found = [_blocks(window, spacing) for window in windows]
    level, power = (np.concatenate(values) for values in zip(*found, strict=True))
    return Blocks(level, power)


def whole_blocks(shape: tuple[int, ...], spacing: int = 1) -> tuple[int, int]:
    """Rows and columns of pixels of a window, from `spacing` on, that are cut into blocks."""
    rows, columns = (max(size - 2 * spacing, 0) // BLOCK * BLOCK for size in shape)
    return rows, columns


def _blocks(window: NDArray[np.floating], spacing: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    rows, columns = whole_blocks(window.shape, spacing)
    if min(rows, columns) == 0:
        return np.empty(0, window.dtype), np.empty(0, window.dtype)
    window = window[: rows + 2 * spacing, : columns + 2 * spacing]
    inner = slice(spacing, -spacing)
    with np.errstate(invalid="ignore"):
        residual = _second_difference(_second_difference(window, spacing).T, spacing).T
        power = _block_mean(np.square(residual, out=residual)) / 36
        return _block_mean(window[inner, inner]).ravel(), power.ravel()


def _second_difference(values: NDArray[np.floating], spacing: int) -> NDArray[np.floating]:
    """Along the first axis."""
    difference = values[: -2 * spacing] + values[2 * spacing :]
    difference -= 2 * values[spacing:-spacing]
    return difference


def _block_mean(values: NDArray[np.floating]) -> NDArray[np.floating]:
    rows, columns = values.shape
    # Whole rows first, which the processor adds many columns at a time.
    strips = values.reshape(rows // BLOCK, BLOCK, columns).sum(axis=1)
    total = strips.reshape(rows // BLOCK, columns // BLOCK, BLOCK).sum(axis=2)
    return np.asarray(total / BLOCK**2)
