"""A set of evaluation images, with results whose figures are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmark_sets import evaluate_folder
from skimage.io import imsave

from napari_srgan.errors import UserError
from napari_srgan.quality.comparison import bicubic


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
