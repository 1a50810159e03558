"""What is held back was never learned from, nor stood beside what was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.split import fits, frame_roles, split_blocks

SIDES = st.integers(64, 160)


@given(
    y=SIDES, x=SIDES, part=st.floats(0.05, 0.4), guard=st.integers(0, 48), patch=st.integers(8, 24),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_no_patch_comes_near_what_is_held_back(
    y: int, x: int, part: float, guard: int, patch: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    signal = draw.random((y, x)).astype(np.float32)
    split = split_blocks(np.ones((y, x), bool), signal, part=part, guard=guard, patch=patch)
    assert split.guard <= guard
    learned = np.zeros((y, x), bool)
    places = np.argwhere(fits(split.roles, patch))
    for top, left in places[draw.integers(len(places), size=20)]:
        learned[top : top + patch, left : left + patch] = True
    near = np.ones((2 * split.guard + 1,) * 2, bool)
    held_back = split.roles == HELD_BACK
    assert held_back.any()
    assert not (binary_dilation(held_back, near) & learned).any()


@pytest.mark.parametrize("part", [0.1, 0.15, 0.3])
def test_about_the_part_wished_for_is_held_back(part: float) -> None:
    split = split_blocks(
        np.ones((200, 300), bool), np.ones((200, 300), np.float32), part=part, guard=40, patch=32
    )
    assert np.mean(split.roles == HELD_BACK) == pytest.approx(part, abs=0.02)
    assert split.guard == 40
    assert np.mean(split.roles == TRAINED_ON) > 0.4


def test_the_held_back_part_has_a_fair_share_of_the_signal() -> None:
    signal = np.full((128, 128), 0.01, np.float32)
    signal[:, :40] = signal[100:, :] = 1  # an empty corner, and two full edges
    split = split_blocks(np.ones_like(signal, bool), signal, part=0.15, guard=10, patch=16)
    here = signal[split.roles == HELD_BACK].mean()
    assert 0.5 < here / signal.mean() < 2


def test_what_is_held_back_looks_like_the_rest_also_where_the_image_is_uneven() -> None:
    """An image that goes over from dark to bright: one corner, or one edge, is dark or bright alone."""
    shape = (200, 260)
    y, x = np.mgrid[: shape[0], : shape[1]]
    brightness = (y / shape[0] + x / shape[1]).astype(np.float32)
    signal = np.ones(shape, np.float32)
    split = split_blocks(np.ones(shape, bool), signal, brightness, part=0.15, guard=12, patch=24)
    held_back = brightness[split.roles == HELD_BACK]
    assert held_back.mean() == pytest.approx(brightness.mean(), rel=0.05)
    assert np.mean(split.roles == HELD_BACK) == pytest.approx(0.15, abs=0.02)
    assert np.mean(split.roles == TRAINED_ON) > 0.6


def test_the_guard_band_gives_way_in_a_small_image() -> None:
    split = split_blocks(
        np.ones((64, 64), bool), np.ones((64, 64), np.float32), part=0.15, guard=48, patch=24
    )
    assert 0 < split.guard < 48
    assert fits(split.roles, 24).any()


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (20, 400), (30, 30)])
def test_images_too_small_are_named(shape: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=f"{shape[0]} x {shape[1]} low-resolution pixels .* too small"):
        split_blocks(np.ones(shape, bool), np.ones(shape, np.float32), part=0.15, guard=40, patch=24)


def test_what_cannot_be_used_is_neither_learned_from_nor_judged() -> None:
    usable = np.ones((128, 128), bool)
    usable[30:60, :50] = False
    usable[:, 120:] = False
    split = split_blocks(usable, np.ones((128, 128), np.float32), part=0.2, guard=8, patch=16)
    assert not np.isin(split.roles[~usable], (TRAINED_ON, HELD_BACK)).any()


def test_an_image_of_which_nothing_can_be_used_is_named() -> None:
    with pytest.raises(UserError, match="too small"):
        split_blocks(
            np.zeros((128, 128), bool), np.ones((128, 128), np.float32), part=0.15, guard=8, patch=16
        )


def test_whole_frames_are_held_back_with_one_in_between() -> None:
    assert frame_roles(10, 0.2) == [TRAINED_ON] * 7 + [GUARD] + [HELD_BACK] * 2
    assert frame_roles(3, 0.9) == [TRAINED_ON, GUARD, HELD_BACK]


def test_two_frames_are_too_few() -> None:
    with pytest.raises(UserError, match="from 3 frames on; there are 2"):
        frame_roles(2, 0.2)
