"""What a result has that bicubic interpolation has not, and what it has that its image denies."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from napari_srgan.images.arrays import ArrayLike, restore_dtype
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.networks import bicubic_downsample, bicubic_upsample
from napari_srgan.networks.resampling import back_project
from napari_srgan.progress import Job
from napari_srgan.reliability.maps import Float, OnTop

HALO = 4
"""Pixels of the image beyond a window that its interpolation and its back-projection see."""


def added_detail_job(pair: OnTop, gain: float = 1.0, offset: float = 0.0) -> Job[Any]:
    """What the network added: the result minus bicubic interpolation, in grey levels of the result.

    It is no error, and no confidence: what is added may be right or wrong.

    Parameters
    ----------
    pair
        The result on its image.
    gain, offset
        Bring grey levels of the image to those of the result, where it has those of another modality.

    Returns
    -------
    array
        float32, as :meth:`~napari_srgan.reliability.maps.OnTop.map_job` says.
    """

    def compute(low: Float, high: Float) -> Float:
        return high - (gain * _upsampled(fill_nonfinite(low), pair.factor) + offset)

    return (yield from pair.map_job(compute, HALO, "Finding what was added"))


def without(added: Any, result: ArrayLike) -> Any:
    """The result without what was added to it: bicubic interpolation.

    Parameters
    ----------
    added
        As :func:`added_detail_job` gives it.
    result
        Of which it was found.

    Returns
    -------
    array
        Of the result's shape and dtype; numpy, or dask, computed where it is read, as `added` is.
    """
    dtype = np.dtype(result.dtype)
    if isinstance(added, np.ndarray):
        return restore_dtype(np.asarray(result) - added, dtype)
    from dask import array as da

    return (da.asarray(result) - added).map_blocks(restore_dtype, dtype, dtype=dtype)


def projected_back_job(pair: OnTop) -> Job[Any]:
    """The result, corrected so that made small again it is the image: one step of back-projection.

    Source: Irani, M. and Peleg, S. (1991). Improving resolution by image registration. CVGIP 53(3), section
    3. It is for images without noise: it puts noise back that a network has taken off. Where the image is not
    finite, nothing is corrected.

    Returns
    -------
    array
        Of the result's shape and dtype; numpy if image and result are, else dask, computed where it is read.
    """

    def compute(low: Float, high: Float) -> Float:
        made = torch.from_numpy(fill_nonfinite(high))[None, None]
        small = bicubic_downsample(made, pair.factor)[0, 0].numpy()
        given = torch.from_numpy(np.where(np.isfinite(low), low, small))[None, None]
        return back_project(made, given, pair.factor)[0, 0].numpy()

    dtype = np.dtype(pair.result.dtype)
    # More than float32 holds where the result's values are more.
    corrected = yield from pair.map_job(compute, HALO, "Projecting back", np.result_type(dtype, np.float32))
    if isinstance(corrected, np.ndarray):
        return restore_dtype(corrected, dtype)
    return corrected.map_blocks(restore_dtype, dtype, dtype=dtype)


def residual(low: Float, high: Float, factor: int) -> Float:
    """The image minus the result made small again, ``(Y, X)`` of the image: what the result has lost of
    it."""
    small = bicubic_downsample(torch.from_numpy(fill_nonfinite(high))[None, None], factor)[0, 0].numpy()
    return np.asarray(low - small)


def _upsampled(plane: Float, factor: int) -> Float:
    return bicubic_upsample(torch.from_numpy(plane)[None, None], factor)[0, 0].numpy()
