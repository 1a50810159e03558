"""Shards cover every pixel once, and coarser ones lie on finer ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.images.writing.pyramid import halve
from napari_srgan.results.shard_layout import Sides, coarser_index, finer_indices, level_layouts

PLANES = st.tuples(st.integers(1, 2), st.integers(1, 90), st.integers(1, 90))
SIDES = st.builds(lambda chunk, times: Sides(chunk, 2 * chunk * times), st.integers(1, 9), st.integers(1, 3))


@given(PLANES, SIDES)
def test_blocks_cover_every_pixel_once(shape: tuple[int, ...], sides: Sides) -> None:
    for level in level_layouts(shape, "ZYX", (0, 1, 2), sides, pyramid=True):
        count = np.zeros(level.shape, int)
        for block in level.blocks():
            count[block.stored] += 1
            assert count[block.stored].shape == block.shape
        assert (count == 1).all()


@given(PLANES, SIDES)
def test_every_level_is_made_from_whole_shards_of_the_finer_one(shape: tuple[int, ...], sides: Sides) -> None:
    levels = level_layouts(shape, "ZYX", (0, 1, 2), sides, pyramid=True)
    assert max(levels[-1].shape[1:]) <= 2 * sides.chunk
    for finer, coarser in pairwise(levels):
        made = []
        for block in coarser.blocks():
            below = [finer.block(index) for index in finer_indices(block, finer, "ZYX")]
            assert {coarser_index(one, coarser, "ZYX") for one in below} == {block.index}
            made += below
        assert sorted(one.index for one in made) == sorted(one.index for one in finer.blocks())


@given(st.integers(8, 5000))
def test_no_tile_lies_in_two_shards(tile: int) -> None:
    sides = Sides.for_tiles(tile)
    assert sides.shard % tile == 0
    assert sides.shard % sides.chunk == 0
    assert sides.shard <= max(3072, 2 * tile)


@pytest.mark.parametrize(
    ("tile", "chunk", "shard"), [(512, 512, 2048), (1024, 512, 2048), (96, 480, 1920), (768, 384, 2304)]
)
def test_sides_of_usual_tiles(tile: int, chunk: int, shard: int) -> None:
    assert Sides.for_tiles(tile) == Sides(chunk, shard)


def test_sides_that_do_not_fit_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="no even multiple"):
        Sides(100, 250)


def test_colours_that_become_channels_share_a_file_but_no_chunk() -> None:
    (level,) = level_layouts((3, 40, 50), "sYX", (2, 0, 1), Sides(16, 32), pyramid=False)
    assert (level.chunks, level.shards) == ((1, 16, 16), (3, 32, 32))
    block = level.block((0, 1, 1))
    assert block.shape == (8, 18, 3)
    assert block.stored == (slice(0, 3), slice(32, 40), slice(32, 50))


@given(
    st.sampled_from(["uint8", "int8", "int16", "uint16", "int64", "uint64", "float32"]),
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(0, 2**32),
)
def test_the_coarser_level_is_the_mean(dtype: str, height: int, width: int, seed: int) -> None:
    kind = np.dtype(dtype)
    draw = np.random.default_rng(seed)
    if kind.kind == "f":
        data = draw.normal(0, 1000, (height, width)).astype(kind)
    else:
        data = draw.integers(np.iinfo(kind).min, np.iinfo(kind).max, (height, width), kind, endpoint=True)
    found = halve(data, (0, 1))
    assert (found.dtype, found.shape) == (kind, (-(-height // 2), -(-width // 2)))
    for y, x in np.ndindex(found.shape):
        part = [v.item() for v in data[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel()]
        if kind.kind == "f":
            assert found[y, x] == pytest.approx(sum(part) / len(part), rel=1e-4, abs=1e-3)
        else:  # rounded to the nearest, halves upwards, without any float
            assert found[y, x] == (2 * sum(part) + len(part)) // (2 * len(part))


def test_nan_does_not_spread_into_coarser_levels() -> None:
    nan, inf = np.nan, np.inf
    data = np.array([[1, nan, nan, nan, inf, 1], [3, 5, nan, nan, 1, nan]], np.float32)
    np.testing.assert_array_equal(halve(data, (0, 1)), np.array([[3, nan, inf]], np.float32))
    assert halve(np.full((2, 2), np.finfo(np.float32).max), (0, 1)) == np.finfo(np.float32).max


def test_halves_of_masks_stay() -> None:
    mask = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], bool)
    np.testing.assert_array_equal(halve(mask, (0, 1)), [[True, False]])
