"""What a training gets of a checked pair: its own copy, on one grid, with what is to be left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_srgan.errors import UserError
from napari_srgan.training.pairs.aligned import read_pair_job
from napari_srgan.training.pairs.budget import InARow, plan, rows_of
from napari_srgan.training.pairs.picture import arrows, overlay, overlay_origin
from napari_srgan.training.pairs.report import BlockShift, PairReport
from pairs_of_cells import check, exhaust, field, pair_of, read, two_images


def report_of(low: np.ndarray, high: np.ndarray, shift: tuple[float, float], axes: str = "YX") -> PairReport:
    """A report of one good block that covers each plane."""
    pair = pair_of(low, high, axes)
    blocks = tuple(BlockShift(plane, 0, 0, max(low.shape[-2:]), shift, 1.0, True) for plane in pair.planes())
    return PairReport(pair, shift, 0.0, blocks, 1.0, 0.0, 1.0, planes=pair.planes())


@settings(deadline=None)
@given(dy=st.integers(-9, 9), dx=st.integers(-9, 9), factor=st.sampled_from([1, 2, 4]))
def test_the_high_image_is_moved_by_whole_pixels(dy: int, dx: int, factor: int) -> None:
    """Every low pixel that is kept has the square of high pixels that lies on it after the move."""
    low = np.arange(40 * 44).reshape(40, 44)
    high = np.arange(40 * 44 * factor**2).reshape(40 * factor, 44 * factor)
    (plane,) = read(report_of(low, high, (dy / factor, dx / factor)))
    assert plane.high is not None
    top, left = plane.origin
    y, x, _ = plane.low.shape
    assert np.array_equal(plane.low[..., 0], low[top : top + y, left : left + x])
    first = top * factor - dy, left * factor - dx
    partner = high[first[0] : first[0] + y * factor, first[1] : first[1] + x * factor]
    assert np.array_equal(plane.high[..., 0], partner)
    assert plane.usable.shape == (y, x)
    # No more is lost than has no partner.
    assert y >= 40 - -(-abs(dy) // factor)
    assert x >= 44 - -(-abs(dx) // factor)


def test_rows_beyond_the_common_part_are_used_where_there_are_any() -> None:
    low = np.zeros((40, 40))
    high = np.random.default_rng(0).random((84, 80))
    low[5, 5] = 1
    (plane,) = read(report_of(low, high, (-2.0, 0.0)))
    assert plane.low.shape[:2] == (40, 40)
    assert plane.high is not None
    assert np.array_equal(plane.high[..., 0], high[4:84])


def test_a_shift_that_is_found_is_corrected() -> None:
    low, high = two_images(high_pixels=(3, -4))
    _, straight = two_images()
    (plane,) = read(check(low, high))
    assert plane.high is not None
    y, x = (2 * at for at in plane.origin)
    height, width = plane.high.shape[:2]
    assert np.array_equal(plane.high[..., 0], straight[y : y + height, x : x + width])
    (as_it_is,) = read(check(low, high), correct_shift=False)
    assert as_it_is.high is not None
    assert np.array_equal(as_it_is.high[..., 0], high)


def test_it_is_a_copy() -> None:
    low, high = two_images(shape=(64, 64))
    (plane,) = read(check(low, high), correct_shift=False)
    assert not np.shares_memory(plane.low, low)
    assert not np.shares_memory(plane.high, high)


def test_what_must_not_be_used() -> None:
    low, high = two_images(shape=(256, 256))
    high[:128, :128] = field(7, 128, 128)
    low[200, 100] = np.nan
    high[440:460, 300:340] = high.max() * 4
    high[0, 511] = np.inf
    (plane,) = read(check(low, high), correct_shift=False)
    expected = np.ones((256, 256), bool)
    expected[:64, :64] = False
    expected[200, 100] = expected[0, 255] = False
    assert np.array_equal(plane.usable[:64], expected[:64])
    assert np.array_equal(plane.usable[64:220], expected[64:220])


def test_saturated_parts_are_left_out_and_bright_spots_are_not() -> None:
    low, high = (image / 5 for image in two_images(shape=(96, 96), noise=1))
    high, low = high.astype(np.uint8), low.astype(np.uint8)
    high[40:60, 40:60] = 255
    high[100, 100] = 255
    (plane,) = read(report_of(low, high, (0, 0)))
    assert not plane.usable[22:28, 22:28].any()
    assert plane.usable[50, 50]
    assert plane.usable.mean() > 0.98


def test_drift_is_corrected_plane_by_plane_and_planes_that_do_not_fit_are_left_out() -> None:
    planes = [two_images(seed, (64, 64), 2, high_pixels=(2 * seed, 0)) for seed in range(3)]
    low, high = (np.stack(images) for images in zip(*planes, strict=True))
    high[1] = high[1, ::-1]
    aligned = read(check(low, high, "TYX"))
    assert [plane.index for plane in aligned] == [(0,), (2,)]
    assert aligned[0].low.shape[0] == 64
    assert aligned[1].low.shape[0] == 62


def test_as_many_planes_as_there_is_memory_for() -> None:
    low, high = np.zeros((10, 64, 64), np.uint16), np.zeros((10, 128, 128), np.uint16)
    low[:, 0, 0] = high[:, 0, 0] = 1
    one = 64 * 64 * (2 + 4 + (2 + 4) * 4 + 1)  # as they are, and as a network sees them
    report = report_of(low, high, (0, 0), "ZYX")
    aligned = read(report, budget=3 * one)
    assert [plane.index for plane in aligned] == [(0,), (4,), (9,)]
    assert "3 of 10 planes, evenly spread" in plan(report.pair, 3 * one).note
    assert plan(report.pair, 10 * one).note == ""
    small = read(report, budget=one // 2)
    assert [plane.low.shape[:2] for plane in small] == [(45, 45)]
    assert small[0].origin == (9, 9)
    assert "the middle 45 x 45 of 64 x 64" in plan(report.pair, one // 2).note


@given(
    frames=st.integers(1, 30), channels=st.integers(1, 4), most=st.integers(1, 200), least=st.integers(1, 8)
)
def test_frames_that_are_chosen_follow_each_other(frames: int, channels: int, most: int, least: int) -> None:
    there = [(c, t) for c in range(channels) for t in range(frames)]
    chosen = rows_of(there, most, InARow(1, least))
    rows = [[t for channel, t in chosen if channel == c] for c in {c for c, _ in chosen}]
    assert len({tuple(row) for row in rows}) == 1
    assert rows[0] == list(range(rows[0][0], rows[0][0] + len(rows[0])))
    assert len(rows[0]) >= min(least, frames)
    assert len(chosen) <= max(most, min(least, frames))
    assert most < len(there) or list(chosen) == there


def test_a_long_time_lapse_is_read_in_one_row() -> None:
    low, high = np.zeros((10, 64, 64), np.uint16), np.zeros((10, 128, 128), np.uint16)
    report = report_of(low, high, (0, 0), "TYX")
    one = 64 * 64 * (2 + 4 + (2 + 4) * 4 + 1)
    job = read_pair_job(
        report.pair, report, correct_shift=True, budget=5 * one, in_a_row=InARow(axis=0, least=4)
    )
    assert [plane.index for plane in exhaust(job)] == [(2,), (3,), (4,), (5,), (6,)]
    assert "5 of 10 planes, in a row" in plan(report.pair, 5 * one, in_a_row=InARow(0, 4)).note
    # Too large frames are cropped, so that there are still enough of them.
    job = read_pair_job(report.pair, report, correct_shift=True, budget=2 * one, in_a_row=InARow(0, 4))
    assert len(exhaust(job)) >= 4


def test_channels_are_told() -> None:
    low, high = two_images(shape=(64, 64))
    aligned = read(check(np.stack([low, low * 2]), np.stack([high, high]), "CYX"))
    assert [plane.channel for plane in aligned] == [0, 1]
    assert aligned[0].source == "low and high"


def test_a_pair_with_a_problem_is_refused_by_name() -> None:
    low, high = two_images(shape=(64, 64))
    with pytest.raises(UserError, match=r"low and high cannot be trained on: .high. is mirrored"):
        read(check(low, high[::-1]))
    report = report_of(np.full((64, 64), np.nan), np.zeros((64, 64)), (0, 0))
    with pytest.raises(UserError, match="low and high cannot be trained on: no pixel"):
        read(report)


def test_a_pair_with_a_problem_is_read_as_it_lies_if_that_is_wanted() -> None:
    low, high = two_images(shape=(64, 64))
    report = check(low, high[::-1])
    job = read_pair_job(report.pair, report, correct_shift=True, budget=2**30, despite_problem=True)
    (plane,) = exhaust(job)
    assert plane.usable.all()
    assert plane.high is not None
    assert np.array_equal(plane.high[..., 0], high[::-1])


def test_pictures() -> None:
    low, high = two_images(shape=(128, 160), high_pixels=(6, -2), noise=0)
    report = check(low, high)
    picture = overlay(report)
    assert picture.shape == (128, 160, 3)
    assert picture.min() == 0
    assert picture[..., :2].max(axis=(0, 1)) == pytest.approx(1)
    assert overlay_origin(report) == (0, 0)
    # Corrected, red and green lie on each other.
    apart, together = (
        np.corrcoef(image[..., 0].ravel(), image[..., 1].ravel())[0, 1]
        for image in (picture, overlay(report, corrected=True))
    )
    assert together > 0.95 > apart
    found = arrows(report, enlarged=10)
    assert len(found) == sum(block.good for block in report.blocks)
    assert found[:, 1] == pytest.approx(np.tile([30, -10], (len(found), 1)), abs=1.5)
    assert found[0, 0] == pytest.approx([31.5, 31.5])
    assert arrows(replace(report, blocks=())).shape == (0, 2, 2)


def test_jobs_say_what_they_do() -> None:
    low, high = two_images(shape=(64, 64))
    report = check(low, high)
    job = read_pair_job(report.pair, report, correct_shift=True, budget=10**9)
    assert next(job).message == "reading low and high"
    assert len(exhaust(job)) == 1
