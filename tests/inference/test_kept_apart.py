"""What is kept apart from the heap has the same values, its own pages, and gives them back."""

from __future__ import annotations

import gc

import numpy as np
import psutil
import pytest

from napari_srgan.images.reading.own_pages import LEAST, copy_to_own_pages


@pytest.mark.parametrize("dtype", [np.uint8, ">u2", np.float32, np.complex64])
def test_values_shape_and_dtype_are_the_same(dtype: str) -> None:
    wide = np.random.default_rng(0).integers(0, 200, (3, 700, 800)).astype(dtype)
    view = wide[:, ::2, 5:]
    apart = copy_to_own_pages(view)
    assert (apart.shape, apart.dtype) == (view.shape, view.dtype)
    np.testing.assert_array_equal(apart, view)
    apart[:] = 1
    assert (wide != 1).any()


def test_what_is_small_or_empty_is_left_as_it_is() -> None:
    for array in (np.zeros((0, 5)), np.zeros(LEAST - 1, np.uint8)):
        assert copy_to_own_pages(array) is array


def test_memory_goes_back_to_the_system() -> None:
    process = psutil.Process()
    kept = [copy_to_own_pages(np.ones(2**20, np.uint8)) for _ in range(100)]
    full = process.memory_info().rss
    del kept[::2]
    gc.collect()
    assert full - process.memory_info().rss > 40 * 2**20
    assert all(apart.all() for apart in kept)
