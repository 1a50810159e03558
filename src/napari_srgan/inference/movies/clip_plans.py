"""How each clip of a movie is computed: what of it helps what, decided where the clip is, from samples.

A sample is the middle of a frame. Those of a clip and its neighbourhood are read when the clip is first
wanted, never those of the whole movie, and they decide alone: a clip has one plan, whoever asks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.arrays import read_block
from napari_srgan.inference.movies.clips import ClipPlan, Shot, TemporalWindow, clip_at, consecutive, shot_of
from napari_srgan.inference.movies.drift import Move, displacement
from napari_srgan.inference.movies.timeline import (
    NOT_IN_ORDER,
    FrameBrightness,
    FrameStats,
    brightness,
    frame_stats,
    nearest,
    scenes,
    seems_unordered,
)
from napari_srgan.inference.options import DRIFT
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.batch import ALPHA
from napari_srgan.inference.tiles.tiling import Span
from napari_srgan.models import Model

_SAMPLE_SIDE = 512
"""Largest number of pixels along each side of a sample."""
WIDER = 2
"""Frames that are looked at beyond those that a clip sees, to know what is usual there."""
LOOKS_KEPT, PLANS_KEPT = 48, 32
"""Number of looks, and of plans, that are remembered."""
RUNS, _RUN = 4, 6
"""Places of a movie at which its order is looked at, and frames at each."""
_LARGE = 2048
"""Side of the parts in which a frame is searched for anything, if there is nothing in its sample."""

ValueT = TypeVar("ValueT")
LeadingIndex = tuple[int, ...]


class ClipPlans:
    """Plans of the clips of one array.

    Parameters
    ----------
    stack
        The array, its axes, its model's card, and whether frames are aligned.
    timing
        What the network needs of time.
    """

    def __init__(self, stack: PlaneStack, timing: TemporalWindow) -> None:
        self._stack = stack
        self._timing = timing
        self._plans: OrderedDict[LeadingIndex, ClipPlan] = OrderedDict()
        self._looks: OrderedDict[LeadingIndex, FrameStats | None] = OrderedDict()
        self._lock = threading.RLock()

    def plan(self, index: LeadingIndex) -> ClipPlan:
        """How the clip at a place is computed; a plane without time is a clip of one frame."""
        time = self._stack.time
        if time is None:
            alone = Span(0, 1)
            return ClipPlan(alone, (shot_of(alone, alone, self._timing),))
        with self._lock:
            if index not in self._plans:
                _remember(self._plans, index, self._plan(index, time), PLANS_KEPT)
            return self._plans[index]

    def _plan(self, index: LeadingIndex, time: int) -> ClipPlan:
        movie = Span(0, self._stack.array.shape[time])
        frames = clip_at(index[time], self._timing.clip, len(movie))
        reach = max(self._timing.before, self._timing.after) + WIDER
        around = frames.grown(reach, reach).within(movie)
        looks = self._look(index, range(around.start, around.stop))
        return plan_clip(frames, around, looks, self._timing)

    def _look(self, index: LeadingIndex, frames: Iterable[int]) -> dict[int, FrameStats]:
        """Look at frames, and leave out those that show nothing."""
        time = self._stack.time
        assert time is not None
        places = {frame: (*index[:time], frame, *index[time + 1 :]) for frame in frames}
        missing = [frame for frame, place in places.items() if place not in self._looks]
        found = {frame: self._looks[place] for frame, place in places.items() if place in self._looks}
        for span in consecutive(missing):
            samples = self._stack.samples(places[span.start], span, _SAMPLE_SIDE)
            for frame, sample in zip(range(span.start, span.stop), samples, strict=True):
                shows = _varies(sample) or self._shows_something(places[frame])
                fine = self._stack.options.align == DRIFT
                found[frame] = frame_stats(sample.mean(axis=-1), fine=fine) if shows else None
                _remember(self._looks, places[frame], found[frame], LOOKS_KEPT)
        return {frame: look for frame, look in found.items() if look is not None}

    def _shows_something(self, place: LeadingIndex) -> bool:
        """Whether not all of a frame has one value; looked at part by part."""
        before: NDArray[Any] | None = None
        parts = (range(0, size, _LARGE) for size in self._stack.plane_shape)
        for y, x in product(*parts):
            pixels = read_block(self._stack.array, (*place, slice(y, y + _LARGE), slice(x, x + _LARGE)))
            pixels = pixels[..., :ALPHA] if self._stack.rgb else pixels[..., None]
            first = pixels[0, 0]
            if _varies(pixels) or (before is not None and not np.array_equal(first, before, equal_nan=True)):
                return True
            before = first
        return False

    def notes(self) -> tuple[str, ...]:
        """What is to be said of the movie; see :func:`notes_on_time`."""
        stack, timing = self._stack, self._timing
        if stack.time is None:
            return ()
        length, wanted = stack.array.shape[stack.time], timing.seen(1)
        notes = []
        if length < wanted:
            notes.append(
                f"the time axis has {length} frame{'s' if length > 1 else ''}, and {stack.card.name} makes "
                f"each from {wanted}: the others are their mirror images, and help little"
            )
        first = tuple(size // 2 for size in stack.array.shape[: stack.axes.index("Y")])
        looks = []
        for run in _runs(length):
            with self._lock, suppress(Exception):  # what is damaged is told when its clip is made
                looks.append(list(self._look(first, run).values()))
        return (*notes, NOT_IN_ORDER) if seems_unordered(looks) else tuple(notes)


def notes_on_time(array: Any, axes: str, model: Model) -> tuple[str, ...]:
    """What is to be said of a movie before a model for time-lapses is run over it.

    Sentences, beginning with a small letter and without a full stop: that it is shorter than what the model
    looks at; that its frames seem not to be in the order of time. Mostly none, and none for models of
    single images. The same stand in the result's provenance under ``"notes"``. Some two dozen frames are
    looked at, in their middle, however long the movie is.

    Parameters
    ----------
    array
        An image of numpy, dask, zarr or xarray, as for :func:`~napari_srgan.inference.upscale.upscale_job`.
    axes
        One letter for each of its axes.
    model
        The model that will be run.

    Raises
    ------
    UserError
        If the model is for time-lapses and no axis is T.
    """
    return ClipPlans(PlaneStack(array, axes, model.card), TemporalWindow.of(model.network)).notes()


def plan_clip(frames: Span, around: Span, looks: dict[int, FrameStats], timing: TemporalWindow) -> ClipPlan:
    """Plan a clip.

    Parameters
    ----------
    frames
        The frames of the clip.
    around
        The frames that were looked at.
    looks
        What was found in them, by the number of the frame; those that show nothing are missing.
    timing
        What the network needs of time.

    Returns
    -------
    ClipPlan
        Each scene is a shot of its own, continued by reflection. A frame that shows nothing helps no
        other: the nearest of its scene that shows something stands for it. Frames that are brighter or
        darker than the middle one of their shot are brought to its brightness; and to its place, if
        they were looked at for drift.
    """
    shots: list[Shot] = []
    levels: dict[int, FrameBrightness] = {}
    moves: dict[int, Move] = {}
    for scene in scenes(looks, around):
        made = scene.within(frames)
        usable = [frame for frame in looks if scene.start <= frame < scene.stop]
        if made.start >= made.stop or not any(frame in looks for frame in range(made.start, made.stop)):
            continue
        shot = shot_of(made, scene, timing)
        seen = tuple(frame if frame in looks else nearest(frame, usable) for frame in shot.seen)
        shots.append(Shot(made, seen))
        middle = looks[nearest((made.start + made.stop - 1) // 2, usable)]
        levels |= {frame: brightness(looks[frame], middle) for frame in set(seen)}
        moves |= {frame: _moved(looks[frame], middle) for frame in set(seen)}
    empty = frozenset(frame for frame in range(frames.start, frames.stop) if frame not in looks)
    changed = {frame: level for frame, level in levels.items() if level != FrameBrightness()}
    moved = {frame: move for frame, move in moves.items() if move != (0, 0)}
    return ClipPlan(frames, tuple(shots), empty, changed, moved)


def _moved(own: FrameStats, middle: FrameStats) -> Move:
    if own.fine is None or middle.fine is None:
        return 0, 0
    return displacement(own.fine, middle.fine, own.independent)


def _runs(length: int) -> list[range]:
    """Frames from which the order of a movie is judged."""
    if length <= RUNS * _RUN:
        return [range(length)]
    starts = (number * (length - _RUN) // (RUNS - 1) for number in range(RUNS))
    return [range(start, start + _RUN) for start in starts]


def _varies(pixels: NDArray[Any]) -> bool:
    """Whether there are two values of one colour; what is not finite is none."""
    for colour in np.moveaxis(pixels, -1, 0):
        values = colour[np.isfinite(colour)] if colour.dtype.kind == "f" else colour
        if values.size and values.min() != values.max():
            return True
    return False


def _remember(kept: OrderedDict[LeadingIndex, ValueT], index: LeadingIndex, value: ValueT, most: int) -> None:
    """Keep a value; what has been kept longest is forgotten."""
    kept[index] = value
    if len(kept) > most:
        kept.popitem(last=False)
