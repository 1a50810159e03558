"""The intensity transform of tensors, wherever they are: bit for bit that of arrays.

Every operation is one that IEEE 754 rounds in one way only, and each is done by itself, so that a processor
and a GPU have the same values before the network, and would have the same after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_srgan.images.arrays import integer_range
from napari_srgan.inference.intensity import IntensityTransform

VALUES_A_THREAD = 2**16
"""Values that each thread of a CPU takes at a time from the first operation to the last: they stay in its
cache, and are enough for torch to share them among threads."""


def torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """The type of tensors for a real dtype of arrays."""
    found: torch.dtype = getattr(torch, dtype.name)
    return found


def to_network_range(values: Tensor, transform: IntensityTransform, dtype: np.dtype[Any]) -> Tensor:
    """As :meth:`~napari_srgan.inference.intensity.IntensityTransform.apply`.

    Parameters
    ----------
    values
        Quantities of any shape.
    transform
        The transform.
    dtype
        Type of the quantities.

    Returns
    -------
    Tensor
        A new tensor of the same shape, float32.
    """
    if transform.span == 0:
        return torch.zeros(values.shape, dtype=torch.float32, device=values.device)
    shifted = values.to(torch_dtype(transform.working_dtype(dtype)), copy=True)
    if transform.extreme:
        shifted.mul_(transform.small)
    shifted.sub_(transform.offset * transform.small)
    return divided(shifted, transform.span * transform.small).to(torch.float32)


class ToQuantities:
    """From the network's range to quantities, part by part.

    Parameters
    ----------
    transform
        The transform.
    dtype
        Type of the data whose quantities are wanted.
    """

    def __init__(self, transform: IntensityTransform, dtype: np.dtype[Any]) -> None:
        self.working = torch_dtype(transform.working_dtype(dtype))
        self._limits = torch.finfo(self.working)
        self._dtype, self._cast = dtype, torch_dtype(dtype)
        self._scale, self._offset = transform.span * transform.small, transform.offset * transform.small
        self._small = transform.small
        if dtype.kind in "iu":
            self._integers = integer_range(dtype, transform.working_dtype(dtype))

    def quantities(self, values: Tensor) -> Tensor:
        """As :meth:`~napari_srgan.inference.intensity.IntensityTransform.invert`, of float32 of any shape."""
        return self._inverted(values).clamp_(self._limits.min, self._limits.max)

    def rounded(self, values: Tensor) -> Tensor:
        """As :func:`~napari_srgan.images.arrays.restore_dtype` after that: what has only to be cast."""
        if self._dtype.kind in "iu":
            return self._inverted(values).round_().clamp_(*self._integers)
        quantities = self.quantities(values)
        if self._dtype.kind == "b":
            return quantities > 0.5
        if self._cast == self.working:
            return quantities
        limits = torch.finfo(self._cast)
        return quantities.clamp_(limits.min, limits.max)

    def _inverted(self, values: Tensor) -> Tensor:
        quantities = values.to(self.working) * self._scale
        quantities.add_(self._offset)
        return quantities if self._small == 1 else divided(quantities, self._small)


def divided(values: Tensor, number: float) -> Tensor:
    """Divide a tensor in place, and give it back."""
    if values.device.type == "cpu":
        return values.div_(number)
    # By a number of the host torch's GPU kernels multiply with its reciprocal, which rounds twice.
    return values.div_(torch.full((), number, dtype=values.dtype, device=values.device))


def all_finite(values: Tensor) -> Tensor:
    """Whether all of some float32 are finite: a single bool, where they are."""
    if values.device.type != "cpu":
        return values.isfinite().all()
    total = values.sum()  # a tenth of the time; finite if they are, unless they add up to more than there is
    return total.isfinite() if total.isfinite() else values.isfinite().all()


def row_blocks(rows: int, values: int, device: torch.device) -> Iterator[slice]:
    """Rows of so many values each that are worked on together: few on a CPU, all elsewhere."""
    together = rows
    if device.type == "cpu":
        together = max(VALUES_A_THREAD * torch.get_num_threads() // max(values, 1), 1)
    for start in range(0, rows, together):
        yield slice(start, start + together)
