"""Brightness is matched before measured images are compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.quality.matching import affine_map, match_intensities
from napari_srgan.quality.metrics import ms_ssim, psnr, ssim


@given(gain=st.floats(0.01, 100), offset=st.floats(-1000, 1000))
def test_gain_and_offset_are_found(gain: float, offset: float) -> None:
    result = np.random.default_rng(0).normal(100, 20, (40, 50))
    truth = gain * result + offset
    assert affine_map(result, truth) == pytest.approx((gain, offset), rel=1e-6, abs=1e-6)


def test_no_other_map_brings_the_result_nearer() -> None:
    draw = np.random.default_rng(0)
    truth = draw.exponential(10, (60, 60))
    result = np.sqrt(truth) + draw.normal(0, 0.3, truth.shape)
    ours = psnr(match_intensities(result, truth), truth, 255)
    gain, offset = np.polyfit(result.ravel(), truth.ravel(), 1)
    assert ours == pytest.approx(psnr(gain * result + offset, truth, 255), abs=1e-3)


def test_hot_pixels_and_nan_do_not_count() -> None:
    result = np.random.default_rng(0).normal(100, 20, (50, 50))
    truth = 3 * result + 5
    truth[3, 4], result[5, 6], result[7, 8] = 65535, 65535, np.nan
    assert affine_map(result, truth) == pytest.approx((3, 5))
    assert np.isnan(match_intensities(result, truth)[7, 8])


def test_sparse_bright_structure_is_no_outlier() -> None:
    truth = np.zeros((100, 100))
    truth[::10, ::10] = 200
    assert affine_map(truth / 4 + 7, truth) == pytest.approx((4, -28))


def test_inverted_contrast_is_not_forgiven() -> None:
    truth = np.random.default_rng(0).random((30, 30))
    assert affine_map(1 - truth, truth) == pytest.approx((0, truth.mean()))


def test_without_contrast() -> None:
    assert affine_map(np.full((5, 5), 3), np.arange(25).reshape(5, 5)) == (0, 12)
    assert affine_map(np.full((5, 5), np.nan), np.zeros((5, 5))) == (0, 0)


def test_colours_share_one_map() -> None:
    result = np.random.default_rng(0).random((20, 20, 3))
    assert match_intensities(result, 2 * result + 1) == pytest.approx(2 * result + 1)


def picture(side: int) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return 128 + 60 * np.sin(x / 3) * np.cos(y / 17) + 40 * np.sin((x + y) / 31)


def test_ms_ssim_of_equal_and_of_inverted_images() -> None:
    image = picture(200)
    assert ms_ssim(image, image, 255) == pytest.approx(1)
    assert ms_ssim(255 - image, image, 255) < 0.1
    assert ms_ssim(np.dstack([image] * 3), np.dstack([image] * 3), 255) == pytest.approx(1)


def test_ms_ssim_forgives_fine_noise_more_than_ssim() -> None:
    image = picture(200)
    noisy = image + np.random.default_rng(0).normal(0, 20, image.shape)
    assert ssim(noisy, image, 255) + 0.1 < ms_ssim(noisy, image, 255) < 1


def test_ms_ssim_of_one_scale_is_ssim() -> None:
    """Below 22 pixels only the finest scale fits."""
    image = picture(21)
    noisy = image + np.random.default_rng(0).normal(0, 20, image.shape)
    # scikit-image's mean is over the same windows: those that lie inside the image.
    assert ms_ssim(noisy, image, 255) == pytest.approx(ssim(noisy, image, 255), abs=1e-6)


def test_ms_ssim_judges_by_coarser_scales_too() -> None:
    image = picture(200)
    tilted = image + np.linspace(-60, 60, 200)
    brighter = image + 60
    assert ms_ssim(brighter, image, 255) < 1
    assert ms_ssim(tilted, image, 255) < 1


def test_ms_ssim_of_too_small_an_image() -> None:
    with pytest.raises(ValueError, match="needs 11 x 11 pixels"):
        ms_ssim(np.zeros((10, 40)), np.zeros((10, 40)), 255)
