"""Clips hold the right frames in the right order, and nothing from beyond a gap, a cut or a guard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.training.fine_tuning.conftest import cells
from tests.training.fine_tuning.movies import movie

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.clips import judged_clips, learned_clips, scenes_of
from napari_srgan.training.fine_tuning.judge import Judge, crops_of
from napari_srgan.training.fine_tuning.patches import MeasuredPatches, SimulatedPatches
from napari_srgan.training.fine_tuning.planes import LearnedPlane, to_tensor
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.split import Split, frame_roles
from napari_srgan.training.fine_tuning.temporal_needs import InTime, in_time_of
from napari_srgan.training.recipes.recipe import Recipe
from timelapses import KINDS, make_temporal_model

SAME = IntensityTransform(0.0, 1.0)
SHAPE = (24, 28)
RECIPE = Recipe(
    name="toy", description="", architecture="early-fusion", intensity="percentile", steps=1, patch=12,
    arguments={"scale_factor": 2, "channels": 1, "frames": 3, "blocks": 1, "width": 4},
)  # fmt: skip
times = st.sets(st.integers(0, 20), min_size=1)
needs = st.builds(
    InTime, st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 6), st.just(True)
)


def frame(
    at: int, role: int | NDArray[np.int8] = TRAINED_ON, *, movie: str = "m", high: Any = None, low: Any = None
) -> LearnedPlane:
    """A plane that knows its time: every pixel is it."""
    y, x = SHAPE
    roles = np.full(SHAPE, role, np.int8) if isinstance(role, int) else role
    return LearnedPlane(
        source=movie,
        low=torch.full((1, y, x), float(at)) if low is None else low,
        high=torch.full((1, 2 * y, 2 * x), float(at)) if high is None else high,
        split=Split(roles, 0), signal=np.ones(SHAPE, np.float32), seen=SAME, target=SAME, movie=(movie,),
        frame=at,
    )  # fmt: skip


def times_of(planes: Any) -> list[int]:
    return [plane.frame for plane in planes]


@given(first=times, second=times, in_time=needs)
def test_clips_are_frames_in_a_row_of_one_movie(first: set[int], second: set[int], in_time: InTime) -> None:
    planes = [frame(at, movie="a") for at in first] + [frame(at, movie="b") for at in second]
    clips = learned_clips(scenes_of(planes, in_time), in_time)
    for clip in clips:
        made = times_of(clip.made)
        assert made == list(range(made[0], made[0] + in_time.made))
        assert times_of(clip.seen[clip.own]) == made
        assert len(clip.seen) == in_time.before + in_time.made + in_time.after
        assert len({plane.movie for plane in clip.seen}) == 1
        # One step in time from each frame to the next: forwards, or back where the movie is reflected.
        steps = np.abs(np.diff(times_of(clip.seen)))
        assert (steps == (1 if len({*times_of(clip.seen)}) > 1 else 0)).all()
    starts = {(clip.made[0].movie[0], clip.made[0].frame) for clip in clips}
    for name, there in (("a", first), ("b", second)):
        for at in there:
            whole = there >= set(range(at, at + in_time.made))
            assert ((name, at) in starts) == whole


@given(there=times, held=times, in_time=needs)
def test_every_frame_with_something_held_back_is_judged_once(
    there: set[int], held: set[int], in_time: InTime
) -> None:
    planes = [frame(at, HELD_BACK if at in held else TRAINED_ON) for at in there]
    clips = judged_clips(scenes_of(planes, in_time), in_time, most=1000)
    judged = [at for clip in clips for at in times_of(clip.made)]
    assert sorted(judged) == sorted(there & held)
    assert all(len(clip.made) <= in_time.clip for clip in clips)
    assert all(times_of(clip.seen[clip.own]) == times_of(clip.made) for clip in clips)


def test_clips_that_are_judged_lie_where_inference_cuts_a_movie() -> None:
    roles = np.full(SHAPE, TRAINED_ON, np.int8)
    roles[:8] = HELD_BACK
    in_time = InTime(2, 2, 4, 8, True)
    clips = judged_clips(scenes_of([frame(at, roles) for at in range(19)], in_time), in_time, most=32)
    assert [times_of(clip.made)[0] for clip in clips] == [0, 8, 16]
    assert times_of(clips[0].seen) == [2, 1, *range(10)]
    assert times_of(clips[2].seen) == [14, 15, 16, 17, 18, 17, 16]
    fewer = judged_clips(scenes_of([frame(at, roles) for at in range(400)], in_time), in_time, most=32)
    assert len(fewer) == 4


def test_single_images_are_clips_of_one() -> None:
    still = InTime()
    clips = learned_clips(scenes_of([frame(at) for at in (3, 4)], still), still)
    assert [(times_of(clip.seen), times_of(clip.made)) for clip in clips] == [([3], [3]), ([4], [4])]


def test_no_frame_that_is_held_back_or_guards_is_ever_seen() -> None:
    in_time = InTime(3, 2, 4, 8, True)
    given_roles = frame_roles(20, 0.25, guard=3, least=in_time.least)
    assert [given_roles.count(role) for role in (TRAINED_ON, GUARD, HELD_BACK)] == [12, 3, 5]
    scenes = scenes_of([frame(at, role) for at, role in enumerate(given_roles)], in_time)
    learned = learned_clips(scenes, in_time)
    assert {at for clip in learned for at in times_of(clip.seen)} == set(range(12))
    judged = judged_clips(scenes, in_time, most=32)
    assert not {at for clip in judged for at in times_of(clip.seen)} & set(range(12))


def test_batches_of_movies_have_frames_of_one_place_and_one_orientation() -> None:
    field = torch.from_numpy(cells(shape=(2 * SHAPE[0] + 16, 2 * SHAPE[1])).astype(np.float32))
    highs = [field[None, 2 * at : 2 * at + 2 * SHAPE[0]] for at in range(8)]
    lows = [high.unfold(1, 2, 2).unfold(2, 2, 2).mean(dim=(3, 4)) for high in highs]
    planes = [frame(at, high=high, low=low) for at, (high, low) in enumerate(zip(highs, lows, strict=True))]
    in_time = InTime(1, 1, 4, 4, True)
    low, high = MeasuredPatches(planes, RECIPE, np.random.default_rng(0), in_time).batch(16)
    assert low.shape == (16, 6, 1, 12, 12)
    assert high.shape == (16, 4, 1, 24, 24)
    again = high.unfold(3, 2, 2).unfold(4, 2, 2).mean(dim=(5, 6))
    torch.testing.assert_close(again, low[:, 1:-1])
    # The field moves by a low-resolution pixel a frame, the same way in all frames of a patch.
    for clip in low[:, 1:-1, 0]:
        ways = [(1, 0), (-1, 0), (0, 1), (0, -1)]
        fits = [
            (torch.roll(clip[1:], way, (1, 2)) - clip[:-1])[:, 2:-2, 2:-2].abs().max() < 1e-3 for way in ways
        ]
        assert any(fits)


@pytest.mark.parametrize("noise", ["independent", "the same in every frame"])
def test_simulated_frames_of_a_patch_have_one_camera(noise: Any) -> None:
    even = torch.full((1, 2 * SHAPE[0], 2 * SHAPE[1]), 1000.0)
    planes = [frame(at, high=even) for at in range(5)]
    camera = Degradation(2, blur=(0.0, 0.0), read_noise=(1.0, 100.0), noise=noise)
    in_time = InTime(2, 2, 4, 4, True)
    sampler = SimulatedPatches(
        planes, RECIPE.model_copy(update={"gain": (1.0, 1.0)}), np.random.default_rng(0), camera, in_time
    )
    low, high = sampler.batch(12)
    assert low.shape == (12, 8, 1, 12, 12)
    assert high.shape == (12, 4, 1, 24, 24)
    deviations = (low - 1000).std(dim=(2, 3, 4))
    assert float(deviations.mean(dim=1).std()) > 15
    assert float(deviations.std(dim=1).max()) < 15
    same = (low[:, 2:6] - low[:, 2:3]).abs().amax(dim=(1, 2, 3, 4)) == 0
    assert bool(same.all() if noise != "independent" else ~same.any())


def test_a_frame_that_is_reflected_has_the_noise_it_has() -> None:
    even = torch.full((1, 2 * SHAPE[0], 2 * SHAPE[1]), 1000.0)
    in_time = InTime(2, 2, 4, 4, True)
    camera = Degradation(2, blur=(0.0, 0.0), read_noise=(50.0, 50.0))
    sampler = SimulatedPatches(
        [frame(at, high=even) for at in range(4)], RECIPE, np.random.default_rng(0), camera, in_time
    )
    low, _ = sampler.batch(4)  # frames 2, 1, 0, 1, 2, 3, 2, 1
    for one, other in ((0, 4), (1, 3), (6, 4), (7, 3)):
        assert torch.equal(low[:, one], low[:, other])
    assert not torch.equal(low[:, 2], low[:, 3])


def test_frames_learned_from_are_usable_in_all_of_a_clip() -> None:
    """What is saturated in one frame is left out of the clips that are made of it, not of others."""
    bad = np.full(SHAPE, TRAINED_ON, np.int8)
    bad[:, :20] = 0
    planes = [frame(at, bad if at == 4 else TRAINED_ON) for at in range(12)]
    in_time = InTime(1, 1, 4, 4, True)
    sampler = MeasuredPatches(planes, RECIPE, np.random.default_rng(0), in_time)
    low, high = sampler.batch(100)
    assert set(high.unique().tolist()) == {0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0}
    assert 4.0 in low.unique().tolist()  # it still helps the others, as where a model is used


def test_a_movie_without_room_for_a_clip_is_refused() -> None:
    """Every frame has room for a patch, but elsewhere."""
    left, right = np.full(SHAPE, TRAINED_ON, np.int8), np.full(SHAPE, TRAINED_ON, np.int8)
    left[:, 14:], right[:, :14] = 0, 0
    planes = [frame(at, left if at % 2 else right) for at in range(8)]
    with pytest.raises(UserError, match="nowhere do 4 frames in a row have a patch of 12"):
        MeasuredPatches(planes, RECIPE, np.random.default_rng(0), InTime(1, 1, 4, 4, True))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_judged_is_what_inference_gives(kind: str) -> None:
    """Clips begin at the same frames, and a movie is continued in the same way at its ends."""
    low = movie(10, (72, 76)).astype(np.float32)
    model = make_temporal_model(kind)
    seen = PlaneStack(low, "TYX", model.card).transforms()[0]
    planes = [
        LearnedPlane(
            source="m", low=to_tensor(seen.apply(each[..., None])), high=torch.zeros(1, 144, 152),
            split=Split(np.full(each.shape, HELD_BACK, np.int8), 0), signal=np.ones(each.shape, np.float32),
            seen=seen, target=seen, frame=at,
        )
        for at, each in enumerate(low)
    ]  # fmt: skip
    in_time = in_time_of(model.network)
    clips = judged_clips(scenes_of(planes, in_time), in_time, most=32)
    crops, shown = crops_of(
        clips, lambda clip: torch.stack([plane.low for plane in clip.seen]), lambda plane: plane.high, 2
    )
    judge = Judge(crops, shown, 2, matched=False, eight_bit=False)
    with torch.inference_mode():
        ((_, judged, _),) = judge.compared(lambda crop: model.network(crop.low[None])[0])
    given = napari_srgan.upscale(low, model, axes="TYX", device="cpu", precision="float32", progress=False)
    edge = 2 * model.network.receptive_radius
    inner = (slice(None), slice(edge, -edge), slice(edge, -edge))
    assert given[inner].size > 1000
    np.testing.assert_allclose(judged.reshape(given.shape)[inner], given[inner], rtol=1e-4, atol=0.5)
