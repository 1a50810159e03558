"""Time cut into clips: every frame is made once, and helped by those around it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.inference.movies.clips import TemporalWindow, clip_at, consecutive, reflected, shot_of
from napari_srgan.inference.tiles.grid import cut_at_borders
from napari_srgan.inference.tiles.tiling import Span

LENGTHS, HALOS, CLIPS = st.integers(1, 40), st.integers(0, 9), st.integers(1, 9)


@given(LENGTHS, CLIPS)
def test_clips_make_every_frame_once(length: int, clip: int) -> None:
    made = [clip_at(first, clip, length) for first in range(0, length, clip)]
    assert [frame for span in made for frame in range(span.start, span.stop)] == list(range(length))


@given(st.integers(0, 9), LENGTHS, st.data(), HALOS, HALOS)
def test_a_shot_sees_the_movie_continued_by_reflection(
    start: int, length: int, data: st.DataObject, before: int, after: int
) -> None:
    scene = Span(start, start + length)
    first = data.draw(st.integers(start, start + length - 1))
    made = Span(first, data.draw(st.integers(first + 1, start + length)))
    shot = shot_of(made, scene, TemporalWindow(clip=3, before=before, after=after))
    frames = np.arange(scene.start, scene.stop)
    continued = np.pad(frames, (before, after), mode="reflect" if length > 1 else "edge")
    expected = continued[made.start - start : made.stop - start + before + after]
    assert list(shot.seen) == list(expected)


@given(st.sets(st.integers(0, 30)))
def test_frames_beside_each_other_are_read_together(frames: set[int]) -> None:
    spans = list(consecutive(frames))
    assert [frame for span in spans for frame in range(span.start, span.stop)] == sorted(frames)
    assert all(span.stop < other.start for span, other in pairwise(spans))


@given(st.integers(-200, 200), LENGTHS)
def test_what_stands_for_a_place_lies_on_the_axis(place: int, length: int) -> None:
    assert 0 <= reflected(np.array([place]), length)[0] < length


@given(LENGTHS, CLIPS, st.integers(0, 40), st.integers(1, 7))
def test_parts_of_time_are_cut_at_the_borders_of_clips(length: int, clip: int, start: int, step: int) -> None:
    along = range(start, start + length, step)
    pieces = cut_at_borders(along, clip)
    found = [
        piece.number * clip + place
        for piece in pieces
        for place in range(piece.of.start, piece.of.stop, piece.of.step)
    ]
    assert found == list(along)
    assert [at for piece in pieces for at in range(piece.into.start, piece.into.stop)] == [*range(len(along))]
