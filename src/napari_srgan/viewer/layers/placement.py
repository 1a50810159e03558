"""Where an upscaled image lies, so that every pixel centre stays where it was.

napari's coordinates are pixel centres: pixel `p` of a layer lies at

    world = affine(L p + translate),   L = rotate * shear * diag(scale).

Pixel `q` of a result, `factor` times finer along Y and X and cut out at `origin`, has its
centre at `p = q / factor + shift` with

    shift = origin + 1 / (2 * factor) - 1 / 2

along Y and X, and `p = q` along all other axes. So the result takes `scale / factor` along
Y and X and `translate + L shift`; rotate, shear and affine stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Placement:
    """What changes in the transform of a layer."""

    scale: tuple[float, ...]
    """World units from pixel to pixel, one for each axis."""
    translate: tuple[float, ...]
    """Where the centre of the first pixel lies before `affine`, one for each axis."""


def place_result(
    linear: NDArray[np.float64],
    scale: ArrayLike,
    translate: ArrayLike,
    factor: int,
    origin: tuple[int, int] = (0, 0),
) -> Placement:
    """Place a result on the image it was made from.

    Parameters
    ----------
    linear
        ``(N, N)`` of float64: rotate * shear * diag(scale) of the image, Y and X last.
    scale, translate
        ``(N,)`` of the image, in world units.
    factor
        How many times finer the result is along Y and X.
    origin
        Y and X of the first pixel of the part that was upscaled.
    """
    finer = np.ones(len(linear))
    finer[-2:] = factor
    shift = np.zeros(len(linear))
    shift[-2:] = np.asarray(origin) + 1 / (2 * factor) - 1 / 2
    moved = np.asarray(translate, dtype=float) + linear @ shift
    return Placement(
        scale=tuple(map(float, np.asarray(scale, dtype=float) / finer)),
        translate=tuple(map(float, moved)),
    )


def pixels_between(
    first: Sequence[float], last: Sequence[float], plane: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """All pixels of a plane that a box touches.

    Parameters
    ----------
    first, last
        Y and X of the box's corners, in pixel coordinates: pixel `i` reaches from
        `i - 1/2` to `i + 1/2`.
    plane
        Height and width of the plane in pixels.

    Returns
    -------
    tuple
        ``((y_start, y_stop), (x_start, x_stop))``; None if the box misses the plane.
    """
    spans = []
    for low, high, length in zip(first, last, plane, strict=True):
        start = max(int(np.floor(low + 0.5)), 0)
        stop = min(max(int(np.ceil(high + 0.5)), start + 1), length)
        if start >= stop or high < -0.5:
            return None
        spans.append((start, stop))
    return spans[0], spans[1]
