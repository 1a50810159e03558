"""Scenes, empty frames, exposure and order: seen in samples, and not where there is only noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.movies.clip_plans import ClipPlans, notes_on_time, plan_clip
from napari_srgan.inference.movies.clips import TemporalWindow
from napari_srgan.inference.movies.timeline import (
    FrameBrightness,
    brightness,
    frame_stats,
    scenes,
    seems_unordered,
)
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.tiling import Span
from timelapses import as_photons, make_temporal_model, moving_spots
from upscalings import eager, lazy

ONE, OTHER = moving_spots(12, 96, 96, seed=1), moving_spots(12, 96, 96, seed=2)
CUT = np.concatenate([ONE[:6], OTHER[:6]])
TIMING = TemporalWindow(clip=4, before=2, after=2)
PHOTONS = pytest.mark.parametrize("photons", [None, 50, 10])
"""At the brightest place; None: without noise."""


def noisy(movie: Any, photons: float | None) -> Any:
    return movie if photons is None else as_photons(movie, photons)


def cut_at(movie: Any) -> list[int]:
    looks = {number: frame_stats(frame) for number, frame in enumerate(movie)}
    return [scene.start for scene in scenes(looks, Span(0, len(movie)))]


def shuffled(movie: Any, seed: int = 0) -> Any:
    return movie[np.random.default_rng(seed).permutation(len(movie))]


# --- Scenes ---------------------------------------------------------------------------------


@PHOTONS
def test_a_cut_is_found_and_noise_is_none(photons: float | None) -> None:
    assert cut_at(noisy(ONE, photons)) == [0]
    assert cut_at(noisy(CUT, photons)) == [0, 6]


def test_noise_alone_has_no_scenes() -> None:
    draw = np.random.default_rng(0)
    for photons in (1, 10, 100):
        assert cut_at(draw.poisson(photons, (12, 64, 64))) == [0]


def test_one_frame_of_something_else_is_a_scene_of_its_own() -> None:
    movie = ONE.copy()
    movie[5] = OTHER[0]
    assert cut_at(movie) == [0, 5, 6]


@pytest.mark.parametrize("factor", [0.3, 1.6])
def test_neither_flashes_nor_a_lamp_that_flickers_are_cuts(factor: float) -> None:
    lamp, flash = ONE.copy(), ONE.copy()
    lamp[5:] = lamp[5:] * factor + 20
    flash[4:7, 20:30, 20:30] += 2000
    assert cut_at(lamp) == cut_at(flash) == [0]


def test_fast_motion_is_no_cut() -> None:
    assert cut_at(moving_spots(12, 96, 96, drift=(3, 2))) == [0]


def test_two_frames_cannot_be_told_to_be_two_scenes() -> None:
    assert cut_at(CUT[5:7]) == [0]


# --- Brightness -----------------------------------------------------------------------------


@PHOTONS
@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0), (2, 30), (1, -40)])
def test_a_gain_is_found(photons: float | None, gain: float, offset: float) -> None:
    movie = noisy(ONE, photons).astype(float)
    found = brightness(frame_stats(movie[1] * gain + offset), frame_stats(movie[0]))
    darker = np.percentile(movie[0], 5)
    assert found.gain * darker + found.offset == pytest.approx(gain * darker + offset, abs=8)
    if photons is None:
        assert found.gain == pytest.approx(gain, rel=0.05)


@PHOTONS
def test_what_moves_and_what_is_noise_is_no_gain(photons: float | None) -> None:
    movie = noisy(moving_spots(12, 96, 96, drift=(1, 0)), photons)
    looks = [frame_stats(frame) for frame in movie]
    assert all(brightness(look, looks[5]) == FrameBrightness() for look in looks)


# --- Order ----------------------------------------------------------------------------------


def unordered(movie: Any) -> bool:
    return seems_unordered([[frame_stats(frame) for frame in movie]])


@PHOTONS
def test_shuffled_frames_are_seen(photons: float | None) -> None:
    movie = noisy(moving_spots(24, 96, 96, drift=(1.5, 0)), photons)
    assert not unordered(movie)
    assert unordered(shuffled(movie))


@PHOTONS
def test_where_only_noise_changes_no_order_is_wrong(photons: float | None) -> None:
    still = noisy(np.repeat(ONE[:1], 20, axis=0), photons)
    assert not unordered(still)
    assert not unordered(shuffled(noisy(ONE, photons)[:2]))
    assert not unordered(np.random.default_rng(0).poisson(10, (20, 64, 64)))


def test_a_cut_is_no_disorder() -> None:
    assert not unordered(CUT)


def test_what_is_said_of_a_movie() -> None:
    model = make_temporal_model("slow-fusion")
    movie = moving_spots(40, 96, 96, drift=(1.5, 0))
    assert notes_on_time(movie, "TYX", model) == ()
    (note,) = notes_on_time(shuffled(movie), "TYX", model)
    assert "in the order of time" in note
    assert notes_on_time(movie[:1], "TYX", model)[0].startswith("the time axis has 1 frame, and tiny-slow")
    assert "has 2 frames, and tiny-slow-fusion makes each from 5" in notes_on_time(movie[:2], "TYX", model)[0]
    assert eager(movie[:9, :32, :32], model, axes="TYX").provenance["notes"] == []
    (note,) = eager(movie[:2, :32, :32], model, axes="TYX").provenance["notes"]
    assert note.startswith("the time axis has 2")


def test_order_is_judged_by_a_few_frames_of_a_long_movie() -> None:
    class Counted:
        shape, dtype = (5000, 2000, 2000), np.dtype(np.uint8)
        read = 0

        def __getitem__(self, key: Any) -> Any:
            shape = [len(range(*k.indices(n))) for k, n in zip(key, self.shape, strict=True)]
            part = np.zeros(shape, np.uint8)
            part[..., ::7] = 1
            Counted.read += part.size
            return part

    notes_on_time(Counted(), "TYX", make_temporal_model())
    assert 0 < Counted.read <= 24 * 512**2


# --- What becomes of it ---------------------------------------------------------------------


def run(movie: Any, **options: Any) -> Any:
    return eager(movie, make_temporal_model(), **({"axes": "TYX"} | options)).data


@pytest.mark.parametrize("value", [0, 70, np.nan])
def test_an_empty_frame_stays_empty_and_helps_nobody(value: float) -> None:
    movie = ONE.copy()
    movie[5] = value
    result = run(movie, tile=40)
    np.testing.assert_array_equal(result[5], np.full_like(result[5], value))
    # Its neighbours are what they are if the frame before it takes its place.
    filled = movie.copy()
    filled[5] = filled[4]
    plan = plan_of(movie, 4)
    assert (plan.empty, plan.shots[0].seen) == ({5}, (2, 3, 4, 4, 6, 7, 8, 9))
    expected = run(filled, tile=40)
    others = [frame for frame in range(12) if frame != 5]
    # Percentiles are not those of quite the same values.
    np.testing.assert_allclose(result[others], expected[others], atol=0.05 * 200)


def plan_of(movie: Any, first: int, **options: Any) -> Any:
    stack = PlaneStack(movie, options.get("axes", "TYX"), make_temporal_model().card)
    return ClipPlans(stack, TIMING).plan((first,))


def test_what_is_empty_in_the_middle_only_is_not_empty() -> None:
    movie = np.zeros((3, 700, 600), np.uint8)
    movie[:, :30, :30] = 9
    assert plan_of(movie, 0).empty == frozenset()
    movie[1] = 0
    assert plan_of(movie, 0).empty == {1}


def test_empty_movies_and_colours() -> None:
    np.testing.assert_array_equal(run(np.full((3, 20, 20), 7, np.uint16)), np.full((3, 40, 40), 7))
    colours = np.stack([ONE[:4, :40, :40]] * 3 + [np.full((4, 40, 40), 255)], -1).astype(np.uint8)
    colours[2, ..., :3] = (10, 20, 30)
    result = run(colours, axes="TYXS")
    assert (result[2] == [10, 20, 30, 255]).all()
    assert result[1].std() > 1


def test_frames_do_not_help_each_other_across_a_cut() -> None:
    cut, changed = CUT.copy(), CUT.copy()
    changed[6:] = changed[6:][:, ::-1]  # the percentiles stay
    np.testing.assert_array_equal(run(cut)[:6], run(changed)[:6])
    assert [shot.seen for shot in plan_of(CUT, 4).shots] == [(2, 3, 4, 5, 4, 3), (8, 7, 6, 7, 8, 9)]


def test_with_cuts_and_empty_frames_tiled_is_untiled_and_lazy_is_eager() -> None:
    movie = CUT.copy()
    movie[3] = 0
    movie[8:] *= 0.5
    model = make_temporal_model("slow-fusion")
    whole, tiled = (eager(movie, model, axes="TYX", tile=tile).data for tile in (1000, 40))
    np.testing.assert_allclose(tiled, whole, atol=2e-3)
    part = lazy(movie, model, axes="TYX", tile=40)
    for frame in (11, 3, 5, 0, 7):
        np.testing.assert_array_equal(part[frame], tiled[frame])


def test_a_lamp_that_flickers_changes_no_more_than_brightness() -> None:
    gains = np.array([1, 0.6, 1.3, 0.8, 1.5, 1, 0.7, 1.2, 1, 0.9, 1.4, 1])[:, None, None]
    # The middle frame of the clip that is looked at is as bright in both.
    fixed: dict[str, Any] = {"axes": "TYX", "transforms": {0: IntensityTransform(0.0, 200.0)}}
    steady, flickering = (
        lazy(movie.astype(np.float32), make_temporal_model(), **fixed)[4:8] for movie in (ONE, ONE * gains)
    )
    assert np.abs(flickering / gains[4:8] - steady).mean() < 0.03 * steady.std()


def test_only_the_neighbourhood_of_a_clip_is_looked_at() -> None:
    class Watched:
        def __init__(self) -> None:
            self.movie = np.tile(ONE, (50, 1, 1))
            self.shape, self.dtype, self.frames = self.movie.shape, self.movie.dtype, set[int]()

        def __getitem__(self, key: Any) -> Any:
            part = self.movie[key]
            if isinstance(key[0], slice) and part.shape != self.shape:
                self.frames |= set(range(*key[0].indices(len(self.movie))))
            return part

    watched = Watched()
    result = lazy(watched, make_temporal_model(), axes="TYX", tile=1000)
    assert not watched.frames
    result[301]
    assert watched.frames <= set(range(290, 315))


def test_plans_do_not_depend_on_what_was_planned_before() -> None:
    movie = CUT.copy()
    movie[7] = 0
    stack = PlaneStack(movie, "TYX", make_temporal_model().card)
    forwards, backwards = ClipPlans(stack, TIMING), ClipPlans(stack, TIMING)
    ahead = [forwards.plan((first,)) for first in (0, 4, 8)]
    assert ahead == [backwards.plan((first,)) for first in (8, 4, 0)][::-1]
    assert plan_clip(Span(0, 4), Span(0, 8), {}, TIMING).shots == ()
