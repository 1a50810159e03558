"""Metrics against hand-made values."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
