"""How fine the detail of an image is found to be."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from napari_srgan import look_at
from napari_srgan.reliability.detail import Detail, detail_of, detail_of_windows

SIDE = 256


def fine(seed: int = 0) -> NDArray[np.float64]:
    """Sharp discs of many sizes: detail as fine as pixels can show."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.zeros((SIDE, SIDE))
    for _ in range(400):
        at, radius = draw.uniform(0, SIDE, 2), draw.uniform(1, 8)
        image += draw.uniform(0.2, 1) * (np.hypot(y - at[0], x - at[1]) < radius)
    return 1000 * gaussian_filter(image, 0.5) + draw.normal(0, 2, image.shape)


def reach(image: NDArray[np.float64]) -> Detail:
    found = detail_of_windows([image])
    assert found is not None
    return found


def test_reach_falls_with_blur() -> None:
    found = [reach(gaussian_filter(fine(), sigma) + 1e-9) for sigma in (0, 0.7, 1, 1.5, 2, 3, 5)]
    reaches = [one.reach for one in found]
    assert reaches == sorted(reaches, reverse=True)
    assert reaches[0] > 0.9
    assert reaches[-1] < 0.3


def test_reach_falls_with_noise() -> None:
    soft = gaussian_filter(fine(), 1)
    draw = np.random.default_rng(1)
    reaches = [reach(soft + draw.normal(0, sigma, soft.shape)).reach for sigma in (1, 30, 100, 300)]
    assert reaches == sorted(reaches, reverse=True)
    assert reaches[0] > 2 * reaches[-1]


def test_noise_alone_shows_nothing() -> None:
    noise = np.random.default_rng(0).normal(100, 5, (SIDE, SIDE))
    found = reach(noise)
    assert (found.reach, found.blocks) == (0.0, 0)
    assert found.noise == pytest.approx(5, rel=0.05)


def test_axes_are_told_apart() -> None:
    found = reach(gaussian_filter(fine(), (3, 0)))
    assert found.uneven
    assert found.along_y < 0.5 < found.along_x
    turned = reach(gaussian_filter(fine(), (3, 0)).T)
    assert turned.along_x == pytest.approx(found.along_y, abs=0.05)


def test_scale_and_offset_do_not_count() -> None:
    image = gaussian_filter(fine(), 1)
    assert reach(3 * image + 700).reach == reach(image).reach


def test_rounding_to_eight_bits_leaves_the_reach() -> None:
    image = gaussian_filter(fine(), 1.5)
    rounded = np.round(255 * (image - image.min()) / np.ptp(image))
    assert reach(rounded).reach == pytest.approx(reach(image).reach, abs=0.1)


def test_sharpening_adds_no_reach() -> None:
    image = gaussian_filter(fine(), 2) + np.random.default_rng(0).normal(0, 10, (SIDE, SIDE))
    sharpened = image + 2 * (image - gaussian_filter(image, 1.5))
    assert reach(sharpened).reach <= reach(image).reach + 0.05


def test_what_was_interpolated_or_compressed_is_said_to_be() -> None:
    small = Image.fromarray(gaussian_filter(fine(), 1)[::2, ::2].astype(np.float32))
    enlarged = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
    assert reach(enlarged).smoothed
    file = io.BytesIO()
    soft = gaussian_filter(fine(), 3)
    Image.fromarray((255 * (soft - soft.min()) / np.ptp(soft)).astype(np.uint8)).save(
        file, "JPEG", quality=90
    )
    assert reach(np.asarray(Image.open(file), np.float64)).smoothed
    assert not reach(fine()).smoothed


def beads(photons: float, read_noise: float) -> NDArray[np.float64]:
    """Sparse and bright: noise is faint beside the contrast."""
    draw = np.random.default_rng(0)
    light = np.zeros((SIDE, SIDE))
    light[tuple(draw.integers(0, SIDE, (2, 300)))] = draw.uniform(0.1, 1, 300)
    light = photons * 10 * gaussian_filter(light, 1.3) + 5
    taken: NDArray[np.float64] = (draw.poisson(light) + draw.normal(100, read_noise, light.shape)).round()
    return taken


@pytest.mark.parametrize("photons", [20, 1000, 10_000])
@pytest.mark.parametrize("read_noise", [0, 1.5, 5])
def test_raw_images_are_never_said_to_be_processed(photons: float, read_noise: float) -> None:
    assert not reach(beads(photons, read_noise)).smoothed


@pytest.mark.parametrize("photons", [1000, 10_000])
def test_processed_images_are_said_to_be(photons: float) -> None:
    raw = beads(photons, 1.5)
    for sigma in (0.8, 1, 2):
        assert reach(gaussian_filter(raw, sigma)).smoothed
    assert reach(gaussian_filter(raw, 1).round()).smoothed  # rounding is white, and no camera's noise
    assert reach(zoom(raw, 2, order=1)).smoothed
    assert reach(gaussian_filter(fine(), 1.5)).smoothed


@pytest.mark.parametrize("sigma", [0.7, 1])
def test_noise_that_neighbours_share_passes_for_no_detail(sigma: float) -> None:
    image = 1000 + gaussian_filter(np.random.default_rng(0).normal(0, 100, (SIDE, SIDE)), sigma)
    found = reach(image)
    assert look_at(image).shared
    assert found.shared
    assert not found.smoothed
    assert not found.uneven
    assert np.isnan([found.reach, found.along_y, found.along_x]).all()
    assert found.noise == pytest.approx((look_at(image).noise or 0) * found.contrast)


def test_one_bright_object_does_not_decide() -> None:
    soft = gaussian_filter(fine(), 3) + np.random.default_rng(0).normal(0, 1, (SIDE, SIDE))
    bright = soft.copy()
    bright[100:104, 100:104] += 3000
    assert reach(bright).reach == pytest.approx(reach(soft).reach, abs=0.1)


def test_channels_by_themselves_and_what_cannot_be_told_left_out() -> None:
    stack = np.stack([fine(), gaussian_filter(fine(), 3), np.zeros((SIDE, SIDE))])
    found = detail_of(stack, "CYX")
    assert list(found) == [0, 1]
    assert found[0].reach > found[1].reach


def test_small_constant_and_unreadable_images() -> None:
    assert detail_of(np.arange(600.0).reshape(20, 30), "YX") == {}
    assert detail_of(np.full((64, 64), 3), "YX") == {}
    assert detail_of(np.full((64, 64), np.nan), "YX") == {}
    assert detail_of(np.zeros((1, 200)), "YX") == {}
