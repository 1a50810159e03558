"""Denoising and deblurring: pairs of one size, and what is simulated at a factor of 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from tests.conftest import make_tiny_model
from tests.training.fine_tuning.conftest import SMALL, cells, run
from tests.training.fine_tuning.movies import movie, temporal_model

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.models import Model, read_model, save_model
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import default_degradation
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage
from pairs_of_cells import exhaust
from timelapses import KINDS
from upscalings import array_job

NOISE = 900.0
"""Grey levels, beside cells of 4000."""


def noisy(high: NDArray[Any], seed: int = 0, noise: float = NOISE) -> NDArray[np.uint16]:
    """An image of the same size with noise of its own in every pixel."""
    values = high + np.random.default_rng(seed).normal(0, noise, high.shape)
    return values.clip(0, 65535).astype(np.uint16)


def pair(low: NDArray[Any], high: NDArray[Any], axes: str = "YX") -> MatchedPair:
    return match(SourceImage("noisy", low, axes), SourceImage("clean", high, axes))


def alone(high: NDArray[Any]) -> SourceImage:
    return SourceImage("clean", high, "YX")


def restored(model: Model, image: NDArray[Any], axes: str = "YX") -> NDArray[Any]:
    result: Upscaled = exhaust(array_job(image, model, axes=axes))
    return result.data


def error(image: NDArray[Any], truth: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean((image.astype(float) - truth) ** 2)))


@pytest.fixture(scope="module")
def denoiser() -> tuple[Model, list[Any]]:
    """A model of factor 1 that was trained on one field, and what was told meanwhile."""
    high = cells()
    return run([pair(noisy(high), high)], steps=150, validate_every=50, name="denoiser")


def test_a_noisy_and_a_clean_image_make_a_model_that_takes_noise_off(
    denoiser: tuple[Model, list[Any]], tmp_path: Path
) -> None:
    model, _ = denoiser
    card = model.card
    assert (card.scale_factor, model.network.scale_factor) == (1, 1)
    assert not model.network.back_projection
    assert card.baseline is not None
    assert card.quality[0].psnr > card.baseline.bicubic + 3
    assert read_model(save_model(model, tmp_path / "mine.safetensors")).card == card
    other = cells(seed=5)
    result = restored(model, noisy(other, seed=5))
    assert result.shape == other.shape
    assert result.dtype == np.uint16
    assert error(result, other) < 0.6 * error(noisy(other, seed=5), other)


def test_it_is_compared_with_the_input_and_with_a_blur_that_costs_nothing(
    denoiser: tuple[Model, list[Any]],
) -> None:
    model, told = denoiser
    baseline = model.card.baseline
    assert baseline is not None
    assert baseline.rival == "input"
    assert baseline.smoothed is not None
    assert baseline.smoothed > baseline.bicubic + 1
    assert "dB against the input" in model.card.verdict
    assert "against the best Gaussian blur of it" in model.card.verdict
    said = [model.card.verdict, *(step.message for step in told)]
    assert not [sentence for sentence in said if "bicubic" in sentence or "x1" in sentence]
    # All candidates are judged on the same pixels: the untrained start is the input itself.
    assert model.history[0].psnr == pytest.approx(baseline.bicubic, abs=0.02)


def test_the_preview_shows_the_input_and_no_interpolation(denoiser: tuple[Model, list[Any]]) -> None:
    _, told = denoiser
    preview = next(step.preview for step in told if step.preview)
    assert preview.low.shape == preview.now.shape == preview.high.shape
    np.testing.assert_array_equal(preview.low, preview.bicubic)


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    images = [pair(noisy(cells()), cells())]
    whole, _ = run(images)
    checkpoint = tmp_path / "run.checkpoint"
    job = fine_tune_job(images, base=None, settings=FineTuning(**SMALL), checkpoint=checkpoint)
    while next(job).step < 27:
        pass
    job.close()
    resumed, _ = run(images, checkpoint=checkpoint)
    assert resumed.weights_hash == whole.weights_hash


def test_a_shift_between_images_of_one_size_is_corrected() -> None:
    field = cells(shape=(176, 208))
    low, high = noisy(field[8:168, 8:200]), field[11:171, 6:198]
    model, told = run([pair(low, high)], steps=20)
    (report,) = next(step.reports for step in told if step.reports)
    assert report.shift == pytest.approx((3, -2), abs=0.2)
    assert model.card.pairs[0].shift_corrected


def test_a_clean_image_given_as_the_noisy_one_is_refused() -> None:
    high = cells()
    with pytest.raises(UserError, match="'clean' has less noise than 'noisy': they are exchanged"):
        run([match(SourceImage("clean", high, "YX"), SourceImage("noisy", noisy(high), "YX"))])


def test_rgb_images_and_stacks_are_restored_too() -> None:
    planes = np.stack([cells(seed) for seed in range(3)])
    rgb = np.moveaxis(planes, 0, -1)
    model, _ = run([pair(noisy(rgb), rgb, "YXS")], steps=4)
    assert restored(model, rgb, "YXS").shape == rgb.shape
    model, _ = run([pair(noisy(planes), planes, "ZYX")], steps=4)
    assert restored(model, planes, "ZYX").shape == planes.shape


@pytest.mark.parametrize("kind", KINDS)
def test_frames_of_a_time_lapse_help_to_take_noise_off(kind: str) -> None:
    high = movie(12, (80, 96))
    low = np.stack([noisy(frame, seed) for seed, frame in enumerate(high)])
    base = temporal_model(kind, scale_factor=1)
    model, _ = run([pair(low, high, "TYX")], base=base, steps=120, validate_every=60)
    assert (model.card.scale_factor, model.card.frames) == (1, base.card.frames)
    assert model.card.baseline is not None
    assert model.card.quality[0].psnr > model.card.baseline.bicubic + 0.5
    assert restored(model, low, "TYX").shape == low.shape


def test_a_sharp_model_of_one_size_can_be_trained() -> None:
    high = cells()
    model, _ = run([pair(noisy(high), high)], style="sharp", steps=8, validate_every=4, patch=32)
    assert model.card.adversarial
    assert model.card.scale_factor == 1


# From high resolution alone.


def test_noise_that_is_simulated_is_learned_to_be_taken_off() -> None:
    high = cells()
    degradation = Degradation(1, blur=(0, 0), read_noise=(NOISE, NOISE))
    model, told = run([alone(high)], factor=1, degradation=degradation, steps=150, validate_every=50)
    assert model.card.baseline is not None
    assert model.card.quality[0].psnr > model.card.baseline.bicubic + 2
    other = cells(seed=5)
    assert error(restored(model, noisy(other, 5)), other) < 0.7 * error(noisy(other, 5), other)
    assert not [note for step in told for note in step.notes if "deblur" in note]
    assert "the same size, no blur, read noise 900" in model.card.pairs[0].notes[-1]


def test_blur_that_is_simulated_is_learned_to_be_taken_off_and_that_it_is_all_is_said() -> None:
    high = cells()
    model, told = run(
        [alone(high)], factor=1, degradation=Degradation(1, blur=(1.5, 1.5)), steps=150, validate_every=50
    )
    assert model.card.baseline is not None
    assert model.card.quality[0].psnr > model.card.baseline.bicubic + 1
    other = cells(seed=5)
    blurry = gaussian_filter(other.astype(np.float32), 1.5)
    assert error(restored(model, blurry), other) < error(blurry, other)
    assert any("learns to deblur alone" in note for step in told for note in step.notes)


@pytest.mark.parametrize(
    "degradation", [Degradation(1, blur=(0, 0)), Degradation(1, clean=1.0, read_noise=(9, 9))]
)
def test_without_blur_and_noise_there_is_nothing_to_learn(degradation: Degradation) -> None:
    with pytest.raises(UserError, match=r"there is nothing to learn: .* neither blur nor noise"):
        run([alone(cells())], factor=1, degradation=degradation)


def test_by_default_there_is_more_noise_than_the_image_has_itself() -> None:
    image = cells() + np.random.default_rng(0).normal(0, 100, (160, 192))
    at_one, at_two = (default_degradation(image, factor) for factor in (1, 2))
    assert at_two.read_noise[1] == pytest.approx(at_one.read_noise[0])
    assert at_one.read_noise[1] == pytest.approx(4 * at_one.read_noise[0])
    assert 80 < at_one.read_noise[0] < 250  # the texture of the cells counts, too


# What it starts from.


@pytest.mark.parametrize(
    ("upsampling", "changed"),
    [("direct", "its last layer was adapted to"), ("staged", "tensors are new for")],
)
def test_a_base_of_another_factor_can_be_started_from(upsampling: str, changed: str) -> None:
    """Nobody has a base of factor 1 before the first training: the factor need not be said."""
    base = make_tiny_model(upsampling=upsampling, back_projection=True)
    high = cells()
    model, told = run([pair(noisy(high), high)], base=base, steps=20)
    assert model.card.scale_factor == 1
    assert not model.network.back_projection
    notes = next(step.notes for step in told if step.notes)
    assert any(f"{changed} results of the same size" in note for note in notes)
    assert model.card.baseline is not None
    assert model.card.baseline.base is None
    assert model.card.baseline.base_name == "tiny"


def test_a_base_of_the_same_factor_is_a_rival_too() -> None:
    high = cells()
    base = make_tiny_model(scale_factor=1, name="restorer")
    model, _ = run([pair(noisy(high), high)], base=base, steps=20)
    assert model.card.baseline is not None
    assert model.card.baseline.base is not None
    assert "the base restorer" in model.card.verdict


def test_a_base_for_larger_results_still_needs_the_factor_to_be_said() -> None:
    high = cells()
    large = match(SourceImage("low", high[::2, ::2], "YX"), SourceImage("high", high, "YX"))
    with pytest.raises(
        UserError, match="these pairs are x2, restorer is for the same size: choose a base of x2"
    ):
        run([large], base=make_tiny_model(scale_factor=1, name="restorer"))


# Brightness.


def test_few_grey_levels_of_a_short_exposure_do_not_become_steps() -> None:
    high = cells()
    dim = np.random.default_rng(0).poisson(high / 400).astype(np.uint16)  # 1 to 15 photons
    model, _ = run([pair(dim, high)], steps=20)
    assert model.card.result is not None
    assert model.card.result.dtype == "uint16"
    assert len(np.unique(restored(model, dim))) > 200


def test_a_dim_exposure_with_levels_enough_keeps_its_brightness() -> None:
    high = cells()
    dim = noisy(high // 10 + 100, noise=90)
    model, _ = run([pair(dim, high)], steps=20)
    assert model.card.result is None
    assert restored(model, dim).mean() == pytest.approx(dim.mean(), rel=0.05)


# By the API.


def test_the_api_denoises_arrays(tmp_path: Path) -> None:
    high = cells()
    settings: dict[str, Any] = SMALL | {"name": "mine"}
    model = napari_srgan.fine_tune(noisy(high), high, base=None, progress=False, **settings)
    result = napari_srgan.upscale(noisy(high), model, progress=False)
    assert result.shape == high.shape
    alone_too = napari_srgan.fine_tune(high=high, base=None, factor=1, progress=False, **settings)
    assert alone_too.scale_factor == 1
    torch.manual_seed(0)
    ensemble = napari_srgan.upscale(noisy(high), model, self_ensemble=True, progress=False)
    assert ensemble.shape == high.shape
