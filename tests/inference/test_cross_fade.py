"""Networks that see farther than the largest halo: their tiles fade into each other."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_tiny_model

from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.tiles.cross_fade import CrossFade
from napari_srgan.inference.tiles.tiling import Span, Tile, plan_tiles
from napari_srgan.models import Model
from napari_srgan.progress import Job
from upscalings import array_job, zarr_job

RANDOM = np.random.default_rng(0)


@pytest.fixture
def short_halo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of the tests are deep beside this."""
    monkeypatch.setattr(cross_fade, "MOST_HALO", 3)


def finish(job: Job[Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def run_job(array: Any, model: Model, **options: Any) -> Upscaled:
    options = {"device": "cpu", "precision": "float32"} | options
    result: Upscaled = finish(array_job(array, model, **options))
    return result


def run(array: Any, model: Model, **options: Any) -> Any:
    return run_job(array, model, **options).data


def image(*shape: int, dtype: Any = np.float32) -> Any:
    return (RANDOM.random(shape) * 200).astype(dtype)


def place(height: int, width: int) -> Tile:
    return Tile(Span(5, 5 + height), Span(9, 9 + width))


def cut_at_random(tile: Tile, data: st.DataObject) -> list[Tile]:
    """As tiles are cut that run out of memory: anyhow, and down to any size."""
    if max(len(tile.y), len(tile.x)) <= 4 or data.draw(st.integers(0, 3)) == 0:
        return [tile]
    return [part for half in tile.halves() for part in cut_at_random(half, data)]


# --- Blending ---------------------------------------------------------------------------


@settings(max_examples=60)
@given(data=st.data(), height=st.integers(1, 70), width=st.integers(1, 70), factor=st.sampled_from([1, 2, 3]))
def test_tiles_that_agree_are_what_they_agree_on(
    data: st.DataObject, height: int, width: int, factor: int
) -> None:
    """However a plane is cut, and in whatever order tiles come."""
    whole = place(height, width)
    exact = RANDOM.random((height * factor, width * factor, 2))
    tiles = data.draw(st.permutations(cut_at_random(whole, data)))
    fade, result = CrossFade(whole, factor), np.full_like(exact, np.nan)
    queue = deque(tiles)
    while queue:
        tile = queue.popleft()
        reach = fade.reach(tile)
        y = slice((reach.y.start - 5) * factor, (reach.y.stop - 5) * factor)
        x = slice((reach.x.start - 9) * factor, (reach.x.stop - 9) * factor)
        result[y, x] = fade.blend(tile, exact[y, x].copy())
    np.testing.assert_allclose(result, exact, atol=1e-12)
    assert not fade._kept


@settings(max_examples=30)
@given(data=st.data(), height=st.integers(1, 60), width=st.integers(1, 60))
def test_the_order_of_tiles_does_not_change_a_bit(data: st.DataObject, height: int, width: int) -> None:
    whole, results = place(height, width), []
    tiles = cut_at_random(whole, data)
    fields = {tile: RANDOM.random((2 * height, 2 * width, 1)).astype(np.float32) for tile in tiles}
    for order in (tiles, data.draw(st.permutations(tiles))):
        fade, result = CrossFade(whole, 2), np.zeros((2 * height, 2 * width, 1), np.float32)
        for tile in order:
            y, x = cross_fade.inside(fade.reach(tile), whole, 2)
            result[y, x] = fade.blend(tile, fields[tile][y, x].copy())
        results.append(result)
    np.testing.assert_array_equal(*results)


def test_no_step_is_left_where_tiles_disagree() -> None:
    """Four tiles of 0, 1, 2 and 3: the result goes from one to the other evenly."""
    whole, factor = place(40, 40), 2
    tiles = plan_tiles(whole, 0, side=20)
    fade, result = CrossFade(whole, factor), np.zeros((80, 80, 1))
    for number, tile in enumerate(tiles):
        reach = fade.reach(tile)
        y = slice((reach.y.start - 5) * factor, (reach.y.stop - 5) * factor)
        x = slice((reach.x.start - 9) * factor, (reach.x.stop - 9) * factor)
        values = np.full((y.stop - y.start, x.stop - x.start, 1), float(number))
        result[y, x] = fade.blend(tile, values)
    ramp = 2 * cross_fade.REACH * factor
    steps = [np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)]
    assert steps == pytest.approx([2 / ramp, 1 / ramp])
    assert (result[: 40 - ramp // 2, : 40 - ramp // 2] == 0).all()
    assert (result[40 + ramp // 2 :, 40 + ramp // 2 :] == 3).all()


def test_what_is_kept_of_a_large_plane_is_a_row_of_tiles() -> None:
    whole = place(1600, 160)
    tiles = plan_tiles(whole, 0, side=16)
    fade, most = CrossFade(whole, 1), 0
    for tile in tiles:
        reach = fade.reach(tile)
        fade.blend(tile, np.zeros((len(reach.y), len(reach.x), 1), np.float32))
        most = max(most, len(fade._kept))
    assert most <= 160 / 16 + 2


def test_a_tile_is_looked_at_by_its_neighbours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are still to come: ten times the rows are ten times the work."""
    looks: list[int] = []
    within = Span.within
    monkeypatch.setattr(Span, "within", lambda self, outer: looks.append(1) or within(self, outer))

    def work(rows: int) -> int:
        whole = place(16 * rows, 64)
        fade = CrossFade(whole, 1)
        looks.clear()
        for tile in plan_tiles(whole, 0, side=16):
            reach = fade.reach(tile)
            fade.blend(tile, np.zeros((len(reach.y), len(reach.x), 1), np.float32))
        return len(looks)

    assert work(100) < 11 * work(10)


# --- In a job ----------------------------------------------------------------------------


@pytest.mark.usefixtures("short_halo")
@settings(max_examples=15)
@given(height=st.integers(1, 90), width=st.integers(1, 90), tile=st.integers(16, 100))
def test_the_result_is_near_the_untiled_one(height: int, width: int, tile: int) -> None:
    model, array = make_tiny_model(blocks=3), image(height, width)
    tiled, whole = run(array, model, tile=tile), run(array, model, tile=1000)
    assert np.sqrt(np.mean((tiled - whole) ** 2)) < 0.05 * 200


@pytest.mark.usefixtures("short_halo")
def test_steps_between_tiles_are_no_larger_than_inside_them() -> None:
    """Of the error, so that the image's own steps do not count."""
    model, array = make_tiny_model(blocks=4), image(96, 96)
    error = run(array, model, tile=32) - run(array, model, tile=1000)
    steps = np.abs(np.diff(error, axis=1)).mean(axis=0)
    seams = steps[[63, 127]]
    # Inside the cross-fade, but not on the cut.
    around = np.concatenate([steps[63 - 6 : 63 - 1], steps[63 + 2 : 63 + 7]])
    assert seams.max() < 2 * around.max()
    assert np.abs(error).max() > 1e-3


def test_deep_networks_are_cut_short_and_say_so() -> None:
    model, array = make_tiny_model(blocks=40), image(70, 60)
    result = run_job(array, model, tile=32)
    assert result.provenance["halo"] == "48 of 83 pixels, cross-faded"
    np.testing.assert_allclose(result.data, run(array, model, tile=1000), atol=1e-3)
    assert "halo" not in run_job(array, make_tiny_model()).provenance


def test_halos_are_told_where_they_counted() -> None:
    model, array = make_tiny_model(blocks=40), image(60, 50)
    assert "halo" not in run_job(array, model).provenance
    assert "halo" in run_job(array, model, region=((0, 30), (0, 50))).provenance


@pytest.mark.usefixtures("short_halo")
def test_a_region_is_a_part_of_the_whole() -> None:
    model, array = make_tiny_model(), image(90, 80)
    whole = run(array, model, tile=1000)
    part = run(array, model, region=((20, 51), (3, 80)), tile=16)
    assert np.sqrt(np.mean((part - whole[40:102, 6:160]) ** 2)) < 0.05 * 200


@pytest.mark.usefixtures("short_halo")
def test_nan_and_infinity_stay_where_they_were() -> None:
    array = image(64, 64)
    array[28:34, 28:34], array[5, 31], array[31, 60] = np.nan, np.inf, -np.inf
    result = run(array, make_tiny_model(), tile=16)
    large = array.repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(large))
    np.testing.assert_array_equal(result[~np.isfinite(large)], large[~np.isfinite(large)])


@pytest.mark.usefixtures("short_halo")
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float64, bool])
def test_types_and_constants_are_kept(dtype: Any) -> None:
    array = np.full((50, 50), 1 if dtype is bool else 77, dtype)
    result = run(array, make_tiny_model(), tile=16)
    assert result.dtype == array.dtype
    np.testing.assert_array_equal(result, np.full((100, 100), array[0, 0]))


@pytest.mark.usefixtures("short_halo")
def test_results_are_rounded_once(tmp_path: Path) -> None:
    model, array = make_tiny_model(channels=3, intensity="byte"), image(60, 50, 3, dtype=np.uint8)
    floats = run(array.astype(np.float32) / 255, make_tiny_model(channels=3), tile=16)
    assert np.isfinite(floats).all()
    out, options = tmp_path / "out.zarr", {"axes": "YXS", "tile": 16, "device": "cpu", "precision": "float32"}
    finish(zarr_job(array, model, out, **options))
    np.testing.assert_array_equal(open_finished_store(out)[:], run(array, model, tile=16))


@pytest.mark.usefixtures("short_halo")
def test_out_of_memory_halves_tiles_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = make_tiny_model(), image(2, 130, 110)
    expected = run(array, model, tile=1000)
    forward, calls = NetworkRunner._forward, []

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        calls.append(low.shape)
        if len(calls) == 4 or low.shape[2] * low.shape[3] > 80 * 80:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    result = run(array, model, tile=64)
    assert np.isfinite(result).all()
    assert np.sqrt(np.mean((result - expected) ** 2)) < 0.05 * 200
