"""Copies between the memories of the computer and of a device, while the device computes.

Each direction has a stream of its own, beside the one that computes. Host memory that takes part is
pinned; torch hands out a pinned buffer again only when the copies from and to it are over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.networks.generator import layout_of

STREAMED = ("cuda",)
"""Kinds of devices that compute what they are ordered, in streams, while the host goes on."""


@dataclass(frozen=True)
class Ordered:
    """A result that the device will have computed by the time an event has happened."""

    values: Tensor
    ready: Any


class DeviceCopies:
    """The two streams of one device.

    Parameters
    ----------
    device
        A device of a kind in :data:`STREAMED`.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._module: Any = torch.get_device_module(device)
        self._up, self._down = (self._module.Stream(device) for _ in range(2))

    def up(self, low: NDArray[np.float32]) -> Tensor:
        """Order a batch to be copied; what is ordered next on the computing stream waits for it."""
        computing = self._module.current_stream(self._device)
        with self._module.stream(self._up):
            batch = torch.from_numpy(low).pin_memory().to(self._device, non_blocking=True)
            batch = batch.contiguous(memory_format=layout_of(low.ndim, self._device))
        computing.wait_stream(self._up)
        batch.record_stream(computing)  # its memory is free only when the computing is over, too
        return batch

    def ordered(self, values: Tensor) -> Ordered:
        """Mark the place in the computing stream at which a result is there."""
        ready = self._module.Event()
        ready.record(self._module.current_stream(self._device))
        return Ordered(values, ready)

    def down(self, result: Ordered) -> NDArray[np.float32]:
        """Wait for a result, and no longer: what was ordered after it goes on meanwhile."""
        with torch.inference_mode(), self._module.stream(self._down):
            self._down.wait_event(result.ready)
            host = torch.empty(result.values.shape, dtype=torch.float32, pin_memory=True)
            host.copy_(result.values, non_blocking=True)
            result.values.record_stream(self._down)
            self._down.synchronize()
        return host.numpy()


def copied_to(device: torch.device, tensor: Tensor) -> Tensor:
    """A copy of a tensor of the host on a device, for which the host does not wait where it need not."""
    if device.type not in STREAMED:
        return tensor.to(device)
    module: Any = torch.get_device_module(device)
    with module.device(device):  # pinned for this one
        return tensor.pin_memory().to(device, non_blocking=True)
