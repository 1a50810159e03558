"""Copies between the memories of the computer and of a device, while the device computes.

Each direction has a stream of its own, beside the one that computes. Host memory that takes part is
pinned; torch hands out a pinned buffer again only when the copies from and to it are over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

STREAMED = ("cuda",)
"""Kinds of devices that compute what they are ordered, in streams, while the host goes on."""


_EVERYWHERE = {torch.bool, torch.uint8, torch.int8, torch.int16, torch.float16, torch.float32}
"""Types that every kind of device computes with; Apple's have no float64, and the larger unsigned integers
are new to torch."""


def computes_with(device: torch.device, types: Iterable[torch.dtype]) -> bool:
    """Whether a device has kernels for all of some types."""
    if device.type in ("cpu", "cuda"):
        return True
    known = _EVERYWHERE | ({torch.uint16} if device.type in STREAMED else set())
    return known.issuperset(types)


@dataclass(frozen=True)
class Sent:
    """Raw pixels that will be on the device by the time an event has happened."""

    raw: Tensor
    arrived: Any


@dataclass(frozen=True)
class Ordered:
    """A result that the device will have computed by the time an event has happened."""

    values: Tensor
    finite: Tensor
    """Whether all of the network's answer is finite; a single bool."""
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

    def up(self, raw: NDArray[Any]) -> Sent:
        """Order an array to be copied, on whichever thread; nobody waits."""
        with torch.inference_mode(), self._module.stream(self._up):
            there = torch.from_numpy(raw).pin_memory().to(self._device, non_blocking=True)
            return Sent(there, self._mark(self._up))

    def taken(self, sent: Sent) -> Tensor:
        """What was sent, for what is ordered next on the stream that computes."""
        computing = self._module.current_stream(self._device)
        computing.wait_event(sent.arrived)
        sent.raw.record_stream(computing)  # its memory is free only when the computing is over, too
        return sent.raw

    def ordered(self, values: Tensor, finite: Tensor) -> Ordered:
        """Mark the place in the computing stream at which a result is there."""
        return Ordered(values, finite, self._mark(self._module.current_stream(self._device)))

    def down(self, result: Ordered) -> tuple[NDArray[Any], bool]:
        """Wait for a result, and no longer: what was ordered after it goes on meanwhile.

        Returns
        -------
        tuple
            The values, and whether all of the network's answer is finite.
        """
        with torch.inference_mode(), self._module.stream(self._down):
            self._down.wait_event(result.ready)
            values, finite = (self._to_host(each) for each in (result.values, result.finite))
            self._down.synchronize()
        return values.numpy(), bool(finite)

    def _mark(self, stream: Any) -> Any:
        event = self._module.Event()
        event.record(stream)
        return event

    def _to_host(self, there: Tensor) -> Tensor:
        host = torch.empty(there.shape, dtype=there.dtype, pin_memory=True)
        host.copy_(there, non_blocking=True)
        there.record_stream(self._down)
        return host


def copied_to(device: torch.device, tensor: Tensor) -> Tensor:
    """A copy of a tensor of the host on a device, for which the host does not wait where it need not."""
    if device.type not in STREAMED:
        return tensor.to(device)
    module: Any = torch.get_device_module(device)
    with module.device(device):  # pinned for this one
        return tensor.pin_memory().to(device, non_blocking=True)
