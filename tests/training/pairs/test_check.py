"""A pair is measured; wrong pairs are told apart, right ones are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.progress import Progress
from napari_srgan.training.pairs.check import check_pair_job
from pairs_of_cells import check, field, pair_of, two_images

Image = NDArray[Any]


@settings(max_examples=8, deadline=None)
@given(dy=st.integers(-6, 6), dx=st.integers(-6, 6), gain=st.floats(0.05, 20), offset=st.floats(-500, 500))
def test_shift_and_brightness_are_those_it_was_made_with(
    dy: int, dx: int, gain: float, offset: float
) -> None:
    report = check(*two_images(high_pixels=(dy, dx), gain=gain, offset=offset, noise=10 * gain))
    assert report.problem == ""
    assert report.shift == pytest.approx((dy / 2, dx / 2), abs=0.1)
    assert report.spread < 0.15
    assert report.gain == pytest.approx(gain, rel=0.05)
    assert report.offset == pytest.approx(offset, abs=10 * gain)
    assert report.correlation > 0.9


def test_a_sentence_with_the_numbers() -> None:
    report = check(*two_images(high_pixels=(2, -1), noise=0))
    assert report.summary.startswith("low and high show one field: the high-resolution image is off by +1.0")
    assert "blocks correlate" in report.summary
    assert report.notes == ()


WRONG: dict[str, Callable[[Image], Image]] = {
    "'high' is turned by 90 degrees counter-clockwise": lambda image: np.rot90(image),
    "'high' is turned by 180 degrees": lambda image: np.rot90(image, 2),
    "'high' is turned by 90 degrees clockwise": lambda image: np.rot90(image, 3),
    "'high' is mirrored left to right": lambda image: image[:, ::-1],
    "'high' is mirrored top to bottom": lambda image: image[::-1],
    "'high' is mirrored and turned by 90 degrees: its Y and X are exchanged;": lambda image: image.T,
    "its Y and X are exchanged and run backwards": lambda image: np.rot90(image, 2).T,
    "'high' has its contrast inverted": lambda image: image.max() - image,
    "mirrored left to right, and has its contrast inverted": lambda image: image.max() - image[:, ::-1],
    "'low' and 'high' show different fields": lambda image: field(99, *image.shape),
    "'high' is all zero": np.zeros_like,
    "'high' is constant: every pixel is 7": lambda image: np.full_like(image, 7),
    "'high' has no finite pixel": lambda image: np.full_like(image, np.nan),
    "'high' is NaN or infinite in 75% of its pixels": lambda image: np.where(
        np.arange(image.size).reshape(image.shape) % 4, np.nan, image
    ),
    "'high' is saturated: ": lambda image: np.minimum(image + 1000, 1001),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_pairs_are_told_apart(sentence: str) -> None:
    low, high = two_images(shape=(128, 128), high_pixels=(1, -2), noise=20)
    report = check(low, np.ascontiguousarray(WRONG[sentence](high)))
    assert sentence in report.problem
    assert report.summary == report.problem
    assert report.blocks == ()


@pytest.mark.parametrize(("finer", "seems"), [(3, 2), (5, 4), (3, 4)])
def test_another_magnification_than_that_of_the_shapes_is_told_with_where_to_crop(
    finer: int, seems: int
) -> None:
    """Both cameras have whole frames, but the finer one looks through another lens."""
    whole = field(5, 192 * finer, 240 * finer)
    low = whole.reshape(192, finer, 240, finer).mean(axis=(1, 3))
    if finer > seems:  # it shows a part
        high = whole[30 * finer : 30 * finer + 192 * seems, 20 * finer : 20 * finer + 240 * seems]
        told = f"crop 'low' to rows 30 to {30 + 192 * seems // finer}, columns 20 to "
    else:  # it shows more
        low, high = low[30:158, 20:180], whole[: 128 * seems, : 160 * seems]
        told = "crop 'high' to rows 90 to 474, columns 60 to 540;"
    draw = np.random.default_rng(1)
    report = check(low + draw.normal(0, 20, low.shape), high + draw.normal(0, 50, high.shape))
    assert f"'high' has pixels {finer} times finer than 'low', not {seems}" in report.problem
    assert told in report.problem
    assert report.other is not None
    assert report.other.factor == finer
    (rows, columns), (high_rows, high_columns) = report.other.low_region, report.other.high_region
    cropped = check(low[slice(*rows), slice(*columns)], high[slice(*high_rows), slice(*high_columns)])
    assert cropped.problem == ""
    assert cropped.pair.factor == finer
    assert np.abs(cropped.shift).max() < 1


def test_what_is_turned_need_not_be_square() -> None:
    low, high = two_images(shape=(100, 150))
    assert "turned by 180 degrees" in check(low, high[::-1, ::-1]).problem
    assert "mirrored top to bottom" in check(low, high[::-1]).problem


def test_exchanged_images_of_one_size_are_told_by_their_sharpness() -> None:
    low, _ = two_images(factor=1, noise=2)
    sharp = field(0, 160, 192)[16:-16, 16:-16]
    assert check(low, sharp).problem == ""
    assert "'low' is sharper than 'high': they are exchanged" in check(sharp, low).problem


@pytest.mark.parametrize("noise", [60.0, 200.0, 500.0])
def test_exchanged_images_of_one_size_are_told_by_their_noise(noise: float) -> None:
    clean = field(0, 192, 192)
    noisy = clean + np.random.default_rng(0).normal(0, noise, clean.shape)
    report = check(noisy, clean)
    assert report.problem == ""
    assert not [block for block in report.blocks if not block.good]
    assert "'low' has less noise than 'high': they are exchanged" in check(clean, noisy).problem


def test_a_truth_that_is_less_noisy_and_less_sharp_is_a_truth() -> None:
    """Averaged frames of a stage that trembles, or a long exposure of what moves."""
    sharp = field(0, 192, 192)
    noisy = sharp + np.random.default_rng(0).normal(0, 60, sharp.shape)
    blurry = gaussian_filter(sharp, 1.5)
    assert check(noisy, blurry).problem == ""


def test_two_exposures_alike_are_a_pair_in_both_orders() -> None:
    """Either is as good a truth as the other: what differs is noise, which nobody can predict."""
    clean = field(0, 192, 192)
    one, other = (clean + np.random.default_rng(seed).normal(0, 100, clean.shape) for seed in (1, 2))
    assert check(one, other).problem == check(other, one).problem == ""


def test_what_a_check_of_equal_sizes_says_is_not_about_resolution() -> None:
    clean = field(0, 192, 192)
    noisy = clean + np.random.default_rng(0).normal(0, 100, clean.shape)
    noisy[64:128, 64:128] = field(7, 64, 64)
    report = check(noisy, clean)
    for sentence in (report.summary, *report.notes):
        assert "resolution" not in sentence
    assert "of one size" in report.summary


@pytest.mark.parametrize("seed", range(4))
def test_right_pairs_are_not_suspected(seed: int) -> None:
    draw = np.random.default_rng(seed)
    low, high = two_images(seed, (64, 72), 4, high_pixels=(3, -5), noise=60)
    report = check(low + draw.normal(0, 20, low.shape), high + draw.normal(0, 50, high.shape))
    assert report.problem == ""
    assert report.shift == pytest.approx((0.75, -1.25), abs=0.3)


def test_a_pattern_that_repeats_is_not_another_field() -> None:
    y, x = np.mgrid[:256, :256] / 2
    grid = 100 + 50 * np.sin(y * np.pi / 8) * np.sin(x * np.pi / 8)
    low = grid.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    report = check(low, grid)
    assert report.problem == ""
    assert report.shift == pytest.approx((0, 0), abs=0.05)


def test_blocks_that_show_something_else_are_left_out_and_named() -> None:
    low, high = two_images(shape=(256, 256), high_pixels=(2, 0))
    high[:128, :128] = field(7, 128, 128)
    report = check(low, high)
    assert report.problem == ""
    bad = [(block.y, block.x) for block in report.blocks if not block.good]
    assert bad == [(0, 0)]
    assert report.notes == (
        "1 of 16 blocks do not correlate and are left out: rows 0 to 64, columns 0 to 64 "
        "(low-resolution pixels)",
    )
    assert report.shift == pytest.approx((1, 0), abs=0.1)


def test_empty_blocks_are_no_reason_to_complain() -> None:
    low, high = two_images(shape=(256, 256), noise=0)
    low[:, 100:], high[:, 200:] = 100, 0
    low += np.random.default_rng(0).normal(0, 5, low.shape)
    report = check(low, high)
    assert report.problem == ""
    assert {block.x for block in report.blocks if block.empty} == {128, 192}
    assert all(block.good for block in report.blocks if block.x < 64)
    assert "hold nothing to compare; they are kept" in report.notes[0]


def test_hot_pixels_do_not_blind_their_blocks() -> None:
    low, high = two_images(shape=(128, 128), high_pixels=(2, 0))
    draw = np.random.default_rng(0)
    low.flat[draw.integers(0, low.size, 10)] = 60000
    high.flat[draw.integers(0, high.size, 10)] = 60000
    report = check(low, high)
    assert report.notes == ()
    assert report.shift == pytest.approx((1, 0), abs=0.1)
    assert report.gain == pytest.approx(0.5, rel=0.1)


def test_images_of_noise_alone_are_told_to_be_that() -> None:
    draw = np.random.default_rng(0)
    report = check(draw.normal(100, 5, (128, 128)), draw.normal(100, 5, (256, 256)))
    assert "hold nothing but noise: there is nothing to compare" in report.problem


def test_small_pairs() -> None:
    low, high = two_images(seed=3, shape=(40, 32), high_pixels=(1, 0))
    report = check(low, high)
    assert report.problem == ""
    assert report.shift == pytest.approx((0.5, 0), abs=0.25)
    assert "or too little to tell" in check(low, field(8, 80, 64)).problem


def stack() -> tuple[Image, Image]:
    """Three planes that drift."""
    planes = [two_images(seed, (64, 64), 2, high_pixels=(seed, 0)) for seed in range(3)]
    return np.stack([low for low, _ in planes]), np.stack([high for _, high in planes])


@pytest.mark.parametrize("container", [np.asarray, da.from_array, zarr.array])
def test_stacks_of_any_container(container: Any) -> None:
    low, high = stack()
    report = check(container(low), container(high), "TYX")
    assert report.problem == ""
    assert report.planes == ((0,), (1,), (2,))
    for plane in range(3):
        shifts = [block.shift[0] for block in report.blocks if block.plane == (plane,)]
        assert np.median(shifts) == pytest.approx(plane / 2, abs=0.1)


def test_a_plane_that_does_not_fit_is_named_among_good_ones() -> None:
    low, high = stack()
    high[1] = high[1, :, ::-1]
    report = check(low, high, "ZYX")
    assert report.problem == ""
    assert report.notes[0] == "plane Z 1 is left out: 'high' is mirrored left to right"
    assert {block.plane for block in report.blocks} == {(0,), (2,)}


def test_long_recordings_are_looked_at_here_and_there() -> None:
    low, high = two_images(shape=(40, 40))
    report = check(da.stack([low] * 100), da.stack([high] * 100), "TYX")
    assert "12 of 100 planes were looked at, evenly spread" in report.notes
    assert report.planes[0] == (0,)
    assert report.planes[-1] == (99,)


def test_colour_and_alpha() -> None:
    low, high = (image.clip(0, 900) for image in two_images(shape=(64, 64), high_pixels=(0, 2)))
    rgba = np.stack([low, low / 2, low, np.zeros_like(low)], axis=-1)
    rgb = np.stack([high, high / 2, high], axis=-1)
    report = check(rgba, rgb, "YXS")
    assert report.problem == ""
    assert report.shift == pytest.approx((0, 1), abs=0.1)
    assert report.gain == pytest.approx(0.5, rel=0.05)


def test_pixels_that_are_not_finite_or_saturated_are_told() -> None:
    low, high = two_images()
    low[5, 5], high[40:43] = np.inf, np.nan
    report = check(low, high)
    assert report.problem == ""
    assert "'low' is NaN or infinite in less than 0.1% of its pixels, which are left out" in report.notes
    clipped = np.minimum(two_images()[1] / 2, 255).astype(np.uint8)
    note = next(note for note in check(two_images()[0], clipped).notes if "saturated" in note)
    assert note.startswith("'high' is saturated (255) in ")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_every_type_of_number(dtype: Any) -> None:
    low, high = (image / 5 for image in two_images(noise=2, high_pixels=(1, 1)))
    report = check(low.astype(dtype), high.astype(dtype))
    assert report.problem == ""
    assert report.shift == pytest.approx((0.5, 0.5), abs=0.1)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_numbers_of_any_size(scale: float) -> None:
    low, high = two_images(high_pixels=(1, 1))
    report = check(low * scale, high * scale)
    assert report.problem == ""
    assert report.gain == pytest.approx(0.5, rel=0.05)


def test_numbers_too_large_to_compute_with() -> None:
    low, high = two_images()
    assert "'high' holds values from 0 to 1" in check(low, high / high.max() * 1e200).problem


def test_it_can_be_cancelled_between_blocks() -> None:
    steps = list(check_pair_job(pair_of(*two_images(shape=(256, 256)))))
    assert len(steps) > 16
    assert all(isinstance(step, Progress) and 0 <= step.fraction <= 1 for step in steps)
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_a_block_that_has_moved_on_its_own_is_left_out() -> None:
    low, high = two_images(shape=(256, 256))
    _, elsewhere = two_images(shape=(256, 256), high_pixels=(14, 0))
    high[128:256, 128:256] = elsewhere[128:256, 128:256]
    bad = [block for block in check(low, high).blocks if not block.good]
    assert [(block.y, block.x) for block in bad] == [(64, 64)]
    assert bad[0].shift == pytest.approx((7, 0), abs=0.3)
    assert bad[0].correlation > 0.8
