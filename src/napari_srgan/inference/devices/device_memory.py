"""What every device tells of its memory, in one way: what is free, what a run takes, how it is given back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

UNTOLD_SHARE = 0.5
"""Part of the memory of a device that is taken to be free where its driver does not tell."""


def shares_host_memory(device: torch.device) -> bool:
    """Whether a device computes in the memory that all programs share."""
    return device.type in ("cpu", "mps")


def free_bytes(device: torch.device) -> float:
    """Bytes of a device's memory that can be had: what is free, and what torch only keeps for later.

    Drivers of several Arc GPUs do not tell; there it is a part of what the device has.
    """
    if shares_host_memory(device):
        return float(psutil.virtual_memory().available)
    module: Any = torch.get_device_module(device)
    taken = module.memory_allocated(device)
    try:
        free, total = module.mem_get_info(device)
    except RuntimeError:
        total = module.get_device_properties(device).total_memory
        return float(max(UNTOLD_SHARE * total - taken, 0))
    return float(min(free + module.memory_reserved(device) - taken, total - taken))


def give_back(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.type != "cpu":
        torch.get_device_module(device).empty_cache()


def peak_bytes(device: torch.device, run: Callable[[], object]) -> float:
    """Most bytes that a run takes at a time, beyond what is taken already."""
    if not shares_host_memory(device):
        module: Any = torch.get_device_module(device)
        module.synchronize(device)
        before = module.memory_allocated(device)
        module.reset_peak_memory_stats(device)
        run()
        return float(module.max_memory_allocated(device) - before)
    with LiveTensors() as tensors:
        run()
    return float(tensors.peak)


class LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are alive, on any device."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Skipping torch's compiler means importing it, and Triton with it: two seconds, and
        # a crash in a process that draws through Mesa, whose LLVM is another one.
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return result

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage.data_ptr(), storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self._now -= size
