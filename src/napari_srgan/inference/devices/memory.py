"""How much memory a tile needs, measured on the device that will run it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from napari_srgan.inference.engine import Engine
from napari_srgan.inference.plane_statistics import Windows

PROBE_SIDES = (64, 128)
"""Sides of the two tiles that are run to measure."""
HOST_BUDGET = 2**30
"""Bytes a tile may take on the CPU, where memory is shared. Most take less: see :mod:`.tile_choice`."""
GATHERING_BUDGET = 4 * 2**30
"""Bytes that gathering a plane's statistics may take on the CPU. More than for a tile, whose result
is the same whatever its size: statistics are right only if they come from the whole plane. With this
a camera's frame of 2048 x 2048 pixels is taken whole by a network of 32 features (2.7 GiB)."""
MOST_RESULT_PIXELS = 2**26
"""Pixels of a tile's result, whatever the device: it passes through the host's memory too."""
MOST_SAMPLE_PIXELS = 2**24
"""Pixels from which statistics are gathered, whatever the device: more tell nothing new."""
DEVICE_SHARE = 0.7
"""Part of a device's free memory that a tile may take."""
MARGIN = 1.25
"""For what the libraries underneath take beyond the tensors that can be counted."""


@dataclass(frozen=True)
class TileCost:
    """Bytes a tile needs: a fixed part, and so many for each pixel with its halo."""

    fixed: float
    per_pixel: float

    def largest_tile(self, budget: float) -> int:
        """Pixels of the largest tile, halo included, that fits into a budget of bytes."""
        return max(int((budget / MARGIN - self.fixed) / self.per_pixel), 1)


def measure_cost(
    engine: Engine, batch: int = 1, *, gathering: bool = False, frames: int | None = None
) -> TileCost:
    """Measure what a tile costs, by running two small ones; of a time-lapse, what one of a whole clip costs.

    Parameters
    ----------
    engine
        The network on its device.
    batch
        Planes that are computed together.
    gathering
        Measure what it costs to gather statistics from it instead.
    frames
        That are made of a time-lapse in one go; a clip if unsaid.

    Raises
    ------
    OutOfMemory
        If not even the tiles fit that are run to measure.
    """
    _ = engine.network  # on the device before, as it is no part of what a tile costs
    small, large = (_peak_bytes(engine, batch, side, gathering, frames) for side in PROBE_SIDES)
    pixels = [side**2 for side in PROBE_SIDES]
    per_pixel = max((large - small) / (pixels[1] - pixels[0]), 1.0)
    return TileCost(fixed=max(large - per_pixel * pixels[1], 0.0), per_pixel=per_pixel)


def most_pixels(engine: Engine, batch: int, cost: TileCost) -> int:
    """Pixels of the largest tile, halo included, that the engine's device can run, if it costs so much."""
    fits = cost.largest_tile(memory_budget(engine.device))
    made = batch * engine.timing.clip
    return min(fits, MOST_RESULT_PIXELS // (made * engine.model.scale_factor**2))


def largest_tile(engine: Engine, batch: int) -> int:
    """Measure the pixels of the largest tile, halo included, that the engine's device can run.

    Raises
    ------
    OutOfMemory
        If not even the tiles fit that are run to measure.
    """
    return most_pixels(engine, batch, measure_cost(engine, batch))


def largest_sample(engine: Engine, batch: int) -> int:
    """Pixels, margins included, that statistics can be gathered from in one run.

    Raises
    ------
    OutOfMemory
        As :func:`measure_cost`.
    """
    budget = memory_budget(engine.device, GATHERING_BUDGET)
    fits = measure_cost(engine, batch, gathering=True).largest_tile(budget)
    return min(fits, MOST_SAMPLE_PIXELS // batch)


def memory_budget(device: torch.device, most: float | None = None) -> float:
    """Bytes that a run may take on a device, and at most on the CPU: :data:`HOST_BUDGET` if unsaid."""
    most = HOST_BUDGET if most is None else most
    if device.type == "cuda":
        return float(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0])
    if device.type == "xpu":
        return float(DEVICE_SHARE * torch.xpu.mem_get_info(device)[0])
    return float(min(most, DEVICE_SHARE * psutil.virtual_memory().available))


def _peak_bytes(engine: Engine, batch: int, side: int, gathering: bool, frames: int | None) -> float:
    low = np.zeros(engine.tile_shape(batch, side, frames), np.float32)

    def run() -> None:
        if gathering:
            engine.gather(Windows(low, count=1, margin=0))
        else:
            engine.run(low)

    if engine.device.type == "cuda":
        torch.cuda.synchronize(engine.device)
        before = torch.cuda.memory_allocated(engine.device)
        torch.cuda.reset_peak_memory_stats(engine.device)
        run()
        return float(torch.cuda.max_memory_allocated(engine.device) - before)
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
