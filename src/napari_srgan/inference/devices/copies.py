"""Copies between the memories of the computer and of a CUDA device, while the device computes.

Each direction has a stream of its own, beside the one that computes. Host memory that takes part is
pinned; torch hands out a pinned buffer again only when the copies from and to it are over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.networks.generator import layout_of


@dataclass(frozen=True)
class Ordered:
    """A result that the device will have computed by the time an event has happened."""

    values: Tensor
    ready: torch.cuda.Event


class DeviceCopies:
    """The two streams of one device.

    Parameters
    ----------
    device
        Of type ``cuda``.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._up, self._down = (torch.cuda.Stream(device) for _ in range(2))  # type: ignore[no-untyped-call]

    def up(self, low: NDArray[np.float32]) -> Tensor:
        """Order a batch to be copied; what is ordered next on the computing stream waits for it."""
        computing = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._up):
            batch = torch.from_numpy(low).pin_memory().to(self._device, non_blocking=True)
            batch = batch.contiguous(memory_format=layout_of(low.ndim))
        computing.wait_stream(self._up)
        batch.record_stream(computing)  # its memory is free only when the computing is over, too
        return batch

    def ordered(self, values: Tensor) -> Ordered:
        """Mark the place in the computing stream at which a result is there."""
        ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
        ready.record(torch.cuda.current_stream(self._device))
        return Ordered(values, ready)

    def down(self, result: Ordered) -> NDArray[np.float32]:
        """Wait for a result, and no longer: what was ordered after it goes on meanwhile."""
        with torch.inference_mode(), torch.cuda.stream(self._down):
            self._down.wait_event(result.ready)
            host = torch.empty(result.values.shape, dtype=torch.float32, pin_memory=True)
            host.copy_(result.values, non_blocking=True)
            result.values.record_stream(self._down)
            self._down.synchronize()
        return host.numpy()
