"""From images to a model: better than bicubic, resumable, the same each time, honest."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.conftest import make_tiny_model
from tests.training.fine_tuning.conftest import SMALL, cells, pair_of, run

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.models import Model, read_model, save_model
from napari_srgan.networks.sub_pixel import remove_checkerboard
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.settings import FineTuning, check_settings
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.pairs.source import SourceImage

PLAIN = Degradation(2, blur=(0.0, 0.0))


def _ended(job: Any, order: Request | None = None) -> Model:
    """The model at the end of a job that is told the same all the way."""
    while True:
        try:
            job.send(order)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def alone(high: NDArray[Any], axes: str = "YX", name: str = "cells") -> SourceImage:
    return SourceImage(name, high, axes)


def test_a_pair_becomes_a_model_that_beats_bicubic(high: NDArray[Any], tmp_path: Path) -> None:
    model, told = run([pair_of(high)], steps=150, validate_every=50, name="mine")
    card = model.card
    assert card.name == "mine"
    assert card.scale_factor == 2
    assert [point.step for point in model.history] == [0, 50, 100, 150]
    assert card.baseline is not None
    assert card.quality[0].psnr > card.baseline.bicubic + 0.3
    assert card.verdict.startswith("Better than bicubic interpolation")
    assert card.pairs[0].name == "low and high"
    assert card.pairs[0].gain == pytest.approx(1, abs=0.05)
    assert "150 steps" in card.trained
    assert read_model(save_model(model, tmp_path / "mine.safetensors")).card == card
    phases = list(dict.fromkeys(step.phase for step in told))
    assert phases == ["starting", "checking", "reading", "training", "finishing"]
    fractions = [step.fraction for step in told if step.phase == "training"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_truth_that_a_model_made_is_refused_or_told_on_the_card(high: NDArray[Any]) -> None:
    from dataclasses import replace

    pair = pair_of(high)
    invented = replace(pair, high=replace(pair.high, predicted_by="sharp-x2"))
    with pytest.raises(UserError, match="prediction of sharp-x2, no measured image"):
        run([invented], steps=1)
    with pytest.raises(UserError, match="predictions_as_truth"):
        run([replace(alone(high), predicted_by="sharp-x2")], steps=1, factor=2)
    for learned, pairs in (("pair", [invented]), ("alone", [replace(alone(high), predicted_by="sharp-x2")])):
        model, told = run(pairs, steps=40, factor=2, predictions_as_truth=True)
        assert [record.predicted_by for record in model.card.pairs] == ["sharp-x2"], learned
        assert "predictions of sharp-x2, no measured images" in model.card.verdict
        assert model.card.errors is None, "a distance to a prediction is no error"
        assert any("is a prediction of sharp-x2" in note for step in told for note in step.notes)


def test_what_is_told_before_and_during_the_training(high: NDArray[Any]) -> None:
    _, told = run([pair_of(high)])
    baseline = next(step for step in told if step.baseline)
    assert baseline.split[0].roles.shape == (80, 96)
    assert {TRAINED_ON, HELD_BACK} <= set(np.unique(baseline.split[0].roles))
    assert set(np.unique(baseline.split[0].roles)) <= {TRAINED_ON, HELD_BACK, GUARD}
    assert len(next(step for step in told if step.reports).reports) == 1
    points = [step for step in told if step.point]
    assert [step.step for step in points] == [0, 20, 40]
    for step in points:
        preview = step.preview
        assert preview is not None
        assert preview.now.shape == preview.high.shape == preview.bicubic.shape
        assert preview.now.shape == tuple(2 * side for side in preview.low.shape)
        assert preview.limits[0] < preview.limits[1]
    losses = [step.loss for step in told if step.loss is not None]
    assert len(losses) == 40


def test_the_same_seed_gives_the_same_weights_and_another_does_not(high: NDArray[Any]) -> None:
    one, two, other = (run([pair_of(high)], steps=10, seed=seed)[0] for seed in (1, 1, 2))
    assert one.weights_hash == two.weights_hash
    assert one.weights_hash != other.weights_hash


@pytest.mark.parametrize("simulated", [False, True])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    high: NDArray[Any], tmp_path: Path, simulated: bool
) -> None:
    noisy = Degradation(2, blur=(0.0, 0.5), read_noise=(0.0, 30.0))
    images: Any = [alone(high)] if simulated else [pair_of(high)]
    options: dict[str, Any] = {"degradation": noisy, "factor": 2} if simulated else {}
    whole, _ = run(images, **options)
    checkpoint = tmp_path / "folder" / "run.checkpoint"
    settings = FineTuning(**(SMALL | options))
    job = fine_tune_job(images, base=None, settings=settings, checkpoint=checkpoint)
    while next(job).step < 27:  # in the middle, between two validations
        pass
    job.close()
    resumed, told = run(images, checkpoint=checkpoint, **options)
    assert resumed.weights_hash == whole.weights_hash
    assert [p.model_dump(exclude={"minutes"}) for p in resumed.history] == [
        p.model_dump(exclude={"minutes"}) for p in whole.history
    ]
    assert [step.point.step for step in told if step.point] == [0, 20, 40]


def test_an_order_to_finish_keeps_the_best(high: NDArray[Any]) -> None:
    job = fine_tune_job([pair_of(high)], base=None, settings=FineTuning(**(SMALL | {"steps": 4000})))
    step = next(job)
    while step.step < 25:
        step = next(job)
    model = _ended(job, Request.FINISH)
    assert max(point.step for point in model.history) == 25
    best = max(model.history, key=lambda point: point.psnr)
    assert model.card.quality[0].psnr == pytest.approx(best.psnr, abs=0.01)


def test_the_clock_ends_a_training_and_stands_while_it_is_paused(high: NDArray[Any]) -> None:
    from time import monotonic, sleep

    job = fine_tune_job(
        [pair_of(high)], base=None, settings=FineTuning(**(SMALL | {"steps": None, "minutes": 0.05}))
    )
    paused = 0.0
    last = 0.0
    began = monotonic()
    for step in job:
        if step.phase == "training":
            last = step.minutes
            if paused < 1.5:
                sleep(0.1)
                paused += 0.1
    assert 0.05 <= last < 0.05 + 1.5 / 60
    assert monotonic() - began > 0.05 * 60 + 1.5


def test_patience_ends_a_training_that_gets_no_better(high: NDArray[Any]) -> None:
    model, _ = run([pair_of(high)], steps=4000, learning_rate=1e-9, patience=2)
    assert len(model.history) <= 4


def test_a_model_that_is_no_better_says_so(high: NDArray[Any]) -> None:
    model, _ = run([pair_of(high)], steps=2, learning_rate=1e-9)
    assert model.card.verdict.startswith("Not better than bicubic interpolation")
    assert "Do not use it" in model.card.verdict


def test_training_cannot_make_the_kept_model_worse(high: NDArray[Any]) -> None:
    """The best is kept, and the untrained network, which interpolates, is among the candidates."""
    model, _ = run([pair_of(high)], learning_rate=0.3, clip=1e3)
    assert model.card.baseline is not None
    assert model.card.quality[0].psnr > model.card.baseline.bicubic - 0.05


def test_high_resolution_alone_is_enough(high: NDArray[Any]) -> None:
    model, told = run([alone(high)], steps=150, factor=2, degradation=PLAIN, validate_every=50)
    assert model.card.pairs[0].simulated
    assert "no blur, no noise" in model.card.pairs[0].notes[-1]
    assert model.card.quality[0].gain > 0.3
    assert not any(step.reports for step in told)


def test_defaults_simulate_a_camera(high: NDArray[Any]) -> None:
    model, _ = run([alone(high)], factor=2)
    assert "grey levels per photo-electron" in model.card.pairs[0].notes[-1]


def test_a_base_is_started_from(high: NDArray[Any]) -> None:
    base = make_tiny_model(activation="relu", blocks=1)
    remove_checkerboard(base.network)  # as every training does
    model, _ = run([pair_of(high)], base, steps=1, learning_rate=1e-9)
    assert model.card.architecture == base.card.architecture
    ours, theirs = model.network.state_dict(), base.network.state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in theirs)
    assert model.card.baseline is not None
    assert model.card.baseline.base == pytest.approx(model.history[0].psnr, abs=0.05)
    assert "from tiny" in model.card.trained


def test_a_base_of_the_library_is_named_by_name(high: NDArray[Any], library_folder: Path) -> None:
    save_model(make_tiny_model(name="own"), library_folder / "own.safetensors")
    model, _ = run([pair_of(high)], "own", steps=1)
    assert model.card.baseline is not None
    assert model.card.baseline.base_name == "own"


def test_an_rgb_image_teaches_a_gray_base_and_it_is_said(high: NDArray[Any]) -> None:
    rgb = np.stack([high, high // 2, high // 3], axis=-1)
    model, told = run([pair_of(rgb)], make_tiny_model(), steps=2)
    assert model.card.channels == 3
    assert any("adapted to RGB images" in step.message for step in told)
    assert any("adapted to RGB images" in note for note in model.card.pairs[0].notes)


def test_back_projection_stays_where_low_resolution_is_nothing_but_downsampled(high: NDArray[Any]) -> None:
    base = make_tiny_model(back_projection=True)
    kept, _ = run([alone(high)], base, steps=2, degradation=PLAIN)
    given_up, _ = run([pair_of(high)], base, steps=2)
    assert kept.network.back_projection
    assert kept.card.arguments["back_projection"]
    assert not given_up.network.back_projection


def test_a_sharp_training_ends_with_a_discriminator(high: NDArray[Any]) -> None:
    model, told = run([pair_of(high)], style="sharp", discriminator="patch")
    assert model.card.adversarial
    assert sum(step.loss is not None for step in told) == 40
    assert model.card.quality[0].psnr > 0


@pytest.mark.parametrize(
    ("brighter", "dtype", "kept"), [(1, np.uint16, True), (30, np.uint16, False), (30, np.float32, True)]
)
def test_results_have_the_brightness_of_the_low_image_where_its_type_can_tell_it(
    high: NDArray[Any], brighter: int, dtype: Any, kept: bool
) -> None:
    """Spots that are far brighter than any low-resolution pixel are not cut off."""
    from napari_srgan.training.pairs.matching import match

    high = (high // 4).astype(np.uint16)
    high[::9, ::9] = high[::9, ::9] * brighter
    low = pair_of(high).low.data
    narrow = (np.asarray(low) / np.max(low) * 65535).astype(dtype)
    pair = match(SourceImage("low", narrow, "YX"), SourceImage("high", high, "YX"))
    model, _ = run([pair], steps=1, despite_check=True)
    assert (model.card.result is None) == kept
    if not kept:
        assert model.card.result is not None
        assert model.card.result.dtype == "uint16"


def test_several_pairs_are_judged_one_by_one() -> None:
    from dataclasses import replace

    first, second = (pair_of(cells(seed)) for seed in (0, 1))
    second = replace(second, low=replace(second.low, name="second"))
    model, _ = run([first, second], steps=2)
    assert {figure.images for figure in model.card.quality} == {"low and high", "second and high"}


def test_planes_that_were_moved_differently_are_cropped_to_their_common_part() -> None:
    from napari_srgan.training.fine_tuning.reading import crop_to_common
    from napari_srgan.training.pairs.aligned import AlignedPlane

    low = np.arange(10 * 12).reshape(10, 12, 1)
    high = low.repeat(2, axis=0).repeat(2, axis=1)
    planes = [
        AlignedPlane(
            "p", (n,), 0, low[y:, x:], high[2 * y :, 2 * x :], np.ones((10 - y, 12 - x), bool), (y, x)
        )
        for n, (y, x) in enumerate([(0, 3), (2, 0)])
    ]
    one, other = crop_to_common(planes, 2)
    assert one.origin == other.origin == (2, 3)
    assert one.low is not None
    assert other.low is not None
    np.testing.assert_array_equal(one.low, low[2:, 3:])
    np.testing.assert_array_equal(other.low, low[2:, 3:])
    np.testing.assert_array_equal(other.high, high[4:, 6:])
    assert other.usable.shape == (8, 9)


def test_channels_have_a_brightness_relation_of_their_own() -> None:
    from napari_srgan import upscale
    from napari_srgan.training.degradation.ideal import degrade
    from napari_srgan.training.pairs.matching import match

    high = np.stack([cells(0), cells(1)])
    lows = np.stack([degrade(plane[..., None], 2)[0][..., 0] for plane in high]).astype(np.float32)
    low = lows * np.array([0.5, 4.0], np.float32)[:, None, None]
    pair = match(SourceImage("low", low, "CYX"), SourceImage("high", high, "CYX"))
    model, _ = run([pair], steps=150, validate_every=50)
    assert {figure.images for figure in model.card.quality} == {
        f"low and high, channel {number}" for number in (0, 1)
    }
    for channel, gain in enumerate((0.5, 4.0)):
        result = upscale(low[channel], model, progress=False)
        assert float(result.mean()) == pytest.approx(gain * float(high[channel].mean()), rel=0.1)


def test_what_changes_the_split_needs_another_checkpoint(high: NDArray[Any], tmp_path: Path) -> None:
    """Or pixels that had been learned from would be held back."""
    checkpoint = tmp_path / "run.checkpoint"
    run([pair_of(high)], steps=2, held_back=0.1, checkpoint=checkpoint)
    with pytest.raises(UserError, match="other parts were held back"):
        run([pair_of(high)], steps=4, held_back=0.3, checkpoint=checkpoint)


def test_a_base_that_knows_what_is_held_back_is_told(high: NDArray[Any]) -> None:
    first, _ = run([pair_of(high)], steps=2, held_back=0.1)
    second, _ = run([pair_of(high)], first, steps=2, held_back=0.3)
    assert any("not new to it" in note for note in second.card.pairs[0].notes)
    again, _ = run([pair_of(high)], first, steps=2, held_back=0.1)
    assert not any("not new to it" in note for note in again.card.pairs[0].notes)


def test_a_loss_that_breaks_leaves_what_was_good(high: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_srgan.training.loop import pixel_stage

    whole, calls = pixel_stage.pixel_loss, []

    def breaking(*arguments: Any) -> Any:
        calls.append(1)
        loss = whole(*arguments)
        return loss * float("nan") if len(calls) > 25 else loss

    monkeypatch.setattr(pixel_stage, "pixel_loss", breaking)
    model, _ = run([pair_of(high)])
    assert model.history[-1].step == 25
    assert any("lower the learning rate" in note for note in model.card.pairs[0].notes)
    assert all(tensor.isfinite().all() for tensor in model.network.state_dict().values())


def test_a_sharp_training_that_ended_before_its_discriminator_is_faithful(high: NDArray[Any]) -> None:
    settings = FineTuning(**(SMALL | {"style": "sharp", "steps": 4000}))
    job = fine_tune_job([pair_of(high)], base=None, settings=settings)
    while next(job).step < 5:
        pass
    model = _ended(job, Request.FINISH)
    assert not model.card.adversarial
    assert "faithful" in model.card.description


def test_new_layers_of_a_base_are_drawn_from_the_seed(high: NDArray[Any]) -> None:
    base = make_tiny_model(upsampling="staged")
    one, two = (run([pair_of(high, 4)], base, factor=4, steps=3, patch=12)[0] for _ in range(2))
    assert one.weights_hash == two.weights_hash


def test_measuring_memory_changes_nothing() -> None:
    from napari_srgan.training.fine_tuning.memory import batch_for

    network = make_tiny_model(normalisation="batch", width=4).network.train().requires_grad_(True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert batch_for(network, 1, 16, torch.device("cpu")) == 16
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_a_blank_channel_costs_the_others_nothing() -> None:
    from napari_srgan.training.pairs.matching import match

    pair = pair_of(cells())
    images = [np.asarray(image.data) for image in (pair.low, pair.high)]
    low, fine = (np.stack([image, np.zeros_like(image)]) for image in images)
    both = match(SourceImage("low", low, "CYX"), SourceImage("high", fine, "CYX"))
    model, _ = run([both], steps=2)
    assert len(model.card.quality) == 1


def test_images_of_one_name_are_told_apart(high: NDArray[Any]) -> None:
    model, _ = run([alone(high), alone(cells(3))], factor=2, steps=1, degradation=PLAIN)
    assert [record.name for record in model.card.pairs] == ["cells", "cells (2)"]


def test_a_pair_called_wrong_can_be_trained_on_if_it_is_insisted(high: NDArray[Any]) -> None:
    from dataclasses import replace

    good = pair_of(high)
    inverted = replace(good, low=replace(good.low, data=60000 - np.asarray(good.low.data)))
    with pytest.raises(UserError, match="invert"):
        run([inverted])
    model, _ = run([inverted], steps=2, despite_check=True)
    assert model.card.result is not None


def test_stacks_hold_back_the_same_place_of_all_planes() -> None:
    stack = np.stack([cells(seed) for seed in range(4)])
    model, _ = run([alone(stack, "ZYX")], factor=2, steps=2, degradation=PLAIN)
    assert model.card.pairs[0].shape == (4, 160, 192)
    frames, _ = run(
        [alone(stack, "ZYX")], factor=2, steps=2, degradation=PLAIN, hold_back="frames", held_back=0.25
    )
    assert frames.card.quality[0].psnr != model.card.quality[0].psnr


def test_too_little_memory_halves_the_batch(high: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_srgan.training.recipes.stages import Stages

    whole = Stages.step
    sizes = []

    def too_large(stages: Stages, forward: Any, low: Any, *others: Any) -> Any:
        sizes.append(len(low))
        if len(low) > 2:
            raise OutOfMemory("not enough")
        return whole(stages, forward, low, *others)

    monkeypatch.setattr(Stages, "step", too_large)
    _, told = run([pair_of(high)], steps=3, batch=8)
    assert sizes == [8, 4, 2, 2, 2]
    assert any("going on with 2" in step.message for step in told)
    monkeypatch.setattr(Stages, "step", lambda *_: (_ for _ in ()).throw(OutOfMemory("none")))
    with pytest.raises(UserError, match="not enough memory to train with 1 patches"):
        run([pair_of(high)], steps=3)


def test_a_checkpoint_of_other_images_is_refused_and_kept(high: NDArray[Any], tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    run([pair_of(high)], steps=2, checkpoint=checkpoint)
    before = checkpoint.read_bytes()
    with pytest.raises(UserError, match="a training on other images"):
        run([pair_of(cells(5))], steps=2, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_training_goes_on_with_the_batch_it_had(high: NDArray[Any], tmp_path: Path) -> None:
    """Another amount of memory may be free when it goes on."""
    whole, _ = run([pair_of(high)])
    checkpoint = tmp_path / "run.checkpoint"
    job = fine_tune_job([pair_of(high)], base=None, settings=FineTuning(**SMALL), checkpoint=checkpoint)
    while next(job).step < 10:
        pass
    job.close()
    resumed, _ = run([pair_of(high)], batch=8, checkpoint=checkpoint)
    assert resumed.weights_hash == whole.weights_hash


def test_what_a_killed_run_left_is_cleared_away(high: NDArray[Any], tmp_path: Path) -> None:
    left, written = tmp_path / ".run.checkpoint.999.partial", tmp_path / ".run.checkpoint.0ab.partial"
    for file in (left, written):
        file.write_bytes(b"half")
    os.utime(left, (0, 0))  # the other one may be of a run elsewhere that is just writing it
    run([pair_of(high)], steps=1, checkpoint=tmp_path / "run.checkpoint")
    assert {file.name for file in tmp_path.iterdir() if file.is_file()} == {"run.checkpoint", written.name}


def test_a_checkpoint_that_can_no_longer_be_written_is_told_and_costs_nothing(
    high: NDArray[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise UserError("run.checkpoint cannot be written: no space left on device")

    monkeypatch.setattr("napari_srgan.training.loop.training_loop.write_checkpoint", full)
    model, told = run([pair_of(high)], checkpoint=tmp_path / "run.checkpoint")
    assert any("no space left on device; the training goes on without" in step.message for step in told)
    assert len(model.history) == 3


def test_no_room_is_said_before_the_training(
    high: NDArray[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="nothing can be written to"):
        run([pair_of(high)], checkpoint=tmp_path / "file" / "run.checkpoint")
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(UserError, match=r"has 0 MiB left"):
        run([pair_of(high)], checkpoint=tmp_path / "run.checkpoint")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda h: np.zeros_like(h), "same value everywhere"),
        (lambda h: np.full_like(h, 7), "same value everywhere"),
        (lambda h: np.full(h.shape, np.nan, np.float32), "no finite values"),
        (lambda h: h[:20, :20], "too small"),
        (lambda h: h[:1, :1], "too small|smaller"),
    ],
)
def test_images_that_teach_nothing_are_named(high: NDArray[Any], spoil: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run([alone(spoil(high))], factor=2, degradation=PLAIN)


def test_nan_is_left_out(high: NDArray[Any]) -> None:
    image = high.astype(np.float32)
    image[40:60, 40:60] = np.nan
    image[0, 0] = np.inf
    model, _ = run([alone(image)], factor=2, degradation=PLAIN)
    assert all(tensor.isfinite().all() for tensor in model.network.state_dict().values())
    assert np.isfinite(model.card.quality[0].psnr)


def test_wrong_pairs_are_named_among_good_ones(high: NDArray[Any]) -> None:
    from dataclasses import replace

    good = pair_of(high)
    mirrored = replace(good, low=replace(good.low, name="wrong", data=np.asarray(good.low.data)[:, ::-1]))
    with pytest.raises(UserError, match="wrong and high"):
        run([good, mirrored])


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ("nothing", {}, "nothing to learn from"),
        ("both", {}, "cannot be learned from together"),
        ("factors", {}, "one scale factor; these have x2, x4"),
        ("base", {}, "these pairs are x4, tiny is x2"),
        ("pair", {"factor": 4}, "have scale factor x2, not x4"),
        ("alone", {}, "say the scale factor"),
        ("kinds", {"factor": 2}, "some images are RGB"),
        ("alone", {"factor": 4, "degradation": PLAIN}, "simulated for x2, the model is for x4"),
        ("alone", {"factor": 7}, "cannot be built from scratch for x7"),
    ],
)
def test_choices_that_do_not_fit_are_named(
    high: NDArray[Any], images: str, options: dict[str, Any], message: str
) -> None:
    rgb = np.stack([high] * 3, axis=-1)
    chosen: dict[str, Any] = {
        "nothing": [],
        "both": [pair_of(high), alone(high)],
        "factors": [pair_of(high), pair_of(high, 4)],
        "base": [pair_of(high, 4)],
        "pair": [pair_of(high)],
        "alone": [alone(high)],
        "kinds": [alone(high), alone(rgb, "YXS")],
    }
    with pytest.raises(UserError, match=message):
        run(chosen[images], make_tiny_model() if images == "base" else None, **options)


def test_ten_minutes_unless_something_else_is_said() -> None:
    assert check_settings({}).minutes == 10
    assert check_settings({"steps": 5}).minutes is None
    assert check_settings({"steps": 5, "minutes": 3}).minutes == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"minutes": 0}, "minutes: .*greater than 0, got 0"),
        ({"minutes": None}, "needs minutes, steps or both"),
        ({"style": "pretty"}, "style: "),
        ({"name": "../x"}, "name: "),
        ({"patches": 3}, "patches: "),
        ({"perceptual": "squeezenet"}, "needs features"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_settings(settings)


def test_another_factor_than_the_base_has_is_taken_if_it_is_said(high: NDArray[Any]) -> None:
    model, told = run([pair_of(high, 4)], make_tiny_model(), factor=4, steps=1, patch=12)
    assert model.scale_factor == 4
    assert any("new for x4" in step.message for step in told)


def test_arrays_that_change_after_reading_change_nothing(high: NDArray[Any]) -> None:
    whole, _ = run([pair_of(high)], steps=5)
    pair = pair_of(high)
    job = fine_tune_job([pair], base=None, settings=FineTuning(**(SMALL | {"steps": 5})))
    while (step := next(job)).phase != "training":
        pass
    np.asarray(pair.low.data)[:] = 0
    np.asarray(pair.high.data)[:] = 0
    assert step.phase == "training"
    assert _ended(job).weights_hash == whole.weights_hash


def test_a_short_training_by_the_clock_shows_whether_it_gets_better(
    high: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow machine, on which 4 minutes are 50 steps and a look at what is held back takes 9 seconds."""
    from types import SimpleNamespace

    from napari_srgan.training.fine_tuning.dataset import PairDataset
    from napari_srgan.training.loop import training_loop

    now = 0.0

    def taking(seconds: float, function: Any) -> Any:
        def slow(*given: Any) -> Any:
            nonlocal now
            now += seconds
            return function(*given)

        return slow

    monkeypatch.setattr(training_loop, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(training_loop._Run, "_step", taking(4.5, training_loop._Run._step))
    monkeypatch.setattr(PairDataset, "validate", taking(9.0, PairDataset.validate))
    model, told = run([pair_of(high)], minutes=4.0, steps=None, validate_every=100)
    steps = [point.step for point in model.history]
    assert len(steps) >= 5
    assert steps[0] == 0
    assert 40 <= steps[-1] < 60
    assert max(b - a for a, b in pairwise(steps)) <= 15
    looks = [point.minutes for point in model.history]
    assert (len(looks) - 2) * 9.0 <= 0.12 * 4 * 60, "about a tenth of the time"
    lines = [step.message for step in told if step.loss is not None]
    assert re.fullmatch(
        r"Training: step 1; \d+\.\d\d dB at step 0 \(bicubic \d+\.\d\d\), measured again in \d\d s", lines[0]
    )
    for line in lines:
        told_of = int(re.search(r"dB at step (\d+) ", line).group(1))  # type: ignore[union-attr]
        assert told_of in steps
    messages = [step.message for step in told]
    assert "Measuring the model before the first step" in messages
    assert f"Measuring the model after step {steps[1]}" in messages
    assert "Measuring bicubic on what is held back" in messages
    assert messages[-1] == "Measuring the model that is kept"
