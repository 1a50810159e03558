"""What is measured in small blocks, and in the spectrum, against plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate

from napari_srgan.acquisition.blocks import BLOCK, blocks_of
from napari_srgan.acquisition.spectrum import LEAST_SIDE, Direction, radial_spectrum

SIDES = st.integers(1, 60)


def noise(rows: int, columns: int, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(rows * 100 + columns).standard_normal((rows, columns)).astype(dtype)


@given(
    rows=SIDES,
    columns=SIDES,
    spacing=st.sampled_from([1, 2]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_blocks_are_those_of_immerkaers_mask(rows: int, columns: int, spacing: int, dtype: Any) -> None:
    window = noise(rows, columns, dtype)
    mask = np.zeros((2 * spacing + 1, 2 * spacing + 1))
    mask[::spacing, ::spacing] = np.outer([1, -2, 1], [1, -2, 1])
    squares = correlate(window.astype(np.float64), mask) ** 2 / 36
    level, power = [], []
    for y in range(spacing, rows - spacing - BLOCK + 1, BLOCK):
        for x in range(spacing, columns - spacing - BLOCK + 1, BLOCK):
            block = slice(y, y + BLOCK), slice(x, x + BLOCK)
            level.append(window[block].mean())
            power.append(squares[block].mean())
    found = blocks_of([window], spacing)
    assert found.level.dtype == found.power.dtype == dtype
    np.testing.assert_allclose(found.level, level, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.power, power, rtol=1e-5, atol=1e-6)


def test_blocks_of_several_windows_follow_each_other() -> None:
    windows = [noise(30, 40), noise(5, 50), noise(20, 20)]
    found = blocks_of(windows)
    np.testing.assert_array_equal(found.power, np.concatenate([blocks_of([each]).power for each in windows]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_white_noise_has_its_variance_in_all_rings(dtype: Any) -> None:
    spectrum = radial_spectrum([3 * noise(256, 256, dtype), 3 * noise(200, 300, dtype)])
    assert spectrum is not None
    weight = spectrum.count / spectrum.count.sum()
    assert spectrum.power @ weight == pytest.approx(9, rel=0.02)
    assert spectrum.floor == pytest.approx(9, rel=0.05)


@given(
    shapes=st.lists(st.tuples(st.integers(20, 80), st.integers(20, 80)), min_size=1, max_size=4),
    direction=st.sampled_from(["all", "y", "x"]),
)
def test_the_spectrum_of_windows_is_the_mean_of_theirs(
    shapes: list[tuple[int, int]], direction: Direction
) -> None:
    windows = [noise(*shape) for shape in shapes]
    alone = [each for window in windows if (each := radial_spectrum([window], direction)) is not None]
    together = radial_spectrum([*windows, *windows], direction)
    assert (together is None) == (not alone) == all(min(shape) < LEAST_SIDE for shape in shapes)
    if together is not None:
        assert together.count.sum() == 2 * sum(each.count.sum() for each in alone)
        total = sum(each.power @ each.count for each in alone)
        assert together.power @ together.count == pytest.approx(2 * total)
