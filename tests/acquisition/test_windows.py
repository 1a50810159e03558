"""A few windows of an image are read, whatever it is kept in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_srgan.acquisition import look_at
from napari_srgan.acquisition.windows import MOST_WINDOWS, read_windows, window_keys

NOISE = np.random.default_rng(0).poisson(30, (5, 300, 400)).astype(np.uint16)


class Watched:
    """An array of any size that counts what is read of it."""

    dtype = np.dtype(np.uint16)

    def __init__(self, shape: Sequence[int], chunks: Any = None) -> None:
        self.shape = tuple(shape)
        self.chunks = chunks
        self.read: list[tuple[Any, ...]] = []

    def __getitem__(self, key: Any) -> NDArray[np.uint16]:
        self.read.append(key)
        sides = [part.stop - part.start for part in key if isinstance(part, slice)]
        return np.random.default_rng(0).poisson(30, sides).astype(np.uint16)

    @property
    def pixels(self) -> int:
        sides = [[part.stop - part.start for part in key if isinstance(part, slice)] for key in self.read]
        return sum(int(np.prod(each)) for each in sides)


@given(
    shape=st.lists(st.integers(1, 3000), min_size=2, max_size=2),
    lead=st.lists(st.integers(1, 50), max_size=3),
    chunk=st.none() | st.integers(1, 5000),
)
def test_windows_lie_in_the_image_and_are_few(shape: list[int], lead: list[int], chunk: int | None) -> None:
    whole = (*lead, *shape)
    image = Watched(whole, None if chunk is None else (*(1,) * len(lead), chunk, chunk))
    axes = "TZC"[: len(lead)] + "YX"
    keys = list(window_keys(image, axes))
    assert 1 <= len(keys) <= MOST_WINDOWS
    assert len({str(key) for key in keys}) == len(keys)
    for key in keys:
        for part, size in zip(key, whole, strict=True):
            assert 0 <= part < size if isinstance(part, int) else 0 <= part.start < part.stop <= size
    assert sum((key[-2].stop - key[-2].start) * (key[-1].stop - key[-1].start) for key in keys) <= 2**20  # type: ignore[union-attr]


@pytest.mark.parametrize("shape", [(20_000, 20_000), (500, 20, 2, 2048, 2048)])
def test_of_a_large_image_little_is_read(shape: tuple[int, ...]) -> None:
    image = Watched(shape)
    assert look_at(image, "TZCYX"[-len(shape) :]).noisy
    assert image.pixels <= 2 * MOST_WINDOWS * 256**2


def test_of_large_chunks_few_are_computed_and_each_once() -> None:
    computed = []

    def chunk(block: NDArray[Any], block_id: Any = None) -> NDArray[Any]:
        computed.append(block_id)
        return np.tile(NOISE[0, :250, :250], (block.shape[0] // 250, block.shape[1] // 250)).astype(np.int64)

    for side, most in ((1000, 9), (5000, 1)):
        empty = da.zeros((10_000, 10_000), chunks=side, dtype=np.int64)
        image = da.map_blocks(chunk, empty, dtype=np.int64)
        computed.clear()
        assert look_at(image).noisy
        assert 1 <= len([place for place in computed if place]) <= most


@pytest.mark.parametrize("kind", ["dask", "zarr", "xarray", "lazy xarray"])
def test_any_container_gives_the_same(kind: str) -> None:
    image: Any = NOISE
    if "xarray" not in kind:
        lazily = da.from_array(NOISE, chunks=300)
        image = lazily if kind == "dask" else zarr.array(NOISE, chunks=(1, 300, 400))
    else:
        image = xarray.DataArray(NOISE, dims=("t", "y", "x"))
        image = image.chunk() if "lazy" in kind else image
    found = look_at(image, "TYX")
    assert found.noisy
    assert found.photons == pytest.approx(look_at(NOISE, "TYX").photons, rel=0.3)


def test_damaged_parts_are_left_out() -> None:
    class Damaged(Watched):
        def __getitem__(self, key: Any) -> NDArray[np.uint16]:
            if key[-1].start > 500:
                raise OSError("a bad block")
            return super().__getitem__(key)

    assert look_at(Damaged((1000, 1500))).noisy

    def broken(block: NDArray[Any], block_id: Any = None) -> NDArray[Any]:
        if block_id == (0, 0):
            raise OSError("a bad block")
        return np.random.default_rng(0).poisson(30, block.shape)

    image = da.map_blocks(broken, da.zeros((1000, 1000), chunks=500, dtype=np.int64), dtype=np.int64)
    assert look_at(image).noisy


def test_without_a_readable_part_nothing_is_told() -> None:
    class Lost(Watched):
        def __getitem__(self, key: Any) -> NDArray[np.uint16]:
            raise OSError("the server is gone")

    assert "cannot be read" in look_at(Lost((1000, 1000))).unknown


def test_planes_are_spread_over_a_stack() -> None:
    stack = np.zeros((30, 64, 64))
    stack[10:20] = np.random.default_rng(0).random((10, 64, 64))
    assert len(read_windows(stack, "TYX")) > 0
    places = [key[0] for key in window_keys(stack, "TYX")]
    assert sorted(set(places)) == [5, 15, 25]
    assert all(a <= b for a, b in pairwise(places))
