"""Which frames are seen together; a single image is a clip of one frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_srgan.inference.movies.clips import reflected
from napari_srgan.training.fine_tuning.planes import LearnedPlane
from napari_srgan.training.fine_tuning.progress import HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.temporal_needs import InTime

Scene = Sequence[LearnedPlane]
"""Frames of one movie that follow each other without a gap or a cut."""


@dataclass(frozen=True)
class Clip:
    """Frames that go through a network together."""

    seen: tuple[LearnedPlane, ...]
    """All that go in; a scene is continued at its ends by reflection, as where a model is used."""
    made: tuple[LearnedPlane, ...]
    """Those that come out."""
    own: slice
    """Where they are among those that go in."""

    @property
    def firsts(self) -> list[int]:
        """For each frame that goes in where it goes in first: at a reflection it has the noise it has."""
        places: dict[int, int] = {}
        return [places.setdefault(id(plane), place) for place, plane in enumerate(self.seen)]


def scenes_of(planes: Sequence[LearnedPlane], in_time: InTime) -> list[Scene]:
    """Frames in a row; for networks that see single images every plane by itself."""
    if not in_time.films:
        return [[plane] for plane in planes]
    movies: dict[tuple[object, ...], list[LearnedPlane]] = defaultdict(list)
    for plane in planes:
        movies[plane.movie].append(plane)
    return [row for movie in movies.values() for row in _in_rows(sorted(movie, key=lambda p: p.frame))]


def learned_clips(scenes: Sequence[Scene], in_time: InTime) -> list[Clip]:
    """All clips that can be learned from; whatever of them is seen is learned from, or used for nothing."""
    return [
        _clip(row, first, in_time.made, in_time)
        for scene in scenes
        for row in _in_rows([plane for plane in scene if (plane.split.roles == TRAINED_ON).any()])
        for first in range(len(row) - in_time.made + 1)
    ]


def judged_clips(scenes: Sequence[Scene], in_time: InTime, most: int) -> list[Clip]:
    """Clips of which something is held back: all, or some of each source if there are many.

    Parameters
    ----------
    scenes
        All that there is.
    in_time
        How the network sees time; clips are as long as where it is used.
    most
        Frames to be judged, over all sources; one clip of each at least.
    """
    by_source: dict[str, list[Clip]] = defaultdict(list)
    for scene in scenes:
        held = [at for at, plane in enumerate(scene) if (plane.split.roles == HELD_BACK).any()]
        for first, made in _cut(held, in_time.clip):
            by_source[scene[first].source].append(_clip(scene, first, made, in_time))
    each = max(most // max(len(by_source), 1) // in_time.clip, 1)
    return [
        of_one[int(i)]
        for of_one in by_source.values()
        for i in np.linspace(0, len(of_one) - 1, min(len(of_one), each))
    ]


def _clip(scene: Scene, first: int, made: int, in_time: InTime) -> Clip:
    places = reflected(np.arange(first - in_time.before, first + made + in_time.after), len(scene))
    return Clip(
        seen=tuple(scene[int(at)] for at in places),
        made=tuple(scene[first : first + made]),
        own=slice(in_time.before, in_time.before + made),
    )


def _cut(held: Sequence[int], clip: int) -> list[tuple[int, int]]:
    """First place and length of clips: places without a gap are cut from their first one on."""
    cut: list[tuple[int, int]] = []
    for at in held:
        first, made = cut[-1] if cut else (at, clip)
        if at == first + made and made < clip:
            cut[-1] = first, made + 1
        else:
            cut.append((at, 1))
    return cut


def _in_rows(planes: Sequence[LearnedPlane]) -> list[Scene]:
    """Planes in the order of time, cut where frames are missing."""
    rows: list[list[LearnedPlane]] = []
    for plane in planes:
        if not rows or plane.frame != rows[-1][-1].frame + 1:
            rows.append([])
        rows[-1].append(plane)
    return list(rows)
