"""One plane of an array, or one clip: measured if its model needs that, then upscaled tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Generator as Iteration
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from napari_srgan.errors import threads_told
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.plane_statistics import PlaneStatistics
from napari_srgan.inference.plane_work import PlaneWork, Sink
from napari_srgan.inference.tile_queue import TileQueue
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.tiles.tiling import Tile
from napari_srgan.progress import Progress

ResultT = TypeVar("ResultT")

_HEARTBEAT = 0.05
"""Seconds between signs of life while a tile is computed."""


@dataclass
class Furthest:
    """What has been said of a job so far."""

    pixels: int = 0


@dataclass(frozen=True)
class Steps:
    """How far a job is, counted in pixels that the network runs over."""

    tiles: int
    """Pixels of a plane's tiles."""
    measuring: int
    """Pixels that a plane's statistics are gathered from, before."""
    planes: int
    message: str
    done: int = 0
    said: Furthest = field(default_factory=Furthest)
    """What was said of the whole job: what is begun again in smaller tiles does not go back."""

    def of_plane(self, number: int) -> Steps:
        return replace(self, done=number * (self.tiles + self.measuring))

    def after(self, pixels: int) -> Steps:
        return replace(self, done=self.done + pixels)

    def saying(self, message: str) -> Steps:
        return replace(self, message=message)

    def within(self, pixels: int, fraction: float) -> Progress:
        """So much of the next pixels is done too."""
        total = (self.tiles + self.measuring) * self.planes
        done = min(self.done + int(pixels * min(fraction, 1.0)), total)
        self.said.pixels = max(self.said.pixels, done)
        return Progress(self.said.pixels, total, self.message)


def upscale_plane(
    work: PlaneWork, index: tuple[int, ...], tiles: list[Tile], steps: Steps, result: Sink
) -> Iteration[Progress, None, list[Tile]]:
    """Upscale one plane, or one clip; return its tiles as they were in the end, cut for the next one."""
    frames_made = work.count(index)
    layers = work.engine.layers(frames_made)
    fade = cross_fade.CrossFade(work.place, work.stack.card.scale_factor)
    statistics: PlaneStatistics | None = None
    measuring, message = steps.measuring, steps.message

    def forget_statistics() -> None:
        nonlocal statistics
        statistics = None

    queue = TileQueue(work, tiles, forget_statistics)
    while queue:
        with queue.next() as tile:
            if statistics is None and work.must_measure(tile):
                statistics, steps = yield from _measure_plane(work, index, steps.saying(message), measuring)
                measuring = 0  # if it is done again, that is not among the steps
            reach = fade.reach(tile) if work.fades else tile
            compute = partial(work.frames, index, reach, statistics, rounded=not work.fades)
            frames = yield from _watched(compute, layers, tile.pixels * frames_made, steps)
            pixels = work.restored(fade.blend(tile, frames)) if work.fades else work.shaped(frames)
            work.write(result, index, reach, pixels)
            work.cut |= not work.is_plane(tile)
            steps = steps.after(tile.pixels * frames_made)
    return queue.finished


def _measure_plane(
    work: PlaneWork, index: tuple[int, ...], steps: Steps, pixels: int
) -> Iteration[Progress, None, tuple[PlaneStatistics, Steps]]:
    """Gather the statistics of a plane, of a smaller sample if it does not fit; counts as so many pixels."""
    while True:
        sample = work.plan_sample()
        says = f"Measuring the {sample}" if sample.whole else f"Measuring a sample, {sample}"
        try:
            statistics = yield from _watched(
                partial(work.gather, index, sample),
                work.engine.layers(),
                pixels,
                steps.saying(f"{says}, for {work.stack.card.name}"),
            )
        except OutOfMemory as error:
            work.halve_sample(sample, error)
            continue
        work.note_sample(sample)
        if not sample.whole:
            steps = steps.saying(f"{steps.message}, normalised by a sample, {sample}")
        return statistics, steps.after(pixels)


def _watched(
    compute: Callable[[Watch], ResultT], layers: int, pixels: int, steps: Steps
) -> Iteration[Progress, None, ResultT]:
    """Compute on a thread of its own, telling how far it is."""
    watch = Watch()
    with threads_told(), ThreadPoolExecutor(1, thread_name_prefix="napari-srgan") as thread:
        future = thread.submit(compute, watch)
        try:
            while not future.done():
                yield steps.within(pixels, watch.layers / layers)
                wait([future], _HEARTBEAT)
        except BaseException:  # closed, or Ctrl-C
            watch.cancel()
            raise
        try:
            return future.result()
        finally:
            # An error in it holds this frame, and the frame would hold the error.
            del future
