"""Time cut into clips: which frames are made in one go, and which of their neighbours help them.

Clips lie on a fixed grid from frame 0 on, as tiles do in space. Each is computed by itself, with as many
frames around it as its network sees; where a scene ends it is continued by reflection. So a frame has one
value however it is reached, and what is in memory does not grow with the movie. A single image is a clip
of one frame that sees nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.inference.movies.drift import Move
from napari_srgan.inference.movies.timeline import FrameBrightness
from napari_srgan.inference.tiles.tiling import Span
from napari_srgan.networks import Generator


@dataclass(frozen=True)
class TemporalWindow:
    """What a network wants of time."""

    clip: int = 1
    """Frames that are best made in one go."""
    before: int = 0
    """Number of frames before its own that a result frame depends on."""
    after: int = 0
    """Number of frames after its own that a result frame depends on."""

    @classmethod
    def of(cls, network: Generator) -> TemporalWindow:
        if network.frames == 1:  # nothing is gained by taking frames together
            return cls()
        return cls(network.clip, network.frames_before, network.frames_after)

    def seen(self, made: int) -> int:
        """Frames that go in for so many that come out."""
        return self.before + made + self.after


@dataclass(frozen=True)
class Shot:
    """Frames of one scene that go through the network together."""

    made: Span
    """Frames that come out."""
    seen: tuple[int, ...]
    """Frames that go in, in the order of time; some of them twice where the scene ends."""

    @property
    def frames(self) -> range:
        """Numbers of those that come out."""
        return range(self.made.start, self.made.stop)


@dataclass(frozen=True)
class ClipPlan:
    """How a clip is computed."""

    frames: Span
    """All that is made of it."""
    shots: tuple[Shot, ...]
    """Together they make the clip, but for frames that are empty; in the order of time."""
    empty: frozenset[int] = frozenset()
    """Frames that have one value everywhere, and keep it."""
    brightness: Mapping[int, FrameBrightness] = field(default_factory=dict)
    """How to bring frames to the brightness of the middle one of their shot, where theirs is another."""
    moves: Mapping[int, Move] = field(default_factory=dict)
    """How far frames have moved beside the middle one of their shot, where they have and where that was
    measured."""

    def level(self, frame: int) -> FrameBrightness:
        """How bright a frame is beside those it is shown to the network with."""
        return self.brightness.get(frame, FrameBrightness())


def clip_at(frame: int, clip: int, length: int) -> Span:
    """The clip that begins at a frame; the last of a movie may be shorter."""
    return Span(frame, min(frame + clip, length))


def shot_of(made: Span, scene: Span, timing: TemporalWindow) -> Shot:
    """Some frames of a scene with those around them.

    Parameters
    ----------
    made
        Frames that come out, all inside the scene.
    scene
        The scene, which is continued by reflection at both ends: the frame before its first is its second.
    timing
        What the network needs of time.
    """
    seen = np.arange(made.start - timing.before, made.stop + timing.after)
    return Shot(made, tuple((scene.start + reflected(seen - scene.start, len(scene))).tolist()))


def reflected(places: NDArray[np.integer[Any]], length: int) -> NDArray[np.integer[Any]]:
    """Places along an axis that goes on by reflection at its ends; an axis of one place repeats it.

    Parameters
    ----------
    places
        Whole numbers of any shape, also below 0 and beyond the end.
    length
        Number of places of the axis.

    Returns
    -------
    NDArray
        Numbers from 0 to ``length - 1``, of the same shape.

    Examples
    --------
    >>> reflected(np.arange(-3, 6), 3).tolist()
    [1, 2, 1, 0, 1, 2, 1, 0, 1]
    """
    period = max(2 * (length - 1), 1)
    folded = np.mod(places, period)
    return np.minimum(folded, period - folded) if length > 1 else np.zeros_like(places)


def consecutive(frames: Iterable[int]) -> Iterator[Span]:
    """Frames as the fewest spans, so that those beside each other are read together."""
    start = stop = None
    for frame in sorted(set(frames)):
        if start is None or stop is None or frame != stop:
            if start is not None and stop is not None:
                yield Span(start, stop)
            start = frame
        stop = frame + 1
    if start is not None and stop is not None:
        yield Span(start, stop)
