"""What is done to one tile of a plane, or of a clip: read, computed, brought back, written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import restore_dtype
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.memory import largest_sample
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.movies.clip_plans import ClipPlans
from napari_srgan.inference.movies.clips import ClipPlan, Shot
from napari_srgan.inference.plane_statistics import (
    PlaneStatistics,
    StatisticsSample,
    Windows,
    plan_sample,
    smallest_sample,
)
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.tiles.tile_run import FrameMade, TileRun
from napari_srgan.inference.tiles.tiling import BORDER, SMALLEST_TILE, Span, Tile, tile_window

_UNCHANGED = IntensityTransform(offset=0.0, span=1.0)
"""Of frames that are in the network's range already."""

NO_MEMORY = "close other programs, or use the device 'cpu' if that is another one"


class Sink(Protocol):
    """Where a result goes: a numpy array, a zarr array."""

    def __setitem__(self, key: Any, value: Any, /) -> None: ...


@dataclass
class PlaneWork:
    """What is the same for all planes of a job."""

    engine: Engine
    stack: PlaneStack
    place: Tile
    """Part of each plane that is computed."""
    transforms: dict[int, IntensityTransform] = field(default_factory=dict)
    """Intensity transform of each channel; by default settled here."""
    sample: StatisticsSample | None = None
    """The smallest from which statistics were gathered; none if every plane gave its own."""
    cut: bool = False
    """Whether a tile was less than its plane, so that halos counted."""
    most_sampled: int | None = field(default=None, repr=False)
    """Pixels that statistics are gathered from, at most; None: measured when they are first needed."""
    reading: AbstractContextManager[Any] = field(default_factory=nullcontext, repr=False)
    """Within which the array is read: a lock, if several threads do, as the array may be made for one."""

    def __post_init__(self) -> None:
        self._plans = ClipPlans(self.stack, self.engine.timing)
        self._notes: tuple[str, ...] | None = None
        if not self.transforms:
            self.transforms = self.stack.transforms()

    def clips(self) -> Iterator[tuple[int, ...]]:
        """Places of all clips along the leading axes: those of their first frames."""
        shape = self.stack.array.shape
        return product(*(range(0, shape[axis], step) for axis, step in enumerate(self.clip_steps)))

    @property
    def clip_steps(self) -> tuple[int, ...]:
        """How many places a clip has along each of the leading axes: one, but for time."""
        leading = range(self.stack.axes.index("Y"))
        return tuple(self.engine.timing.clip if axis == self.stack.time else 1 for axis in leading)

    def plan(self, index: tuple[int, ...]) -> ClipPlan:
        """How the clip at a place is computed; a plane without time is a clip of one frame."""
        return self._plans.plan(index)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the movie."""
        if self._notes is None:
            self._notes = self._plans.notes()
        return self._notes

    def clip_slices(self, index: tuple[int, ...]) -> tuple[slice, ...]:
        """Planes of the clip at a place."""
        shape = self.stack.array.shape
        return tuple(
            slice(at, min(at + step, size))
            for at, step, size in zip(index, self.clip_steps, shape, strict=False)
        )

    def count(self, index: tuple[int, ...]) -> int:
        """How many planes the clip at a place has."""
        return math.prod(along.stop - along.start for along in self.clip_slices(index))

    @property
    def radius(self) -> int:
        """Pixels beyond its own that the network sees."""
        return self.stack.card.receptive_radius

    @property
    def fades(self) -> bool:
        """Whether tiles see less than the network would, and fade into each other."""
        return self.radius > cross_fade.MOST_HALO

    @property
    def rounds_there(self) -> bool:
        """Whether tiles are rounded where they are computed: unless they are to be blended before."""
        return not self.fades

    @property
    def halo(self) -> int:
        """Pixels beyond its own that a tile sees."""
        return min(self.radius, cross_fade.MOST_HALO)

    @property
    def seen(self) -> int:
        """Pixels around a tile that are computed with it."""
        return cross_fade.seen_around(self.radius)

    def pixels_seen(self, tile: Tile) -> int:
        """Pixels of a plane that are computed for a tile, halo and border included."""
        spans = zip((tile.y, tile.x), self.stack.plane_shape, strict=True)
        card = self.stack.card
        windows = [tile_window(span, length, self.seen, card.border, card.grid) for span, length in spans]
        return math.prod(len(window.read) + sum(window.pad) for window in windows)

    def must_measure(self, tile: Tile) -> bool:
        """Whether a tile needs the plane's statistics: unless it is the plane."""
        return self.engine.needs_plane_statistics and not self.is_plane(tile)

    def is_plane(self, tile: Tile) -> bool:
        """Whether a tile is all of its plane."""
        height, width = self.stack.plane_shape
        return tile == Tile(Span(0, height), Span(0, width))

    def measuring_pixels(self, tiles: list[Tile]) -> int:
        """Pixels that are computed before a plane's tiles."""
        return self.plan_sample().pixels if self.must_measure(tiles[0]) else 0

    def plan_sample(self) -> StatisticsSample:
        """What a plane's statistics are to be gathered from."""
        if self.most_sampled is None:
            try:
                self.most_sampled = largest_sample(self.engine, self.stack.batch)
            except OutOfMemory:  # begin with the smallest
                self.most_sampled = 1
        return plan_sample(self.stack.plane_shape, self.halo, self.most_sampled)

    def halve_sample(self, failed: StatisticsSample, error: OutOfMemory) -> None:
        """Make the next sample smaller than one that did not fit."""
        self.engine.runner.release()
        if smallest_sample(self.stack.plane_shape, failed):
            raise UserError(
                f"{failed.pixels} pixels, of which the statistics of the plane are gathered, do not fit "
                f"into the memory of {self.engine.device}; {NO_MEMORY}"
            ) from error
        self.most_sampled = failed.pixels // 2

    def note_sample(self, sample: StatisticsSample) -> None:
        """Statistics were gathered from it."""
        if self.sample is None or sample.share < self.sample.share:
            self.sample = sample

    def gather(self, index: tuple[int, ...], sample: StatisticsSample, watch: Watch) -> PlaneStatistics:
        """Read a sample of a plane and gather its statistics."""
        card, transform = self.stack.card, self.transform(index)
        # Several windows have the same size wherever they lie.
        border = BORDER if len(sample.windows) > 1 else None
        low = [
            self.stack.read(index, window, sample.halo, border).to_batch(transform, card.channels)
            for window in sample.windows
        ]
        windows = Windows(np.concatenate(low), count=len(low), margin=sample.margin)
        return self.engine.gather(windows, watch)

    def frames(
        self,
        index: tuple[int, ...],
        tile: Tile,
        statistics: PlaneStatistics | None,
        watch: Watch,
        *,
        rounded: bool,
    ) -> NDArray[Any]:
        """Read and compute one tile of a plane or a clip.

        Parameters
        ----------
        index
            Place of the plane, or of the first of the clip.
        tile
            The tile.
        statistics
            Those of the plane, if the network needs them for this tile.
        watch
            Told of each layer.
        rounded
            Whether pixels of the result are wanted; if not, quantities in its working dtype.

        Returns
        -------
        NDArray
            ``(frames, Y * factor, X * factor, K)``.
        """
        plan, transform, factor = self.plan(index), self.transform(index), self.stack.card.scale_factor
        made: dict[int, NDArray[Any]] = {}
        for shot in plan.shots:
            made |= self._shot(index, plan, shot, tile, statistics, watch, rounded)
        with self.reading:
            empty_frames = self.stack.read_frames(index, plan.empty, tile, 0)
        for frame, own in empty_frames.items():
            empty = own.repeated(transform, factor)
            made[frame] = restore_dtype(empty, self.stack.result_dtype) if rounded else empty
        frames = _joined([made[frame] for frame in range(plan.frames.start, plan.frames.stop)])
        return frames.astype(self.stack.result_dtype, copy=False) if rounded else frames

    def _shot(
        self,
        index: tuple[int, ...],
        plan: ClipPlan,
        shot: Shot,
        tile: Tile,
        statistics: PlaneStatistics | None,
        watch: Watch,
        rounded: bool,
    ) -> dict[int, NDArray[Any]]:
        """Frames ``(Y * factor, X * factor, K)`` that go through the network together."""
        factor = self.stack.card.scale_factor
        made = [frame for frame in shot.frames if frame not in plan.empty]
        with self.reading:
            read = self.stack.read_frames(index, shot.seen, tile, self.halo, plan.moves, made)
        shown = {frame: self._transform_of(index, plan, frame) for frame in read}
        raw, transforms = _together({frame: one.raw(shown[frame]) for frame, one in read.items()}, shown)
        run = TileRun(
            raw=_joined([raw[frame] for frame in shot.seen]),
            transforms=tuple(transforms[frame] for frame in shot.seen),
            made=tuple(
                FrameMade(frame - shot.made.start, read[frame].windows, read[frame].quantities(shown[frame]))
                for frame in made
            ),
            channels=self.stack.card.channels,
            temporal=self.engine.temporal,
            factor=factor,
            dtype=self.stack.result_dtype,
            rounded=rounded,
        )
        high = self.engine.compute(run, watch, statistics)
        return {frame: read[frame].completed(one, factor) for frame, one in zip(made, high, strict=True)}

    def _transform_of(self, index: tuple[int, ...], plan: ClipPlan, frame: int) -> IntensityTransform:
        """That of the plane; with it a frame looks as bright to the network as those around it."""
        level = plan.level(frame)
        if self.stack.card.result is not None:  # its results know no brightness of the input
            return self.transform(index)
        return self.transform(index).brighter(level.gain, level.offset)

    def restored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Quantities as pixels of the result, with all of its axes."""
        return self.shaped(restore_dtype(values, self.stack.result_dtype))

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Frames ``(frames, Y, X, K)`` with all axes of the result."""
        frames = tuple(
            len(values) if axis == self.stack.time else 1 for axis, _ in enumerate(self.clip_steps)
        )
        pixels = values if self.stack.rgb else values[..., 0]
        return pixels.reshape(*frames, *pixels.shape[1:])

    def write(self, result: Sink, index: tuple[int, ...], tile: Tile, pixels: NDArray[Any]) -> None:
        factor = self.stack.card.scale_factor
        plane = _scaled(tile.y, self.place.y, factor), _scaled(tile.x, self.place.x, factor)
        result[(*self.clip_slices(index), *plane)] = pixels

    def transform(self, index: tuple[int, ...]) -> IntensityTransform:
        """Intensity transform of a plane."""
        return self.transforms[self.stack.channel_of(index)]


def halved(tiles: list[Tile], failed: Tile, engine: Engine, error: OutOfMemory) -> list[Tile]:
    """Cut every tile in two that is as large as the one that failed.

    Raises
    ------
    UserError
        If that one was as small as can be.
    """
    engine.runner.release()
    if max(len(failed.y), len(failed.x)) <= SMALLEST_TILE:
        raise UserError(
            f"a tile of {len(failed.y)} x {len(failed.x)} pixels does not fit into the memory of "
            f"{engine.device}; {NO_MEMORY}"
        ) from error
    cut: list[Tile] = []
    for tile in tiles:
        cut += tile.halves() if tile.pixels >= failed.pixels else [tile]
    return cut


def _together(
    raw: dict[int, NDArray[Any]], shown: dict[int, IntensityTransform]
) -> tuple[dict[int, NDArray[Any]], dict[int, IntensityTransform]]:
    """Frames that go to the device as one array: those that were filled have float64, and others have not."""
    if len({each.dtype for each in raw.values()}) == 1:
        return raw, shown
    return {frame: shown[frame].apply(each) for frame, each in raw.items()}, dict.fromkeys(raw, _UNCHANGED)


def _joined(frames: list[NDArray[Any]]) -> NDArray[Any]:
    """Frames along a new first axis; a single one is not copied."""
    return frames[0][None] if len(frames) == 1 else np.stack(frames)


def _scaled(span: Span, origin: Span, factor: int) -> slice:
    return slice((span.start - origin.start) * factor, (span.stop - origin.start) * factor)
