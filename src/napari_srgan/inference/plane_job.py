"""The planes of an array, or its clips: measured if their model needs that, then upscaled tile by tile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Generator as Iteration
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from numpy.typing import NDArray

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

    def from_plane(self, number: int) -> Steps:
        """When so many more planes are done."""
        return self.after(number * (self.tiles + self.measuring))

    def after(self, pixels: int) -> Steps:
        return replace(self, done=self.done + pixels)

    def saying(self, message: str) -> Steps:
        return replace(self, message=message)

    def within(self, pixels: float) -> Progress:
        """So many of the next pixels are done too."""
        total = (self.tiles + self.measuring) * self.planes
        done = min(self.done + int(pixels), total)
        self.said.pixels = max(self.said.pixels, done)
        return Progress(self.said.pixels, total, self.message)


def upscale_planes(
    work: PlaneWork, tiles: list[Tile], steps: Steps, result: Sink
) -> Iteration[Progress, None, list[Tile]]:
    """Upscale all planes, or all clips; return their tiles as they were in the end.

    Several tiles are in work at a time where that is faster, also of different planes: they are read one
    after the other, and written in the order in which they were begun.
    """
    together = work.engine.tiles_at_a_time
    if together > 1:
        work.reading = Lock()
    planes, running = _Planes(work, tiles, steps), deque[_Running]()
    with threads_told(), ThreadPoolExecutor(together, thread_name_prefix="napari-srgan") as threads:
        try:
            while True:
                while len(running) < together and (plane := planes.with_tiles()):
                    running.append((yield from plane.begin(threads)))
                if not running:
                    return planes.tiles
                yield from _wait(running)
                one = running.popleft()
                with one.plane.queue.handling(one.tile):
                    one.plane.finish(one, result)
        except BaseException:  # closed, or Ctrl-C, or a tile that failed
            for one in running:
                one.watch.cancel()
            raise


@dataclass
class _Running:
    """A tile in work."""

    plane: _Plane
    tile: Tile
    reach: Tile
    """The tile with what it is computed into its neighbours."""
    pixels: int
    """Number of pixels of all its frames."""
    watch: Watch
    future: Future[NDArray[Any]]

    @property
    def done(self) -> float:
        """Number of pixels of it that are done."""
        return self.pixels * min(self.watch.layers / self.plane.layers, 1.0)

    def result(self) -> NDArray[Any]:
        """What was computed; it can be had once."""
        future = self.future
        # An error in it holds the frames it came through, and they would hold the error.
        del self.future
        try:
            return future.result()
        finally:
            del future


def _wait(running: deque[_Running]) -> Iteration[Progress, None, None]:
    """Wait for the tile that was begun first, telling how far its plane is."""
    first = running[0]
    while not first.future.done():
        yield first.plane.steps.within(sum(one.done for one in running if one.plane is first.plane))
        wait([first.future], _HEARTBEAT)


class _Planes:
    """Planes, or clips, that are begun one after the other, each with the tiles that did fit before."""

    def __init__(self, work: PlaneWork, tiles: list[Tile], steps: Steps) -> None:
        self.tiles = tiles
        self._work, self._steps = work, steps
        self._left = iter(work.clips())
        self._begun: list[_Plane] = []
        self._count = 0

    def with_tiles(self) -> _Plane | None:
        """The first that has tiles to be computed."""
        for plane in self._begun:
            if plane.queue:
                return plane
        for finished in [plane for plane in self._begun if plane.is_done]:
            self.tiles = finished.queue.finished
            self._begun.remove(finished)
        index = next(self._left, None)
        if index is None:
            return None
        plane = _Plane(self._work, index, self.tiles, self._steps.from_plane(self._count))
        self._count += self._work.count(index)
        self._begun.append(plane)
        return plane


class _Plane:
    """One plane, or one clip, in work."""

    def __init__(self, work: PlaneWork, index: tuple[int, ...], tiles: list[Tile], steps: Steps) -> None:
        self.steps = steps
        self.queue = TileQueue(work, tiles, self._forget_statistics)
        self._work, self._index = work, index
        self._frames = work.count(index)
        self.layers = work.engine.layers(self._frames)
        self._fade = cross_fade.CrossFade(work.place, work.stack.card.scale_factor)
        self._statistics: PlaneStatistics | None = None
        self._measuring, self._message = steps.measuring, steps.message
        self._in_work = 0

    @property
    def is_done(self) -> bool:
        return not self.queue and not self._in_work

    def _forget_statistics(self) -> None:
        self._statistics = None

    def begin(self, threads: ThreadPoolExecutor) -> Iteration[Progress, None, _Running]:
        """Have its next tile computed; its statistics are gathered before, if they are needed."""
        work, tile = self._work, self.queue.take()
        if self._statistics is None and work.must_measure(tile):
            steps = self.steps.saying(self._message)
            measured = yield from _measure_plane(work, self._index, steps, self._measuring)
            self._statistics, self.steps = measured
            self._measuring = 0  # if it is done again, that is not among the steps
        reach = self._fade.reach(tile) if work.fades else tile
        watch = Watch()
        future = threads.submit(
            work.frames, self._index, reach, self._statistics, watch, rounded=work.rounds_there
        )
        self._in_work += 1
        return _Running(self, tile, reach, tile.pixels * self._frames, watch, future)

    def finish(self, one: _Running, result: Sink) -> None:
        """Write a tile that is computed; raises what was raised when it was."""
        work = self._work
        self._in_work -= 1
        frames = one.result()
        if work.fades:
            frames = self._fade.blend(one.tile, frames)
        pixels = work.shaped(frames) if work.rounds_there else work.restored(frames)
        work.write(result, self._index, one.reach, pixels)
        work.cut |= not work.is_plane(one.tile)
        self.steps = self.steps.after(one.pixels)


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
                yield steps.within(pixels * min(watch.layers / layers, 1.0))
                wait([future], _HEARTBEAT)
        except BaseException:  # closed, or Ctrl-C
            watch.cancel()
            raise
        try:
            return future.result()
        finally:
            # An error in it holds this frame, and the frame would hold the error.
            del future
