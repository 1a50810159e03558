"""Metrics against hand-made values."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave

from napari_srgan.errors import UserError
from napari_srgan.quality.benchmark_sets import evaluate_folder
from napari_srgan.quality.comparison import bicubic
from napari_srgan.quality.metrics import crop_border, luma, psnr, ssim


def test_psnr() -> None:
    truth = np.zeros((4, 4))
    assert psnr(truth + 1, truth, peak=10) == pytest.approx(20)
    assert psnr(truth, truth, peak=1) == math.inf


def test_luma_is_that_of_studio_video() -> None:
    black_and_white = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert luma(black_and_white) == pytest.approx(np.array([[16, 235]]), abs=0.01)


def test_ssim_of_equal_and_of_unlike_images() -> None:
    draw = np.random.default_rng(0)
    image = draw.random((32, 32))
    assert ssim(image, image, peak=1) == pytest.approx(1)
    assert ssim(draw.random((32, 32)), image, peak=1) < 0.3


def test_crop_border() -> None:
    image = np.arange(36).reshape(6, 6)
    assert crop_border(image, 2).tolist() == [[14, 15], [20, 21]]
    assert crop_border(image, 0) is image


def test_a_folder_is_evaluated_pair_by_pair(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for number in range(2):
        low = draw.integers(0, 255, (20, 20, 3)).astype(np.uint8)
        imsave(tmp_path / f"{number}_lr.png", low, check_contrast=False)
        imsave(tmp_path / f"{number}_hr.png", bicubic(low, 2) ^ 1, check_contrast=False)
    figures = evaluate_folder(tmp_path, 2, lambda low: bicubic(low, 2), lambda a, b: float(np.ptp(a ^ b)))
    assert 45 < figures.psnr < 60
    assert 0.99 < figures.ssim < 1
    # Every sample is off by one.
    assert figures.rgb_psnr == pytest.approx(20 * np.log10(255))
    assert 0.99 < figures.rgb_ssim < 1
    assert figures.distance == 0
    assert evaluate_folder(tmp_path, 2, lambda low: bicubic(low, 2)).distance is None
    with pytest.raises(UserError, match="holds no pairs"):
        evaluate_folder(tmp_path / "nothing", 2, lambda low: low)
