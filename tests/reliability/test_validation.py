"""A result compared with the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_srgan import UserError, load_model, validate
from napari_srgan.models.error_table import ErrorTable

DRAW = np.random.default_rng(0)
TRUTH = 1000 * gaussian_filter(DRAW.normal(0, 1, (96, 80)), 2) + 500
TABLE = ErrorTable(
    level=0.9, brightness=(), structure=((),), width=((30.0,),), constant=30.0, blocks=30, covered=0.9,
    covered_fine=0.8, limits=(float(TRUTH.min()), float(TRUTH.max())),
)  # fmt: skip


def test_brightness_does_not_count_and_noise_does() -> None:
    same = validate(TRUTH / 4 - 7, TRUTH)
    assert (same.gain, same.offset) == pytest.approx((4, 28))
    assert same.ssim == pytest.approx(1)
    assert same.resolution is None
    noisy = validate(TRUTH + DRAW.normal(0, 20, TRUTH.shape), TRUTH)
    expected = 20 * math.log10(np.ptp(TRUTH) / 20)
    assert noisy.psnr == pytest.approx(expected, abs=0.3)
    assert noisy.error.mean() == pytest.approx(20 * math.sqrt(2 / math.pi), rel=0.1)
    assert noisy.resolution is not None
    assert "pixels a period" in str(noisy)


def test_a_shift_is_told_and_not_corrected() -> None:
    moved = validate(np.roll(TRUTH, 3, 0), TRUTH)
    assert moved.shift == pytest.approx((-3, 0))
    assert "register them first" in moved.sentence


def test_what_is_not_finite_does_not_count() -> None:
    with_nan = TRUTH.copy()
    with_nan[20:30, 20:30] = np.nan
    for one in (validate(with_nan, TRUTH), validate(TRUTH, with_nan)):
        assert one.psnr > 100
        assert one.ssim == pytest.approx(1)
        assert np.isnan(one.error).sum() == 100
    stack = validate(np.stack([TRUTH, TRUTH]), np.stack([TRUTH, np.full_like(TRUTH, np.nan)]))
    assert stack.ssim == pytest.approx(1)
    assert stack.resolution is None


def test_colours_of_arrays_are_known_by_their_shape() -> None:
    colours = np.stack([TRUTH, TRUTH.T[:80].repeat(2, 0)[:96, :80], TRUTH], axis=-1).clip(0, 1000)
    colours = (colours / 4).astype(np.uint8)
    assert validate(colours, colours).ssim == pytest.approx(1)
    assert validate(colours, colours, rgb=True).ssim == pytest.approx(1)


def test_images_without_likeness_and_small_ones() -> None:
    inverse = validate(-TRUTH, TRUTH)
    assert inverse.gain == 0
    assert "in no detail" in inverse.sentence
    row = validate(TRUTH[:1] + 1, TRUTH[:1])
    assert row.ssim is row.ms_ssim is None
    assert "SSIM" not in row.sentence


def test_an_error_map_is_counted_where_it_is_not_empty() -> None:
    noise = DRAW.normal(0, 20, TRUTH.shape)
    covered = validate(TRUTH + noise, TRUTH, errors=TABLE).covered
    assert covered == pytest.approx(np.mean(np.abs(noise) < 30), abs=0.02)
    dark = TABLE.model_copy(update={"limits": (-9e9, -8e9)})
    assert validate(TRUTH + noise, TRUTH, errors=dark).covered is None
    with pytest.raises(UserError, match="has no error table"):
        validate(TRUTH, TRUTH, errors=load_model("microscopy-x2"))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(UserError, match="of its own shape"):
        validate(TRUTH, TRUTH[1:])
    with pytest.raises(UserError, match="one value only"):
        validate(TRUTH, np.ones_like(TRUTH))
    with pytest.raises(UserError, match="no pixel that is finite in both"):
        validate(np.full_like(TRUTH, np.nan), TRUTH)
    with pytest.raises(UserError, match="two axes or more"):
        validate(TRUTH[0], TRUTH[0])
