"""Whether a layer can be the truth of a result: a measured image that lies where the result lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.significant import significant
from napari_srgan.viewer.layers.provenance import check_truth
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY, finest_data

_STRAY = 0.5
"""Pixels of the result by which a truth may lie beside it, beside what conventions differ by."""


def check_truth_of(truth: Image, result: Image) -> str:
    """Refuse a layer as truth of a result that is none, or lies elsewhere on the canvas.

    Parameters
    ----------
    truth
        What is meant to be what the result should be.
    result
        What a model made.

    Returns
    -------
    str
        A sentence where nothing says where the truth lies, as it has no pixel size: it is then taken to lie
        on the result. Empty otherwise.

    Raises
    ------
    UserError
        If it is no measured image, or lies elsewhere; with how far, in pixels of the result.
    """
    check_truth(truth)
    shape = tuple(finest_data(result).shape[: result.ndim])
    if tuple(finest_data(truth).shape[: truth.ndim]) != shape:
        return ""  # told when the pixels are compared
    first, last = (_beside(truth, result, corner) for corner in (np.zeros(len(shape)), np.array(shape) - 1))
    # Where the first pixels of both images are laid on each other, their corners are not.
    factor = result.metadata.get(METADATA_KEY, {}).get("scale_factor") or 1
    allowed = np.full(len(shape), _STRAY)
    allowed[-2:] += (factor - 1) / 2
    if (np.maximum(np.abs(first), np.abs(last)) <= allowed).all():
        return ""
    if _says_nothing(truth):
        return (
            f"{truth.name!r} has neither pixel size nor place, and was taken to lie on the result, pixel on "
            "pixel."
        )
    raise UserError(
        f"{truth.name!r} lies elsewhere than {result.name!r}: its first pixel is {_in_words(first)}, its "
        f"last one {_in_words(last)}, in pixels of the result; choose an image of the same place, crop both "
        "to what they share, or set scale and translate of the truth"
    )


def _beside(truth: Image, result: Image, pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a pixel of the truth lies from that of the result, in pixels of the result along each axis."""
    inside = np.asarray(result.world_to_data(truth.data_to_world(pixel)), dtype=float)
    return inside - pixel


def _says_nothing(layer: Image) -> bool:
    """Whether a layer lies where napari puts whatever has no place of its own."""
    corner, ndim = np.zeros(layer.ndim), layer.ndim
    return np.array_equal(layer.data_to_world(corner), corner) and all(
        np.array_equal(layer.data_to_world(axis), axis) for axis in np.eye(ndim)
    )


def _in_words(moved: Sequence[float] | NDArray[np.float64]) -> str:
    """Where something lies, e.g. ``"12 lower and 3 to the right"``."""
    *others, down, right = (float(f"{value:.1f}") for value in moved)
    said = [f"{significant(abs(value))} planes off" for value in others if value]
    if down:
        said.append(f"{significant(abs(down))} {'lower' if down > 0 else 'higher'}")
    if right:
        said.append(f"{significant(abs(right))} to the {'right' if right > 0 else 'left'}")
    return " and ".join(said) or "in its place"
