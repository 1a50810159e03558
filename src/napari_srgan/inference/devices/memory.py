"""How much memory a tile needs, measured on the device that will run it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from napari_srgan.inference.devices.device_memory import free_bytes, shares_host_memory
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
"""Pixels of a tile's result on the CPU, whatever its memory."""
MOST_COPIED_PIXELS = 2**24
"""Pixels of a tile's result on another device: it passes through the host's memory, where several copies of
it lie at a time while the budget is that of the device."""
MOST_ELEMENTS = 2**31
"""Elements of any tensor at most: kernels that count in 32 bits go wrong beyond, some of them silently."""
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
        Frames of a time-lapse that are made in one go; None: a clip.

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
    fits = cost.largest_tile(min(memory_budget(engine.device), _countable(engine)))
    made = batch * engine.timing.clip
    most = MOST_RESULT_PIXELS if shares_host_memory(engine.device) else MOST_COPIED_PIXELS
    return min(fits, max(most // (made * engine.model.scale_factor**2), 1))


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
    budget = min(memory_budget(engine.device, GATHERING_BUDGET), _countable(engine))
    fits = measure_cost(engine, batch, gathering=True).largest_tile(budget)
    return min(fits, MOST_SAMPLE_PIXELS // batch)


def _countable(engine: Engine) -> float:
    """Bytes of a run of which no tensor has more than :data:`MOST_ELEMENTS`: none is larger than all are."""
    return float(MOST_ELEMENTS * engine.dtype.itemsize)


def memory_budget(device: torch.device, most: float | None = None) -> float:
    """Bytes that a run may take on a device, and at most on the CPU: by default :data:`HOST_BUDGET`."""
    free = DEVICE_SHARE * free_bytes(device)
    if shares_host_memory(device):
        return min(HOST_BUDGET if most is None else most, free)
    return free


def _peak_bytes(engine: Engine, batch: int, side: int, gathering: bool, frames: int | None) -> float:
    low = np.zeros(engine.tile_shape(batch, side, frames), np.float32)

    def run() -> None:
        if gathering:
            engine.gather(Windows(low, count=1, margin=0))
        else:
            engine.run(low)

    return engine.runner.peak_bytes(run)
