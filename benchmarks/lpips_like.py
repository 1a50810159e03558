"""How different two images look to a network: an LPIPS-like distance.

Zhang, R. et al. (2018). The unreasonable effectiveness of deep features as a perceptual
metric. CVPR, arXiv 1801.03924, with the SqueezeNet variant's linear heads. It is LPIPS-like,
not LPIPS: the heads are LPIPS's own, but the network's weights come from another training
of SqueezeNet 1.1 (the Caffe original, by way of Keras), so that figures agree with published
ones in what they rank, not in their digits.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.models.perceptual_files import read_lpips_heads, read_squeezenet
from napari_srgan.networks.perceptual_loss import PerceptualLoss

Image = NDArray[Any]


class LpipsLike:
    """The LPIPS-like distance of two images; 0 for equal ones, larger for those that look different.

    Parameters
    ----------
    features_file
        SqueezeNet's weights: see :func:`~napari_srgan.models.perceptual_files.read_squeezenet`.
    heads_file
        LPIPS's weights of its features: see
        :func:`~napari_srgan.models.perceptual_files.read_lpips_heads`.
    device
        Where it is computed.

    Raises
    ------
    UserError
        If a file cannot be used.
    """

    def __init__(
        self,
        features_file: str | os.PathLike[str],
        heads_file: str | os.PathLike[str],
        *,
        device: str = "cpu",
    ) -> None:
        features, heads = read_squeezenet(features_file), read_lpips_heads(heads_file)
        self._loss = PerceptualLoss(features, unit_length=True, heads=heads).to(device)
        self._device = device

    def __call__(self, result: Image, truth: Image, *, peak: float | None = None) -> float:
        """Distance of two images.

        Parameters
        ----------
        result, truth
            ``(Y, X)`` or ``(Y, X, 3)``, of equal shape; gray is seen as RGB. A border that
            is not to be judged is cropped before
            (:func:`~napari_srgan.quality.metrics.crop_border`).
        peak
            The value that is white; black is 0. Unsaid, 255 for uint8, the largest value for
            other integers, 1 for float.

        Raises
        ------
        UserError
            If the shapes differ, are no images, or are too small for the network; or if
            there are values that are not finite.
        """
        _check(result, truth, self._loss.features.smallest)
        with torch.inference_mode():
            one, other = (self._tensor(image, peak) for image in (result, truth))
            return float(self._loss(one, other))

    def _tensor(self, image: Image, peak: float | None) -> Tensor:
        image = np.asarray(image)
        white = _white(image.dtype) if peak is None else peak
        values = (image.astype(np.float64) / white).astype(np.float32)
        planes = values[None] if image.ndim == 2 else values.transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(planes))[None].to(self._device)


def _white(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def _check(result: Image, truth: Image, smallest: int) -> None:
    shape = np.shape(truth)
    if np.shape(result) != shape:
        raise UserError(
            f"images of equal shape are compared; got {np.shape(result)} and {shape}; crop one of them"
        )
    if len(shape) != 2 and not (len(shape) == 3 and shape[2] == 3):
        raise UserError(f"an image to compare is (Y, X) or (Y, X, 3); got {shape}; compare plane by plane")
    if min(shape[:2]) < smallest:
        raise UserError(
            f"the LPIPS-like distance needs {smallest} x {smallest} pixels or more; "
            f"got {shape[0]} x {shape[1]}; compare a larger piece"
        )
    if not (np.isfinite(result).all() and np.isfinite(truth).all()):
        raise UserError("there are NaN or infinite values in an image to compare; replace them first")
