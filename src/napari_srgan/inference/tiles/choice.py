"""How large a tile is, if nobody says: as large as is fastest, and no larger than memory holds.

A larger tile has less halo for each pixel of its own. On a CPU it also is slower for each pixel it sees:
its layers' results no longer stay in the processor's cache, and the system takes back the memory of
large ones after each layer, to hand it out again page by page for the next. ``benchmarks/throughput.py
--tiles`` prints what tiles of all sizes cost; :data:`CACHED` and :data:`SLOWER` are what it printed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from napari_srgan.inference.devices.memory import TileCost, measure_cost, most_pixels
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE, Tile, plan_tiles

CACHED = 100e6
"""Bytes of a tile up to which a pixel costs the least on a CPU."""
SLOWER, _DOUBLINGS = 0.2, 2.5
"""What each doubling beyond adds to the cost of a pixel, as a part of it; and how many of them add."""
STEP = 64
"""What the side of a tile on a grid is a multiple of, so that chunks on a disk have good sizes."""
AS_GOOD = 1.01
"""Times the least cost: of tiles that cost no more than this the smallest are taken."""


@dataclass(frozen=True)
class TilePace:
    """What a tile of any size costs on one device."""

    cost: TileCost
    """Cost in bytes; for a time-lapse that of a clip of one frame, as frames are worked on one after the
    other."""
    most: int
    """Number of pixels, halo included, that the device's memory holds."""
    cached: bool
    """Whether small tiles are faster, because what lies between their layers stays in a processor's cache."""

    def slowness(self, pixels: float) -> float:
        """Time for each pixel of a tile that sees so many, as a multiple of that of a small one."""
        if not self.cached:
            return 1.0
        size = self.cost.fixed + self.cost.per_pixel * pixels
        return 1 + SLOWER * min(max(math.log2(size / CACHED), 0.0), _DOUBLINGS)

    @property
    def least(self) -> int:
        """Pixels, halo included, of the smallest tiles to choose from: each costs a little of itself."""
        return min(int(CACHED / 2 / self.cost.per_pixel), self.most)

    def sizes(self) -> Iterator[int]:
        """Pixels, halo included, of tiles to choose from: from the largest that memory holds down."""
        pixels = self.most
        yield pixels
        while self.cached and (pixels := int(pixels / 2 ** (1 / 3))) >= self.least:
            yield pixels


def measure_pace(engine: Engine, batch: int) -> TilePace:
    """Measure what tiles cost on the engine's device, by running two small ones.

    Parameters
    ----------
    engine
        The network on its device.
    batch
        Number of planes that are computed together.

    Raises
    ------
    OutOfMemory
        If not even these fit.
    """
    cost = measure_cost(engine, batch)
    most = most_pixels(engine, batch, cost)
    if engine.timing.clip > 1:
        cost = measure_cost(engine, batch, frames=1)
    cached = engine.device.type == "cpu" and not engine.model.network.in_strips
    return TilePace(cost, most, cached)


def choose_tiles(engine: Engine, batch: int, region: Tile, halo: int) -> list[Tile]:
    """Cut a region of a plane into the tiles that take the least time.

    Parameters
    ----------
    engine, batch
        See :func:`measure_pace`.
    region
        The region that is to be computed.
    halo
        Number of pixels that each tile sees beyond its own.
    """
    try:
        pace = measure_pace(engine, batch)
    except OutOfMemory:  # begin with the smallest: the run itself says if that is too much
        return plan_tiles(region, halo, largest=1)
    if engine.needs_plane_statistics and len(large := plan_tiles(region, halo, largest=pace.most)) == 1:
        return large  # in parts it would have to be run over twice
    return fastest_tiles(pace, region, halo)


def fastest_tiles(pace: TilePace, region: Tile, halo: int) -> list[Tile]:
    """Cut a region as :func:`choose_tiles` does, for a pace that is known."""
    cuts = [plan_tiles(region, halo, largest=pixels) for pixels in pace.sizes()]
    times = [sum(_time(pace, tile, halo) for tile in tiles) for tiles in cuts]
    return next(
        tiles
        for tiles, time in zip(reversed(cuts), reversed(times), strict=True)
        if time <= AS_GOOD * min(times)
    )


def choose_side(engine: Engine, batch: int, halo: int) -> int:
    """Side in pixels, without its halo, of the tiles of a large grid that take the least time.

    A multiple of :data:`STEP`, if memory suffices for one.

    Parameters
    ----------
    engine, batch, halo
        See :func:`choose_tiles`.
    """
    try:
        pace = measure_pace(engine, batch)
    except OutOfMemory:  # tiles that do not fit are cut in halves
        return STEP
    return fastest_side(pace, halo)


def fastest_side(pace: TilePace, halo: int) -> int:
    """Choose a side as :func:`choose_side` does, for a pace that is known."""
    smallest, largest = (math.isqrt(pixels) - 2 * halo for pixels in (pace.least, pace.most))
    first = min(max(smallest, STEP), max(largest, STEP)) // STEP * STEP
    sides = range(first, largest + 1, STEP) or [max(largest, SMALLEST_TILE)]
    times = {side: (side + 2 * halo) ** 2 / side**2 * pace.slowness((side + 2 * halo) ** 2) for side in sides}
    return next(side for side in sides if times[side] <= AS_GOOD * min(times.values()))


def _time(pace: TilePace, tile: Tile, halo: int) -> float:
    pixels = (len(tile.y) + 2 * halo) * (len(tile.x) + 2 * halo)
    return pixels * pace.slowness(pixels)
