"""Cameras and files of every kind: what is drawn is what the image has, and brightness and place are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.special import ive
from skimage.io import imsave

from napari_srgan.errors import UserError
from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.dataset.clean_truth import relative_noise, without_noise
from napari_srgan.training.dataset.degraded_patches import DegradedPatches, sampled_values
from napari_srgan.training.dataset.degraded_validation import noisy_tiles, pair_tiles
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.dataset.tiles import read_tiles
from napari_srgan.training.degradation.camera_noise import record, seen_range
from napari_srgan.training.degradation.exposure import Exposure, draw_exposure
from napari_srgan.training.degradation.point_spread import airy_psf
from napari_srgan.training.degradation.sampling import sampling_line
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import expose, margin, simulate, window
from napari_srgan.training.recipes.recipe import Recipe

WAYS = ["bicubic", "area", "point"]


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def exposures(count: int = 400, **ranges: Any) -> list[Exposure]:
    random = draw()
    return [draw_exposure(Degradation(2, **ranges), random) for _ in range(count)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_every_way_of_sampling_keeps_brightness_and_place(way: Any, factor: int) -> None:
    line = sampling_line(way, factor)
    assert line.sum() == pytest.approx(1)
    np.testing.assert_allclose(line, line[::-1], atol=1e-12)


def test_area_is_what_a_camera_bins() -> None:
    high = torch.from_numpy(draw().random((1, 1, 12, 16)))
    low = simulate(high, Degradation(4, blur=(0, 0), sampling=("area",)), draw())
    torch.testing.assert_close(low, torch.nn.functional.avg_pool2d(high, 4))


@settings(max_examples=30, deadline=None)
@given(
    way=st.sampled_from(WAYS), factor=st.integers(1, 5), airy=st.booleans(), stretched=st.floats(0, 0.5),
    start=st.tuples(st.integers(-3, 9), st.integers(-3, 9)),
)  # fmt: skip
def test_a_patch_read_with_its_margin_is_the_patch_of_the_whole(
    way: Any, factor: int, airy: bool, stretched: float, start: tuple[int, int]
) -> None:
    degradation = Degradation(
        factor, blur=(0.6, 0.9), airy=float(airy), astigmatism=stretched, sampling=(way,)
    )
    high = torch.from_numpy(draw(1).random((1, 12 * factor, 12 * factor)))
    exposure = draw_exposure(degradation, draw(2))
    whole = expose(high[None], [exposure], degradation, draw())[0]
    around = margin(degradation) // factor
    y, x = (min(max(at, 0), 8) for at in start)
    part = window(high, y * factor, x * factor, 4 * factor, around * factor)
    low = expose(part[None], [exposure], degradation, draw())[0][:, around : around + 4, around : around + 4]
    torch.testing.assert_close(low, whole[:, y : y + 4, x : x + 4])


@pytest.mark.parametrize("sigma", [0.6, 1.0, 2.5])
def test_the_airy_pattern_is_as_wide_as_its_gaussian_and_has_a_wider_rim(sigma: float) -> None:
    psf = airy_psf(sigma)
    y, x = np.indices(psf.array.shape) - psf.radius
    gaussian = np.exp(-(y**2 + x**2) / (2 * sigma**2))
    gaussian /= gaussian.sum()
    assert psf.array.sum() == pytest.approx(1)
    assert psf.array.max() == pytest.approx(gaussian.max(), rel=0.25)
    far = np.hypot(y, x) > 3.5 * sigma
    assert psf.array[far].sum() > 5 * gaussian[far].sum()


def test_the_parts_of_a_degradation_are_those_of_the_exposures() -> None:
    drawn = exposures(
        2000, blur=(0.5, 1.0), gain=(0.01, 0.1), clean=0.2, unblurred=0.5, airy=0.4, correlated=0.3,
        hot_pixels=0.1, eight_bit=0.25, jpeg=0.15, sampling=("area", "bicubic"), read_electrons=(0, 2),
    )  # fmt: skip
    noisy = [each for each in drawn if each.noisy]
    blurred = [each for each in noisy if max(each.sigma) > 0]

    def part(of: list[Exposure], has: Any) -> float:
        return sum(bool(has(each)) for each in of) / len(of)

    assert part(drawn, lambda e: e == Exposure()) == pytest.approx(0.2, abs=0.03)
    assert len(blurred) / len(noisy) == pytest.approx(0.5, abs=0.04)
    assert part(blurred, lambda e: e.psf) == pytest.approx(0.4, abs=0.06)
    assert part(noisy, lambda e: any(e.correlation)) == pytest.approx(0.3, abs=0.04)
    assert part(noisy, lambda e: e.hot_pixels) == pytest.approx(0.1, abs=0.03)
    assert part(noisy, lambda e: e.eight_bit) == pytest.approx(0.25, abs=0.04)
    assert part(noisy, lambda e: e.jpeg) == pytest.approx(0.15, abs=0.03)
    assert part(noisy, lambda e: e.sampling == "area") == pytest.approx(0.5, abs=0.05)


def test_photons_are_drawn_evenly_in_their_logarithm() -> None:
    gains = np.array([each.gain for each in exposures(2000, gain=(1e-3, 1e-1))])
    assert np.mean(gains < 1e-2) == pytest.approx(0.5, abs=0.04)
    assert gains.min() > 1e-3
    assert gains.max() < 1e-1


@pytest.mark.parametrize("sigmas", [(0.5, 0.5), (0.8, 0.0), (0.0, 0.41)])
def test_shared_noise_has_its_variance_and_is_shared_where_it_is_said(sigmas: tuple[float, float]) -> None:
    light = np.full((1, 400, 400), 50.0)
    noise = record(light, Exposure(gain=2.0, read_noise=3.0, correlation=sigmas), draw())[0] - 50
    assert noise.var() == pytest.approx(2 * 50 + 9, rel=0.03)
    assert abs(noise.mean()) < 0.1
    for sigma, one, other in (
        (sigmas[0], noise[1:], noise[:-1]),
        (sigmas[1], noise[:, 1:], noise[:, :-1]),
    ):
        expected = ive(1, 2 * sigma**2) / ive(0, 2 * sigma**2)  # of a discrete Gaussian with itself
        assert (one * other).mean() / noise.var() == pytest.approx(expected, abs=0.02)


def test_hot_pixels_are_brighter_and_as_many_as_said() -> None:
    light = np.tile(np.linspace(0, 100, 500), (1, 500, 1))
    image = record(light, Exposure(hot_pixels=0.01), draw())
    assert np.mean(image > light) == pytest.approx(0.01, rel=0.1)
    assert np.all(image >= light)


def test_a_file_of_eight_bit_has_no_more_levels_and_clips() -> None:
    light = gaussian_filter(draw(1).random((1, 200, 200)), (0, 2, 2)) * 1000
    exposure = Exposure(gain=0.5, eight_bit=(1.0, 98.0))
    transform, held = seen_range(sampled_values(torch.from_numpy(light)), exposure, draw(2))
    assert held is not None
    image = record(light, exposure, draw(3), held=held)
    assert len(np.unique(image)) <= 256
    assert image.max() == pytest.approx(held.white)
    assert image.min() == pytest.approx(held.black)
    assert np.mean(image == image.max()) == pytest.approx(0.02, abs=0.01)
    assert transform.offset == pytest.approx(held.black)
    assert transform.offset + transform.span == pytest.approx(held.white)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_keeps_brightness_and_costs_more_at_lower_quality(channels: int) -> None:
    light = gaussian_filter(draw(1).random((channels, 64, 64)), (0, 1, 1)) * 1000
    errors = []
    for quality in (95, 50):
        image = record(light, Exposure(jpeg=quality), draw())
        assert image.mean() == pytest.approx(light.mean(), rel=0.01)
        errors.append(np.abs(image - light).mean())
    assert 0 < errors[0] < errors[1]


@settings(max_examples=25, deadline=None)
@given(photons=st.floats(5, 2000), read=st.floats(0, 3), seed=st.integers(0, 99))
def test_the_range_is_the_one_that_upscaling_finds(photons: float, read: float, seed: int) -> None:
    from napari_srgan.inference.intensity import percentile_transform

    light = gaussian_filter(draw(seed).random((256, 256)), 3)
    light = (light - light.min()) / np.ptp(light)
    exposure = Exposure(gain=1 / photons, read_noise=read / photons)
    found = percentile_transform(record(light[None], exposure, draw(seed + 1)))
    seen, held = seen_range(sampled_values(torch.from_numpy(light)), exposure, draw(seed + 2))
    assert held is None
    assert seen.span == pytest.approx(found.span, rel=0.2)
    assert abs(seen.offset - found.offset) < 0.1 * found.span


def test_truth_is_binned_until_it_has_little_noise() -> None:
    clean = gaussian_filter(draw(1).random((256, 256, 1)), (12, 12, 0))
    clean = (clean - clean.min()) / np.ptp(clean) * 200
    noisy = clean + draw(2).normal(0, 12, clean.shape)
    assert relative_noise(noisy) == pytest.approx(12 / np.ptp(np.percentile(noisy, [0.1, 99.9])), rel=0.2)
    quiet = without_noise(noisy, 0.04)
    assert quiet.shape == (128, 128, 1)
    assert relative_noise(quiet) < 0.04
    assert without_noise(clean.astype(np.uint8), 0.04) is not None
    assert without_noise(clean, 0.04) is clean
    assert min(without_noise(draw().normal(0, 1, (64, 64, 1)), 1e-6).shape[:2]) >= 8


NOISY = {"photons": (5, 50), "read_electrons": (1, 2), "background": (0.1, 0.3), "sampling": ("area",)}


def tile(seed: int = 0, name: str = "cells") -> TrainingTile:
    high = torch.from_numpy(gaussian_filter(draw(seed).random((1, 96, 96)), (0, 2, 2)).astype(np.float32))
    high = (high - high.min()) / (high.max() - high.min())
    return TrainingTile(name, torch.nn.functional.avg_pool2d(high, 2), high, bytes([seed]))


def with_degradation(recipe: Recipe, **degradation: Any) -> Recipe:
    return Recipe.model_validate(recipe.model_dump() | {"degradation": degradation, "patch": 16})


def test_patches_are_noisy_in_the_range_of_upscaling_and_their_truth_is_not(recipe: Recipe) -> None:
    sampler = DegradedPatches([tile()], with_degradation(recipe, **NOISY), draw())
    low, high = sampler.batch(64)
    assert low.shape == (64, 1, 16, 16)
    assert high.shape == (64, 1, 32, 32)
    again = torch.nn.functional.avg_pool2d(high, 2)
    assert float((low - again).std()) > 0.05
    assert abs(float((low - again).mean())) < 0.01
    assert -0.2 < float(low.quantile(0.001)) < 0.2
    assert 0.8 < float(low.quantile(0.999)) < 1.2


def test_empty_patches_have_noise_and_an_even_truth(recipe: Recipe) -> None:
    sampler = DegradedPatches([tile()], with_degradation(recipe, **NOISY, empty=0.5), draw())
    low, high = sampler.batch(200)
    even = high.flatten(1).std(dim=1) < 1e-5
    assert 70 < int(even.sum()) < 130
    assert float(low[even].flatten(1).std(dim=1).min()) > 0.05
    assert 0.1 < float(high[even].min()) < float(high[even].max()) < 0.9


def test_what_a_file_could_not_hold_is_not_asked_for(recipe: Recipe) -> None:
    chosen = with_degradation(recipe, photons=(1e6, 1e6), eight_bit=1.0, sampling=("area",))
    low, high = DegradedPatches([tile()], chosen, draw()).batch(64)
    assert float(high.max()) <= float(low.max()) + 1e-3


def test_without_noise_patches_are_those_of_the_ideal_downsampling(recipe: Recipe) -> None:
    low, high = DegradedPatches([tile()], with_degradation(recipe, clean=1.0), draw()).batch(8)
    inner = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(bicubic_downsample(high, 2)[inner], low[inner], atol=1e-5, rtol=0)


def test_the_same_seed_gives_the_same_batches(recipe: Recipe) -> None:
    chosen = with_degradation(recipe, **NOISY, blur=(0, 1), airy=0.5, jpeg=0.5, eight_bit=0.5)
    one, other = (DegradedPatches([tile()], chosen, draw(5)) for _ in range(2))
    for _ in range(2):
        first, second = one.batch(4), other.batch(4)
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])


def test_noisy_tiles_judge_too_and_are_always_the_same(recipe: Recipe) -> None:
    held_back = [tile(seed, name) for seed, name in enumerate(["a", "a", "a", "a", "a", "b"])]
    first, second = (noisy_tiles(held_back, recipe) for _ in range(2))
    assert len(first) == 2 * 3
    assert {each.source_set for each in first} == {"10 photons", "100 photons", "100 photons, blur 1"}
    assert all(torch.equal(a.low, b.low) for a, b in zip(first, second, strict=True))


def test_a_part_of_the_truth_is_smooth_in_both_resolutions(recipe: Recipe) -> None:
    sharp, smooth = (
        DegradedPatches(
            [tile()], with_degradation(recipe, clean=1, oversampled=part, softness=(2, 2)), draw(4)
        ).batch(6)
        for part in (0, 1)
    )
    # The places are drawn first, and are the same; their orientation is drawn after.
    for low, high in zip(smooth[0], smooth[1], strict=True):
        torch.testing.assert_close(
            bicubic_downsample(high[None], 2)[0, :, 3:-3, 3:-3], low[:, 3:-3, 3:-3], atol=1e-4, rtol=0
        )
    assert float(smooth[1].diff(dim=-1).std()) < 0.8 * float(sharp[1].diff(dim=-1).std())
    with pytest.raises(ValueError, match="softness is a range"):
        with_degradation(recipe, softness=(2, 1))


def test_a_recipe_of_8_bit_images_keeps_their_own_range_and_whole_numbers(recipe: Recipe) -> None:
    byte = Recipe.model_validate(recipe.model_dump() | {"intensity": "byte"})
    chosen = with_degradation(byte, photons=(20, 200), jpeg=0.5, clean=0.3)
    low, high = DegradedPatches([tile()], chosen, draw()).batch(12)
    levels = low * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert 0 <= float(low.min()) < float(low.max()) <= 1
    everything = tile().high  # not stretched: what is not in the tile is not in the truth either
    assert float(everything.min()) <= float(high.min()) < float(high.max()) <= min(float(everything.max()), 1)
    judged = noisy_tiles([tile()], byte)
    assert [each.source_set for each in judged] == ["100 photons", "1000 photons", "JPEG 75"]
    for each in judged:
        torch.testing.assert_close(each.high, everything)
        torch.testing.assert_close(each.low * 255, (each.low * 255).round(), atol=1e-3, rtol=0)


def test_measured_pairs_are_binned_and_brought_to_one_brightness(recipe: Recipe, tmp_path: Any) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    long = (gaussian_filter(draw().random((600, 400)), 3) * 255).astype(np.uint8)
    imsave(folder / "x_long.png", long, check_contrast=False)
    imsave(folder / "x_short.png", (long // 2 + 40).astype(np.uint8), check_contrast=False)
    chosen = Recipe.model_validate(recipe.model_dump() | {"pairs": ("pairs",)})
    (pair,) = pair_tiles(chosen, tmp_path)
    assert pair.source_set == "pair x"
    assert pair.low.shape == (1, 256, 200)
    assert pair.high.shape == (1, 512, 400)
    again = torch.nn.functional.avg_pool2d(pair.high, 2)
    assert float((again - pair.low).abs().mean()) < 0.02
    with pytest.raises(UserError, match="no pairs"):
        pair_tiles(chosen, folder)


def test_tiles_of_much_noise_are_binned_before_they_are_learned_from(recipe: Recipe, data: Any) -> None:
    noisy = with_degradation(recipe, photons=(10, 20), truth_noise=1e-4)
    kept, all_of_them = read_tiles(noisy, data), read_tiles(recipe, data)
    assert {each.high.shape[-1] for each in all_of_them.training} == {64}
    assert 32 in {each.high.shape[-1] for each in kept.training}
    assert 32 in {each.high.shape[-1] for each in kept.held_back}
    none_left = Recipe.model_validate(noisy.model_dump() | {"patch": 32})
    assert len(read_tiles(none_left, data).held_back) < len(all_of_them.held_back)
    assert len(kept.held_back) == len(all_of_them.held_back)
    assert {"10 photons", "100 photons"} <= set(kept.bicubic)
    assert not set(all_of_them.bicubic) & {"10 photons", "100 photons"}


@pytest.mark.parametrize(
    ("degradation", "words"),
    [
        ({"photons": (0, 10)}, "photons is a range above 0"),
        ({"photons": (10, 5)}, "photons is a range above 0"),
        ({"background": (0.3, 0.1)}, "background is a range"),
        ({"blur": (1, 0)}, "range of the blur"),
        ({"clean": 1.5}, "clean is a part from 0 to 1"),
        ({"jpeg_quality": (50, 150)}, "JPEG quality"),
        ({"sampling": ()}, "becomes smaller by one or more"),
    ],
)
def test_impossible_degradations_of_recipes_get_a_sentence(
    recipe: Recipe, degradation: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        with_degradation(recipe, **degradation)
