"""A look at what a degradation does to an image, where there is most to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array, restore_dtype
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import margin, simulate

PREVIEW_SIDE, LEAST_PREVIEW = 64, 4
"""Low-resolution pixels along the side of a preview: wanted, and at least."""
PREVIEW_PLACES = 12
"""Rows and columns of places that are looked at for one."""


def preview(high_plane: Any, degradation: Degradation, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """One degraded patch for the viewer, from where the image has most contrast.

    Parameters
    ----------
    high_plane
        ``(Y, X)`` or ``(Y, X, K)``, any real dtype, numpy, dask or zarr.
    degradation
        The degradation to show.
    seed
        Seed of what is drawn: another seed shows another blur and noise.

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
    start = most_contrast(plane, sides, factor)
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


def most_contrast(plane: NDArray[Any], sides: list[int], factor: int = 1) -> list[int]:
    """First pixel, a multiple of the factor, of the window that varies most.

    Parameters
    ----------
    plane
        ``(Y, X)`` or ``(Y, X, K)``, of any real dtype.
    sides
        Sides of the window along Y and X.
    factor
        The scale factor, of which the first pixel is a multiple.
    """

    def starts(size: int, side: int) -> list[int]:
        last = (size - side) // factor
        return [int(at) * factor for at in np.unique(np.linspace(0, last, PREVIEW_PLACES).astype(int))]

    def contrast(at: list[int]) -> float:
        part = plane[at[0] : at[0] + sides[0], at[1] : at[1] + sides[1]]
        return float(_colours(part).std(axis=(1, 2)).mean())

    rows, columns = (starts(size, side) for size, side in zip(plane.shape, sides, strict=False))
    return max(([y, x] for y in rows for x in columns), key=contrast)
