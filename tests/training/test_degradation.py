"""Simulated low resolution keeps brightness and place, and its noise is that of a camera."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.ndimage import gaussian_filter
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.degradation.point_spread import gaussian_psf, read_psf
from napari_srgan.training.degradation.preview import preview
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import default_degradation, margin, simulate

SHARP = (0.0, 0.0)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def images(n: int, c: int, y: int, x: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(1000 * draw(seed).random((n, c, y, x)))


def asymmetric_psf() -> NDArray[np.float64]:
    """A bent spot, whose brightest pixel is not its centre of mass."""
    y, x = np.indices((17, 21)).astype(float)
    head = np.exp(-((y - 6) ** 2 + (x - 7) ** 2) / 3)
    tail = 0.5 * np.exp(-((y - 9) ** 2 / 8 + (x - 11) ** 2 / 12))
    return np.asarray(head + tail)


degradations = st.builds(
    lambda factor, blur, psf: Degradation(factor, blur=(blur, blur), psf=psf),
    factor=st.integers(1, 8),
    blur=st.floats(0, 2),
    psf=st.sampled_from([None, read_psf(asymmetric_psf()), gaussian_psf(0.5, 0.5, 0.1)]),
)


@settings(max_examples=40, deadline=None)
@given(degradation=degradations, y=st.integers(1, 9), x=st.integers(1, 9), level=st.floats(-10, 60000))
def test_an_even_image_stays_what_it_is(degradation: Degradation, y: int, x: int, level: float) -> None:
    factor = degradation.factor
    high = torch.full((2, 1, y * factor, x * factor), level, dtype=torch.float64)
    low = simulate(high, degradation, draw())
    assert low.shape == (2, 1, y, x)
    torch.testing.assert_close(low, torch.full_like(low, level), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(degradation=degradations, place=st.tuples(st.integers(0, 15), st.integers(0, 15)))
def test_a_point_keeps_its_light_and_its_place(degradation: Degradation, place: tuple[int, int]) -> None:
    factor = degradation.factor
    middle = factor * (margin(degradation) // factor + 1)
    at = [middle + offset for offset in place]
    side = 2 * middle + -(-16 // factor) * factor
    high = torch.zeros(1, 1, side, side, dtype=torch.float64)
    high[0, 0, at[0], at[1]] = 1000.0
    low = simulate(high, degradation, draw())[0, 0].numpy()
    # Up to how a point lies among the samples of the bicubic kernel (4 % of it for a factor of 3).
    assert low.sum() * factor**2 == pytest.approx(1000.0, rel=0.05)
    centres = (np.arange(len(low)) + 0.5) * factor - 0.5
    for profile, truth in ((low.sum(axis=1), at[0]), (low.sum(axis=0), at[1])):
        assert (profile * centres).sum() / profile.sum() / factor == pytest.approx(truth / factor, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    factor=st.integers(1, 8),
    blur=st.floats(0, 2),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    psf=st.sampled_from([None, gaussian_psf(0.5, 0.5, 0.1)]),
)
def test_turning_and_mirroring_make_no_difference(
    factor: int, blur: float, shape: tuple[int, int], psf: Any
) -> None:
    degradation = Degradation(factor, blur=(blur, blur), psf=psf)
    high = images(1, 2, shape[0] * factor, shape[1] * factor)
    low = simulate(high, degradation, draw())
    for turn in (lambda i: i.flip(-1), lambda i: i.flip(-2), lambda i: i.mT):
        torch.testing.assert_close(simulate(turn(high), degradation, draw()), turn(low))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_without_blur_and_noise_it_is_the_standard_of_the_field(factor: int) -> None:
    high = images(3, 2, 6 * factor, 9 * factor)
    low = simulate(high, Degradation(factor, blur=SHARP), draw())
    torch.testing.assert_close(low, bicubic_downsample(high, factor))
    as_array = high[0].numpy().transpose(1, 2, 0)
    np.testing.assert_allclose(low[0].numpy().transpose(1, 2, 0), degrade(as_array, factor)[0], rtol=1e-9)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("psf", [None, read_psf(asymmetric_psf())])
def test_it_is_blur_and_then_downsampling(factor: int, psf: Any) -> None:
    degradation = Degradation(factor, blur=(0.8, 0.8), psf=psf)
    # Gaussians of a pixel or less are made in several ways, which agree on images that are not pure noise.
    high = torch.from_numpy(gaussian_filter(images(1, 1, 40 * factor, 30 * factor), (0, 0, 1.5, 1.5)))
    if psf is None:
        blurred = gaussian_filter(high[0, 0].numpy(), 0.8 * factor)
    else:
        plane = torch.from_numpy(np.pad(high[0, 0].numpy(), psf.radius, mode="edge"))[None, None]
        flipped = torch.from_numpy(psf.array[::-1, ::-1].copy())[None, None]
        blurred = torch.nn.functional.conv2d(plane, flipped)[0, 0].numpy()
    expected = bicubic_downsample(torch.from_numpy(blurred)[None, None], factor)
    # The edge goes on beyond the blur and beyond the downsampling: inside they agree.
    rim = margin(degradation) // factor
    got = simulate(high, degradation, draw())
    inside = (..., slice(rim, -rim), slice(rim, -rim))
    scale = float(expected.std())
    assert float((got - expected)[inside].abs().max()) < 0.05 * scale


@settings(max_examples=20, deadline=None)
@given(degradation=degradations, start=st.tuples(st.integers(0, 6), st.integers(0, 6)))
def test_a_patch_read_with_its_margin_is_the_patch_of_the_whole(
    degradation: Degradation, start: tuple[int, int]
) -> None:
    factor, beyond = degradation.factor, margin(degradation)
    assert beyond % factor == 0
    high = images(1, 1, 10 * factor + 2 * beyond, 10 * factor + 2 * beyond)
    whole = simulate(high, degradation, draw())
    y, x = (at * factor for at in start)
    part = high[..., y : y + 4 * factor + 2 * beyond, x : x + 4 * factor + 2 * beyond]
    cut = beyond // factor
    low = simulate(part, degradation, draw())[..., cut : cut + 4, cut : cut + 4]
    torch.testing.assert_close(
        low, whole[..., start[0] + cut : start[0] + cut + 4, start[1] + cut : start[1] + cut + 4]
    )


@settings(max_examples=15, deadline=None)
@given(
    gain=st.floats(0.1, 20),
    offset=st.floats(0, 500),
    read_noise=st.floats(0, 30),
    photons=st.floats(0.5, 500),
    seed=st.integers(0, 1000),
)
def test_the_noise_has_the_mean_and_variance_of_the_model(
    gain: float, offset: float, read_noise: float, photons: float, seed: int
) -> None:
    degradation = Degradation(2, SHARP, gain=(gain, gain), offset=offset, read_noise=(read_noise, read_noise))
    level = offset + gain * photons
    noisy = simulate(torch.full((4, 1, 128, 128), level), degradation, draw(seed)).double()
    variance = gain**2 * photons + read_noise**2
    count = noisy.numel()
    # Five standard errors; a Poisson variable has an excess kurtosis of 1 / photons.
    assert abs(float(noisy.mean()) - level) < 5 * (variance / count) ** 0.5 + 1e-6 * level
    spread = ((2 + 1 / photons) / count) ** 0.5
    assert float(noisy.var()) == pytest.approx(variance, rel=5 * spread + 1e-4)


def test_noise_is_independent_between_pixels_colours_and_images() -> None:
    degradation = Degradation(2, SHARP, read_noise=(5.0, 5.0))
    noise = simulate(torch.zeros(2, 3, 128, 128), degradation, draw())
    flat = noise.flatten(2).flatten(0, 1)
    assert float((torch.corrcoef(flat) - torch.eye(6)).abs().max()) < 0.1
    assert abs(float((noise[..., 1:] * noise[..., :-1]).mean())) < 1


def test_what_is_below_the_offset_has_no_photons_and_keeps_its_mean() -> None:
    degradation = Degradation(2, SHARP, gain=(2.0, 2.0), offset=100.0)
    low = simulate(torch.full((1, 1, 32, 32), 90.0), degradation, draw())
    torch.testing.assert_close(low, torch.full_like(low, 90.0))


@pytest.mark.parametrize("level", [0.0, 1e-3, 65535.0, 1e12])
@pytest.mark.parametrize("gain", [1e-30, 1e-3, 1e3])
def test_noise_is_finite_whatever_the_brightness(level: float, gain: float) -> None:
    low = simulate(torch.full((1, 1, 16, 16), level), Degradation(2, SHARP, gain=(0.0, gain)), draw())
    assert torch.isfinite(low).all()


def test_each_image_of_a_batch_has_its_own_blur_and_noise() -> None:
    one = images(1, 1, 64, 64).expand(16, -1, -1, -1)
    contrast = simulate(one, Degradation(4, blur=(0.0, 1.0)), draw()).std(dim=(1, 2, 3))
    assert len({round(float(value), 9) for value in contrast}) == 16
    noise = simulate(torch.zeros(16, 1, 128, 128), Degradation(2, SHARP, read_noise=(1.0, 9.0)), draw())
    deviations = noise.std(dim=(1, 2, 3))
    assert float(deviations.min()) < 4 < 6 < float(deviations.max())
    assert float(deviations.min()) > 0.9
    assert float(deviations.max()) < 9.5


def test_colours_are_treated_alike() -> None:
    gray = images(2, 1, 32, 32)
    low = simulate(gray.expand(-1, 3, -1, -1), Degradation(4), draw())
    torch.testing.assert_close(low, simulate(gray, Degradation(4), draw()).expand(-1, 3, -1, -1))


def test_the_same_seed_is_the_same_image() -> None:
    degradation = Degradation(4, gain=(0.5, 2.0), read_noise=(1.0, 3.0))
    high = images(2, 1, 32, 32).float()
    first, second, other = (simulate(high, degradation, draw(seed)) for seed in (3, 3, 4))
    assert first.dtype == torch.float32
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_point_spread_larger_than_the_image_is_handled() -> None:
    y, x = np.indices((99, 99)) - 49
    degradation = Degradation(4, psf=read_psf(np.exp(-np.hypot(y, x) / 12)))
    high = images(1, 1, 16, 16)
    low = simulate(high, degradation, draw())
    assert low.shape == (1, 1, 4, 4)
    assert float(high.min()) < float(low.min()) < float(low.max()) < float(high.max())


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be divided by 4"):
        simulate(images(1, 1, 18, 16), Degradation(4), draw())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"factor": 1.37}, "a whole number from 1 to 8; got 1.37"),
        ({"factor": 0}, "got 0"),
        ({"factor": 16}, "got 16"),
        ({"blur": (1.0, 0.5)}, r"range of the blur is two numbers, the lower one first.*got \(1.0, 0.5\)"),
        ({"blur": (0.0, 20.0)}, "at most 8"),
        ({"blur": 0.5}, "two numbers"),
        ({"gain": (-1.0, 1.0)}, "range of the gain"),
        ({"read_noise": (0.0, float("nan"))}, "range of the read noise"),
        ({"read_noise": (0.0, float("inf"))}, "range of the read noise"),
        ({"offset": float("nan")}, "offset of the camera"),
        ({"psf": np.zeros((5, 5))}, "no light"),
    ],
)
def test_impossible_degradations_get_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Degradation(**({"factor": 4} | arguments))


def test_a_degradation_is_a_value_that_goes_through_json() -> None:
    degradation = Degradation(np.int64(4), psf=asymmetric_psf(), gain=(1, 2))
    text = json.dumps(asdict(degradation))
    again = TypeAdapter(Degradation).validate_json(text)
    assert again == degradation
    assert hash(again) == hash(degradation)
    assert again != Degradation(4)


def test_a_degradation_tells_what_it_does() -> None:
    noisy = Degradation(4, blur=(0.2, 0.6), gain=(1.0, 2.0), offset=100.0, read_noise=(3.0, 3.0))
    assert str(noisy) == (
        "1/4 of the size by antialiased bicubic, a Gaussian of sigma 0.2 to 0.6 low-resolution pixels, "
        "1 to 2 grey levels per photo-electron above 100, read noise 3"
    )
    assert str(Degradation(2, SHARP)).endswith("no blur, no noise")
    assert "17 x 17" in Degradation(2, psf=gaussian_psf(0.5, 0.5, 0.1)).summary
    off_centre = np.pad(asymmetric_psf(), ((9, 0), (0, 0)))
    assert "centre of mass lies +4.4 rows" in Degradation(2, psf=read_psf(off_centre)).summary


def test_what_nobody_sets_is_measured_in_the_image() -> None:
    scene = gaussian_filter(draw().standard_normal((320, 320)), 10).clip(0)
    image = 2.0 * draw().poisson(300 * scene / scene.max()) + 100 + draw(1).normal(0, 4, scene.shape)
    chosen = default_degradation(image, 4)
    assert chosen.factor == 4
    assert chosen.gain is not None
    assert chosen.gain[0] == pytest.approx(2 / 16, rel=0.2)
    assert chosen.gain[1] == pytest.approx(2, rel=0.2)
    assert chosen.offset == pytest.approx(100, abs=3)
    assert chosen.read_noise == pytest.approx((1, 4), rel=0.2)
    assert 0 <= chosen.blur[0] < chosen.blur[1] < 1
    assert default_degradation(np.full((64, 64), 9.0), 2).gain is None


@pytest.mark.parametrize("shape", [(300, 280), (300, 280, 3), (300, 280, 1), (37, 50), (8, 8), (5000, 16)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_preview_is_a_patch_and_what_it_was_made_from(shape: tuple[int, ...], dtype: Any) -> None:
    plane = (200 * draw().random(shape)).astype(dtype)
    low, high = preview(plane, Degradation(2, SHARP), seed=1)
    assert low.dtype == high.dtype == plane.dtype
    assert high.shape == (2 * low.shape[0], 2 * low.shape[1], *shape[2:])
    assert max(low.shape[:2]) <= 64
    tensor = torch.from_numpy(high.reshape(*high.shape[:2], -1).transpose(2, 0, 1).astype(np.float64))
    expected = bicubic_downsample(tensor[None], 2)[0].numpy().transpose(1, 2, 0).reshape(low.shape)
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(
        low[inside].astype(float), expected[inside], atol=0.51 if dtype is np.uint8 else 1e-3
    )


def test_a_preview_shows_where_there_is_something_and_noise_that_changes() -> None:
    plane = np.zeros((600, 700), np.uint16)
    plane[330:400, 500:600:2] = 5000
    degradation = Degradation(4, gain=(5.0, 5.0), read_noise=(2.0, 2.0))
    low, high = preview(plane, degradation, seed=1)
    assert high.max() == 5000
    assert np.array_equal(low, preview(plane, degradation, seed=1)[0])
    assert not np.array_equal(low, preview(plane, degradation, seed=2)[0])


def test_a_preview_of_an_image_with_nan_is_shown() -> None:
    plane = draw().random((64, 64))
    plane[10:30, 10:20] = np.nan
    low, _ = preview(plane, Degradation(2))
    assert np.isfinite(low).all()


@pytest.mark.parametrize("shape", [(3, 64), (64,), (4, 64, 64, 3)])
def test_what_is_no_plane_has_no_preview(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="a preview needs one plane of at least 8 pixels a side"):
        preview(np.zeros(shape), Degradation(2))


NOISY = {"blur": (0.0, 1.0), "gain": (2.0, 8.0), "read_noise": (5.0, 20.0), "offset": 100.0}


def film(frames: int = 6, side: int = 48) -> Tensor:
    """One still scene, filmed: ``(1, T, 1, Y, X)``."""
    scene = torch.from_numpy(gaussian_filter(500 + 4000 * draw(3).random((side, side)), 1.5))
    return scene.expand(1, frames, 1, side, side)


@pytest.mark.parametrize("psf", [None, asymmetric_psf()])
def test_frames_of_a_clip_have_one_blur(psf: Any) -> None:
    sharp = Degradation(2, blur=(0.0, 1.5), psf=psf)
    low = simulate(film(), sharp, draw())
    assert low.shape == (1, 6, 1, 24, 24)
    assert torch.equal(low, low[:, :1].expand_as(low))
    torch.testing.assert_close(low[:, 0], simulate(film()[:, 0], sharp, draw()), rtol=0, atol=1e-9)
    several = simulate(film().expand(8, 6, 1, 48, 48), Degradation(2, blur=(0.0, 1.5)), draw())
    assert len({round(float(clip.std()), 6) for clip in several}) == 8


def test_noise_of_frames_is_drawn_anew_for_each_as_cameras_do() -> None:
    low = simulate(film(400), Degradation(2, **NOISY), draw())[0, :, 0]
    noise = low - low.mean(dim=0)
    beside = float((noise[1:] * noise[:-1]).mean() / noise.square().mean())
    assert abs(beside) < 0.02
    # One gain for all frames: the variance is one line over the mean.
    early, late = noise[:200].square().mean(), noise[200:].square().mean()
    assert float(early) == pytest.approx(float(late), rel=0.05)


def test_a_fixed_pattern_is_the_same_in_every_frame_and_follows_the_light() -> None:
    fixed = Degradation(2, **NOISY, noise="the same in every frame")
    low = simulate(film(), fixed, draw())[0, :, 0]
    assert torch.equal(low, low[:1].expand_as(low))
    assert float((low[0] - simulate(film(), Degradation(2, blur=SHARP), draw())[0, 0, 0]).std()) > 10
    # Where the light changes, so does the strength of the pattern, as that of a camera's noise.
    level = torch.tensor([100.0, 500.0, 4100.0]).reshape(1, 3, 1, 1, 1).expand(1, 3, 1, 200, 200)
    same = Degradation(
        1, blur=SHARP, gain=(4.0, 4.0), offset=100.0, read_noise=(10.0, 10.0), noise=fixed.noise
    )
    seen = simulate(level.double(), same, draw()) - level
    deviations = seen.std(dim=(2, 3, 4))[0]
    np.testing.assert_allclose(deviations, np.sqrt([100, 1700, 16100]), rtol=0.02)
    assert float(torch.corrcoef(seen[0, :, 0].flatten(1)).min()) == pytest.approx(1)
    another = simulate(level.double(), same, draw(1)) - level
    assert abs(float(torch.corrcoef(torch.stack([seen[0, 0], another[0, 0]]).flatten(1))[0, 1])) < 0.03


def test_a_clip_of_one_frame_is_an_image() -> None:
    image = images(3, 2, 20, 16)
    noisy = Degradation(2, **NOISY)
    assert torch.equal(simulate(image[:, None], noisy, draw())[:, 0], simulate(image, noisy, draw()))


def test_a_summary_tells_of_a_fixed_pattern_and_another_kind_is_refused() -> None:
    fixed = Degradation(2, blur=SHARP, read_noise=(5.0, 5.0), noise="the same in every frame")
    assert str(fixed).endswith("read noise 5, the same in every frame")
    with pytest.raises(UserError, match="'independent' or 'the same in every frame'; got 'fixed'"):
        Degradation(2, noise="fixed")  # type: ignore[arg-type]
