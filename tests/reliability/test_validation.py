"""A result compared with the truth."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_srgan import UserError, load_model, validate
from napari_srgan.models.error_table import ErrorTable
from napari_srgan.reliability.matched import bytes_to_compare, matched_psnr

DRAW = np.random.default_rng(0)
TRUTH = 1000 * gaussian_filter(DRAW.normal(0, 1, (96, 80)), 2) + 500
TABLE = ErrorTable(
    level=0.9, brightness=(), structure=((),), width=((30.0,),), constant=30.0, blocks=30, covered=0.9,
    covered_fine=0.8, limits=(float(TRUTH.min()), float(TRUTH.max())),
)  # fmt: skip


def test_brightness_does_not_count_and_noise_does() -> None:
    same = validate(TRUTH / 4 - 7, TRUTH)
    assert (*same.gains, *same.offsets) == pytest.approx((4, 28))
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
    assert validate(colours, colours, axes="YXS").ssim == pytest.approx(1)


def test_each_channel_has_a_brightness_of_its_own() -> None:
    truth = np.stack([TRUTH, TRUTH.T[:80].repeat(2, 0)[:96, :80] * 7 + 3])
    both = validate(np.stack([truth[0] / 4, truth[1] / 0.5 - 9]), truth, axes="CYX")
    assert both.gains == pytest.approx((4, 0.5))
    assert both.psnr > 100
    assert np.nanmax(both.error) < 1e-3
    assert "channel 0: brightness matched by 4 x +0, channel 1: brightness matched by 0.5 x" in str(both)
    alike = validate(truth / 2, truth, axes="CYX")
    assert "; brightness matched by 2 x +0" in str(alike)
    together = validate(np.stack([truth[0] / 4, truth[1] / 0.5 - 9]), truth, axes="ZYX")
    assert len(together.gains) == 1
    assert together.psnr < 40


def test_a_channel_whose_truth_is_empty_is_left_out() -> None:
    truth = np.stack([TRUTH, np.full_like(TRUTH, 7)])
    one = validate(np.stack([TRUTH + DRAW.normal(0, 20, TRUTH.shape), TRUTH]), truth, axes="CYX")
    assert one.psnr < 60
    assert np.isnan(one.error[1]).all()
    assert one.to_dict()["gains"][1] is None
    assert "channel 1: not compared" in one.sentence
    many = np.stack([TRUTH * scale for scale in range(1, 8)])
    assert (
        "each channel matched, by 0.143 to 1 x" in validate(many, np.stack([TRUTH] * 7), axes="CYX").sentence
    )


def test_the_resolution_of_a_stack_is_that_of_its_middle_plane() -> None:
    stack = np.stack([TRUTH] * 10)
    empty = DRAW.normal(0, 5, (2, *TRUTH.shape))
    blurred = gaussian_filter(TRUTH, 6)
    noisy = TRUTH + DRAW.normal(0, 20, TRUTH.shape)
    alone = validate(noisy, TRUTH).resolution
    assert alone is not None
    with_empty, truth = np.stack([noisy] * 9 + [empty[0]]), np.stack([TRUTH] * 9 + [empty[1]])
    assert validate(with_empty, truth, axes="ZYX").resolution == pytest.approx(alone, abs=0.3)
    assert validate(np.stack([*stack[1:], blurred]), stack, axes="ZYX").resolution is None


def test_alpha_is_not_compared() -> None:
    colours = np.stack([TRUTH, TRUTH[::-1], TRUTH], axis=-1)
    wrong = colours + DRAW.normal(0, 20, colours.shape)
    alpha = np.full((*TRUTH.shape, 1), 1000.0)
    with_alpha = validate(*(np.concatenate([one, alpha], -1) for one in (wrong, colours)))
    alone = validate(wrong, colours)
    assert with_alpha.psnr == alone.psnr
    assert with_alpha.ssim == alone.ssim
    assert with_alpha.error.shape == (*TRUTH.shape, 4)
    assert np.isnan(with_alpha.error[..., 3]).all()


def test_independent_noise_agrees_in_no_detail() -> None:
    for seed in range(8):
        pair = [gaussian_filter(one, 1) for one in np.random.default_rng(seed).normal(0, 1, (2, 128, 128))]
        assert validate(*pair).resolution == math.inf


def test_an_image_of_eight_bits_that_shows_nothing_is_no_truth() -> None:
    with pytest.raises(UserError, match="one value only"):
        validate(TRUTH, np.full(TRUTH.shape, 9, np.uint8))


@pytest.mark.parametrize("shape", [(1, 768, 768), (9, 256, 256)])
def test_comparing_needs_no_more_memory_than_is_asked_for(shape: tuple[int, ...]) -> None:
    result, truth = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    tracemalloc.start()
    try:
        bicubic = result - np.zeros_like(result)
        matched_psnr(bicubic, truth, "ZYX")
        validate(result, truth, axes="ZYX")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.6 < (most + result.nbytes + truth.nbytes) / bytes_to_compare(shape, "ZYX") < 1


def test_images_without_likeness_and_small_ones() -> None:
    inverse = validate(-TRUTH, TRUTH)
    assert inverse.gains == (0,)
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
    with pytest.raises(UserError, match="needs two axes"):
        validate(TRUTH[0], TRUTH[0])
