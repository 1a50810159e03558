"""What is told of images whose noise and blur are known."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

import napari_srgan
from napari_srgan.acquisition import Acquisition, look_at
from napari_srgan.errors import UserError


def cells(side: int = 256, seed: int = 0) -> NDArray[np.float64]:
    """Cells with edges and texture, dark between them: from 0 to 1, as sharp as pixels can show."""
    draw = np.random.default_rng(seed)
    finer = 2 * side
    inside = gaussian_filter(draw.standard_normal((finer, finer)), 12) > 0.03
    texture = 1 + 2 * gaussian_filter(draw.random((finer, finer)), 3)
    scene = gaussian_filter(inside * texture, 1.2)
    scene = scene.reshape(side, 2, side, 2).mean(axis=(1, 3))
    return np.asarray(scene / scene.max())


def taken(
    scene: NDArray[np.float64], photons: float, read_noise: float = 1.0, seed: int = 0
) -> NDArray[np.uint16]:
    """16-bit grey levels of a camera that catches so many photons in the brightest places."""
    draw = np.random.default_rng(seed)
    electrons = draw.poisson((scene + 0.02) * photons) + read_noise * draw.standard_normal(scene.shape)
    return np.asarray((100 + 4 * electrons).round().clip(0, 65535).astype(np.uint16))


def eight_bit(image: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = np.percentile(image, (0.1, 99.9))
    return np.asarray(((image - low) / (high - low) * 255).clip(0, 255).round().astype(np.uint8))


@pytest.mark.parametrize("photons", [5, 20, 100, 300])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_photons_are_found_within_a_factor_of_one_and_a_half(photons: int, seed: int) -> None:
    found = look_at(taken(cells(seed=seed), photons, seed=seed))
    assert found.noisy
    assert found.photons == pytest.approx(photons, rel=0.5)
    assert found.noise is not None
    assert found.signal_to_noise == pytest.approx(1 / found.noise)


@pytest.mark.parametrize("photons", [20, 100])
def test_the_amount_of_noise_is_right(photons: int) -> None:
    scene = cells()
    image = taken(scene, photons).astype(float)
    true = (image - (100 + 4 * photons * (scene + 0.02))).std() / np.ptp(np.percentile(image, (0.1, 99.9)))
    assert look_at(image).noise == pytest.approx(true, rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_an_image_without_noise_raises_no_alarm(seed: int) -> None:
    scene = cells(seed=seed)
    for image in (scene, eight_bit(scene), (scene * 4000).astype(np.uint16), scene * 1e-12, scene - 1e6):
        found = look_at(image)
        assert not found.noisy
        assert found.sentence.startswith("hardly any noise")


def test_many_photons_raise_no_alarm() -> None:
    assert not look_at(taken(cells(), 20_000)).noisy


def test_noise_that_does_not_grow_with_light_is_found_without_photons() -> None:
    image = cells() + np.random.default_rng(0).normal(0, 0.08, (256, 256))
    found = look_at(image)
    assert found.noisy
    assert found.photons is None or found.photons > 100  # next to nothing of it grows
    assert look_at(np.random.default_rng(0).normal(5, 1, (128, 128))).noisy


@pytest.mark.parametrize("quality", [95, 85, 75])
def test_compression_hides_little_noise_and_makes_none(quality: int) -> None:
    def compressed(image: NDArray[Any]) -> NDArray[Any]:
        file = io.BytesIO()
        Image.fromarray(eight_bit(image)).save(file, "jpeg", quality=quality)
        return np.asarray(Image.open(file))

    assert look_at(compressed(taken(cells(), 20))).noisy
    assert not look_at(compressed(cells())).noisy


def test_noise_that_neighbours_share_is_told_as_such() -> None:
    noise = gaussian_filter(np.random.default_rng(0).standard_normal((256, 256)), 0.8)
    found = look_at(cells() + 0.25 * noise / noise.std())
    assert found.shared
    assert found.noisy
    assert found.photons is None
    assert found.sentence.startswith("noise that neighbouring pixels share, ")


@pytest.mark.parametrize("photons", [None, 1000])
@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
def test_blur_is_found(sigma: float, photons: float | None) -> None:
    light = gaussian_filter(cells(384), sigma)
    found = look_at(light if photons is None else taken(light, photons)).blur
    assert found == pytest.approx(sigma, rel=0.4)


def test_more_blur_is_found_as_more() -> None:
    found = [look_at(gaussian_filter(cells(), sigma)) for sigma in (0, 1, 1.5, 2, 3)]
    blurs = [each.blur for each in found]
    assert blurs == sorted(blurs)  # type: ignore[type-var]
    assert blurs[0] < 0.6  # type: ignore[operator]
    reaches = [each.reach for each in found]
    assert reaches == sorted(reaches, reverse=True)  # type: ignore[type-var]


def test_detail_reaches_less_far_in_noise() -> None:
    reaches = [look_at(taken(cells(), photons)).reach for photons in (5, 100, 2000)]
    assert reaches == sorted(reaches)  # type: ignore[type-var]
    assert 0 < reaches[0] < reaches[-1] <= 1  # type: ignore[operator]


def test_of_channels_the_noisiest_counts() -> None:
    stack = np.stack([(cells() * 4000).astype(np.uint16), taken(cells(seed=1), 20)])
    found = look_at(stack, "CYX")
    assert found.channel == 1
    assert found.noisy
    assert found.sentence.startswith("channel 1: about 20 photons")
    assert look_at(stack[:1], "CYX").channel is None


def test_of_colours_green_is_looked_at_and_alpha_is_not() -> None:
    grey = eight_bit(taken(cells(), 30))
    rgb = np.stack([grey, grey, grey], axis=-1)
    rgba = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1)
    assert look_at(rgb) == look_at(rgba) == look_at(grey)


def test_spoilt_places_do_not_count() -> None:
    image = taken(cells(), 50).astype(np.float32)
    spoilt = image.copy()
    spoilt[20:40, 60:90] = np.nan
    spoilt[0, 0] = np.inf
    found = look_at(spoilt)
    assert found.noisy
    assert found.photons == pytest.approx(look_at(image).photons, rel=0.2)
    saturated = np.minimum(image, np.percentile(image, 97))
    assert look_at(saturated).noisy


def test_hot_pixels_are_no_noise() -> None:
    image = cells()
    draw = np.random.default_rng(0)
    image[draw.integers(0, 256, 40), draw.integers(0, 256, 40)] = 5
    assert not look_at(image).noisy


CHECKERBOARD = np.indices((128, 128)).sum(axis=0) % 2


@pytest.mark.parametrize(
    "drawn",
    [
        CHECKERBOARD,
        np.kron(CHECKERBOARD[:16, :16], np.ones((8, 8))),
        np.tile(np.arange(128.0), (128, 1)),
        np.where(cells(128) > 0.3, 255, 0).astype(np.uint8),
        np.eye(128),
        (np.hypot(*np.indices((128, 128))) % 9).astype(np.uint8),
        np.round(gaussian_filter(cells(128), 2) * 12),
    ],
)
def test_drawings_raise_no_alarm(drawn: NDArray[Any]) -> None:
    assert not look_at(drawn).noisy


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((64, 64)), "one value only"),
        (np.full((64, 64), np.nan), "one value only, or cannot be read"),
        (np.ones((1, 1)), "one value only"),
        (np.arange(100).reshape(10, 10), "too small"),
        (np.arange(6000).reshape(6, 1000), "too small"),
        (np.random.default_rng(0).random((64, 64)) > 0.5, "truth values"),
        (np.random.default_rng(0).integers(0, 3, (64, 64)), "too few different values"),
    ],
)
def test_where_nothing_can_be_told_it_says_so(image: NDArray[Any], reason: str) -> None:
    found = look_at(image)
    assert found == Acquisition(unknown=found.unknown)
    assert reason in found.unknown
    assert found.sentence == f"nothing can be told of its noise and blur: {found.unknown}"


@given(
    arrays.arrays(
        dtype=st.sampled_from([np.uint8, np.int32, np.float32, np.float64, np.bool_]),
        shape=arrays.array_shapes(min_dims=2, max_dims=5, min_side=1, max_side=40),
    )
)
def test_every_image_gets_a_sentence(image: NDArray[Any]) -> None:
    found = look_at(image, "Q" * (image.ndim - 2) + "YX")
    assert found.sentence
    assert found.sentence[-1] != "."


def test_extreme_values_are_no_trouble() -> None:
    noise = np.random.default_rng(0).standard_normal((64, 64))
    for image in (noise * 1e300, noise * 1e-300, (noise * 1e37).astype(np.float32), noise + 1e15):
        assert look_at(image).sentence


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(UserError, match="two axes"):
        look_at(np.zeros(5))
    with pytest.raises(UserError, match="complex"):
        look_at(np.zeros((8, 8), complex))


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            Acquisition(noisy=True, noise=0.1, photons=37.2, drowned=True),
            "about 40 photons, noise well above the detail",
        ),
        (
            Acquisition(noisy=True, noise=0.02, photons=137, blur=0.83),
            "about 140 photons, noise as strong as the fine detail, blurred by about 0.8 pixels",
        ),
        (
            Acquisition(noisy=True, noise=0.057, drowned=True),
            "noise of 6 % of the brightness range, well above the detail",
        ),
        (
            Acquisition(noise=0.02, photons=1234, blur=0.2),
            "about 1,200 photons, noise below the fine detail",
        ),
        (Acquisition(noise=0.001, blur=1.5), "hardly any noise, blurred by about 1.5 pixels"),
    ],
)
def test_sentences_are_plain(found: Acquisition, sentence: str) -> None:
    assert str(found) == sentence


def test_it_is_public() -> None:
    assert napari_srgan.look_at is look_at
