"""Fine-tuning on time-lapses: frames help each other, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.fine_tuning.conftest import SMALL, run
from tests.training.fine_tuning.movies import low_of, movie, movie_pair, temporal_model

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import read_model, save_model
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.memory import batch_for
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.temporal_needs import in_time_of
from napari_srgan.training.pairs.matching import match
from napari_srgan.training.pairs.source import SourceImage
from timelapses import KINDS

NOISY = Degradation(2, blur=(0.0, 0.3), read_noise=(300.0, 300.0))


def alone(high: Any, axes: str = "TYX") -> SourceImage:
    return SourceImage("high", high, axes)


def test_a_noisy_movie_makes_a_temporal_base_better_than_bicubic_and_than_it_was(tmp_path: Path) -> None:
    base = temporal_model()
    model, told = run([movie_pair(movie(), noise=1000)], base=base, steps=120, validate_every=60)
    card = model.card
    assert card.frames == base.card.frames == 3
    assert card.baseline is not None
    assert card.baseline.base is not None
    assert card.quality[0].psnr > card.baseline.bicubic + 1
    assert card.quality[0].psnr > card.baseline.base + 1
    assert card.beats_rivals
    assert "better than bicubic interpolation" in card.verdict.lower()
    assert read_model(save_model(model, tmp_path / "mine.safetensors")).card == card
    preview = next(step.preview for step in told if step.preview)
    assert preview.now.shape == preview.high.shape == tuple(2 * side for side in preview.low.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("simulated", [False, True])
def test_all_kinds_learn_from_pairs_and_from_high_resolution_alone(kind: str, simulated: bool) -> None:
    high = movie(8)
    images: Any = [alone(high)] if simulated else [movie_pair(high)]
    options: dict[str, Any] = {"degradation": NOISY} if simulated else {}
    model, _ = run(images, base=temporal_model(kind), steps=4, validate_every=2, **options)
    assert model.card.architecture == kind
    assert model.card.frames == temporal_model(kind).card.frames
    assert [point.step for point in model.history] == [0, 2, 4]


@pytest.mark.parametrize("simulated", [False, True])
def test_a_stopped_training_on_a_movie_goes_on_as_if_it_had_not_been(simulated: bool, tmp_path: Path) -> None:
    high = movie(8)
    images: Any = [alone(high)] if simulated else [movie_pair(high)]
    options: dict[str, Any] = {"degradation": NOISY} if simulated else {}
    options |= {"base": temporal_model(), "steps": 8, "validate_every": 4}
    whole, _ = run(images, **options)
    checkpoint = tmp_path / "run.checkpoint"
    base = options.pop("base")
    job = fine_tune_job(images, base=base, settings=FineTuning(**(SMALL | options)), checkpoint=checkpoint)
    while next(job).step < 6:
        pass
    job.close()
    resumed, _ = run(images, base=base, checkpoint=checkpoint, **options)
    assert resumed.weights_hash == whole.weights_hash
    if simulated:
        with pytest.raises(UserError, match="checkpoint"):
            run(images, base=base, checkpoint=checkpoint, noise="the same in every frame", **options)


def test_a_sharp_training_on_a_movie_has_a_discriminator_of_frames() -> None:
    model, _ = run([movie_pair(movie(8))], base=temporal_model(), style="sharp", steps=8, validate_every=4)
    assert model.card.recipe["gan"]["discriminator"] == "patch"
    assert all(parameter.isfinite().all() for parameter in model.network.parameters())


def test_the_script_takes_movies_by_their_axes() -> None:
    high = movie(8)
    options = SMALL | {"steps": 2, "progress": False, "base": temporal_model()}
    model = napari_srgan.fine_tune(low_of(high), high, axes="TYX", **options)
    assert model.card.frames == 3
    assert model.card.pairs[0].name == "low 1 and high 1"
    alone = napari_srgan.fine_tune(high=high, axes="TYX", **options)
    assert alone.card.pairs[0].simulated
    with pytest.raises(
        UserError, match=r"'low 1' has no axis of time.*QYX, of 8 x 56 x 64; name one of them T"
    ):
        napari_srgan.fine_tune(low_of(high), high, **options)


def test_from_scratch_a_network_of_several_frames_can_be_asked_for() -> None:
    small = movie_pair(movie(6, (72, 72)))
    model, _ = run([small], architecture="early-fusion", steps=1, batch=1, patch=12)
    assert model.card.frames == 5
    single, _ = run([small], steps=1, patch=12)
    assert single.card.frames == 1


def test_channels_and_depths_are_movies_of_their_own() -> None:
    """Each with its own frames: 3 of 6 planes would be no movie of 4 frames."""
    high = np.stack([movie(6, seed=0), movie(6, seed=1) // 2], axis=1)
    low = np.stack([low_of(high[:, 0]), low_of(high[:, 1])], axis=1)
    pair = match(SourceImage("low", low, "TCYX"), SourceImage("high", high, "TCYX"))
    model, _ = run([pair], base=temporal_model(), steps=2)
    assert [quality.images for quality in model.card.quality] == [
        "low and high, channel 0", "low and high, channel 1",
    ]  # fmt: skip


def test_an_rgb_movie_makes_a_base_of_one_channel_one_of_three() -> None:
    gray = movie(6)
    high = np.stack([gray, gray // 2, 6000 - gray.clip(max=6000)], axis=-1)
    for kind in KINDS:
        model, told = run([movie_pair(high, axes="TYXS")], base=temporal_model(kind), steps=1, batch=1)
        assert model.card.channels == 3
        notes = next(step.notes for step in told if step.notes)
        assert any("its first and last layers were adapted to RGB images" in note for note in notes)


def test_what_is_held_back_is_one_place_of_all_frames_or_the_last_frames() -> None:
    base = temporal_model()
    _, told = run([movie_pair(movie(8))], base=base, steps=1)
    roles = next(step.split for step in told if step.split)[0].roles
    assert {TRAINED_ON, HELD_BACK, GUARD} >= set(np.unique(roles)) > {HELD_BACK}
    model, told = run([movie_pair(movie(12))], base=base, steps=1, hold_back="frames", held_back=0.3)
    assert (next(step.split for step in told if step.split)[0].roles == TRAINED_ON).all()
    assert model.history
    with pytest.raises(UserError, match="from 6 frames on; there are 5: hold back blocks"):
        run([movie_pair(movie(5))], base=base, steps=1, hold_back="frames")


def test_a_step_is_measured_in_clips() -> None:
    model = temporal_model("recurrent")
    network = model.network.requires_grad_(True)
    device = torch.device("cpu")
    in_time = in_time_of(network)
    assert (in_time.before, in_time.after, in_time.made, in_time.least) == (2, 2, 4, 4)
    assert batch_for(network, 1, 16, device, in_time) == 4


def with_gaps(high: Any, places: Any) -> Any:
    high = high.copy()
    high[places] = 0
    return high


@pytest.mark.parametrize("simulated", [False, True])
def test_empty_frames_are_left_out_and_counted(simulated: bool) -> None:
    high = with_gaps(movie(20), [6, 7])
    high = with_gaps(high, 17)  # two frames after it are too few
    images: Any = [alone(high)] if simulated else [movie_pair(high)]
    model, told = run(images, base=temporal_model(), steps=1, **({"factor": 2} if simulated else {}))
    of = f"of 20 frames of '{'high' if simulated else 'low and high'}' are not learned from: they are"
    wanted = (
        f"3 {of} empty, or do not fit",
        f"2 {of} between gaps or cuts: fewer than 4 follow each other",
    )
    assert set(wanted) <= set(next(step.notes for step in told if step.notes))
    assert set(wanted) <= set(model.card.pairs[0].notes)


def test_a_long_movie_with_gaps_loses_only_the_gaps() -> None:
    high = with_gaps(movie(36, (64, 64)), slice(16, 18))
    _, told = run([movie_pair(high)], base=temporal_model(), steps=1, patch=12)
    notes = next(step.notes for step in told if step.notes)
    assert "2 of 36 frames of 'low and high' are not learned from: they are empty, or do not fit" in notes


def test_frames_that_are_not_finite_are_left_out() -> None:
    high = movie(12).astype(np.float32)
    low = low_of(high)
    low[5] = np.nan
    pair = match(SourceImage("low", low, "TYX"), SourceImage("high", high, "TYX"))
    model, told = run([pair], base=temporal_model(), steps=2)
    notes = next(step.notes for step in told if step.notes)
    assert "1 of 12 frames of 'low and high' are not learned from: they are empty, or do not fit" in notes
    assert all(parameter.isfinite().all() for parameter in model.network.parameters())


@pytest.mark.parametrize(
    ("frames", "axes", "message"),
    [
        (1, "TYX", r"'high' has 1: choose a longer time-lapse, or a base for single images"),
        (2, "TYX", r"tiny-early-fusion learns from 4 frames in a row or more, and 'high' has 2"),
        (8, "ZYX", r"'high' has no axis of time: its axes are ZYX, of 8 x 112 x 128; name one of them T"),
        (8, "QYX", r"has no axis of time: its axes are QYX"),
    ],
)
def test_what_is_no_movie_is_refused_before_it_is_read(frames: int, axes: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run([alone(movie(frames), axes)], base=temporal_model(), steps=1)


def test_a_movie_of_gaps_is_refused() -> None:
    with pytest.raises(UserError, match=r"'high' has 3 frames in a row that can be used, .* learns from 4"):
        run([alone(with_gaps(movie(11), slice(3, None, 4)))], base=temporal_model(), steps=1)


def test_scenes_are_learned_from_one_by_one() -> None:
    high = np.concatenate([movie(8, seed=0), movie(9, seed=5), movie(2, seed=7)])
    _, told = run([movie_pair(high)], base=temporal_model(), steps=1)
    notes = next(step.notes for step in told if step.notes)
    assert "'low and high' has 3 scenes, learned from one by one: cuts before frame 8, 17" in notes
    assert any(note.startswith("2 of 19 frames") and "between gaps or cuts" in note for note in notes)


@pytest.mark.parametrize("simulated", [False, True])
def test_shuffled_frames_are_told(simulated: bool) -> None:
    whole = movie(24, (64, 64), step=4)
    for high, told_so in ((whole, False), (np.random.default_rng(0).permutation(whole), True)):
        images: Any = [alone(high)] if simulated else [movie_pair(high)]
        _, told = run(images, base=temporal_model(), steps=1, patch=12)
        notes = [note for step in told for note in step.notes]
        assert any("do not seem to be in the order of time" in note for note in notes) == told_so
        assert not any("scenes" in note for note in notes)


def test_movies_of_different_length_are_no_pair() -> None:
    high = movie(8)
    with pytest.raises(UserError, match=r"axes TYX of 7 x 56 x 64 against 'high' has axes TYX of 8 x"):
        match(SourceImage("low", low_of(high)[:7], "TYX"), SourceImage("high", high, "TYX"))
