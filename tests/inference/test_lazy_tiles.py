"""Tiles that are wanted by several threads, stopped, forgotten, or too large for memory."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import make_tiny_model

from napari_srgan.errors import UserError
from napari_srgan.inference.devices import memory
from napari_srgan.inference.devices.cancellation import Cancelled, Watch
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles import cache as tile_cache
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.tiles.cache import TileCache, cache_budget
from upscalings import eager, image, lazy

Forward = Callable[[Engine, Any, Any], Any]


def replace_forward(monkeypatch: pytest.MonkeyPatch, before: Callable[[Any], None]) -> None:
    """Do something with what goes into the network, before it does."""
    forward = NetworkRunner._forward

    def watched(self: NetworkRunner, network: Any, low: Any) -> Any:
        before(low)
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", watched)


# --- Threads -----------------------------------------------------------------------------


@pytest.mark.parametrize("normalisation", ["none", "instance"])
def test_threads_share_what_they_all_want(monkeypatch: pytest.MonkeyPatch, normalisation: str) -> None:
    runs: list[Any] = []
    replace_forward(monkeypatch, lambda low: (runs.append(low.shape), time.sleep(0.01)))
    network, array = make_tiny_model(normalisation=normalisation), image(2, 60, 60)
    result = lazy(array, network, tile=32)
    with ThreadPoolExecutor(8) as threads:
        wholes = list(threads.map(lambda _: result[...], range(8)))
    shared = len(runs)
    runs.clear()
    alone = lazy(array, network, tile=32)[...]
    assert shared == len(runs)
    assert all(np.array_equal(whole, alone) for whole in wholes)


def test_a_thread_that_fails_leaves_the_tile_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def first_fails(low: Any) -> None:
        calls.append(0)
        time.sleep(0.1)
        if len(calls) == 1:
            raise OSError("the store is gone")

    replace_forward(monkeypatch, first_fails)
    array = image(30, 30)
    result = lazy(array, make_tiny_model(), tile=32)
    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(result.__getitem__, ...) for _ in range(3)]
        errors = [future.exception() for future in futures]
    assert sum(isinstance(error, OSError) for error in errors) == 1
    assert errors.count(None) == 2


def test_one_stops_while_another_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a tile of another thread is stopped at once; the other one is not."""
    inside, go_on = threading.Event(), threading.Event()
    replace_forward(monkeypatch, lambda _: (inside.set(), go_on.wait(10)))
    result, watch = lazy(image(30, 30), make_tiny_model(), tile=32), Watch()
    place = result.missing(...)[0]
    with ThreadPoolExecutor(2) as threads:
        works = threads.submit(result.compute, place)
        assert inside.wait(10)
        waits = threads.submit(result.compute, place, watch)
        watch.cancel()
        assert isinstance(waits.exception(timeout=10), Cancelled)
        go_on.set()
        works.result()
    assert result.missing(...) == []


def test_cancelling_stops_inside_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    result, watch = lazy(image(60, 60), make_tiny_model(), tile=32), Watch()
    replace_forward(monkeypatch, lambda _: watch.cancel())
    with pytest.raises(Cancelled):
        result.compute(result.missing(...)[0], watch)
    assert watch.layers == 1
    assert len(result.missing(...)) == 4


# --- The cache ---------------------------------------------------------------------------


def test_tiles_used_longest_ago_go_first() -> None:
    result = lazy(image(16, 64), make_tiny_model(), tile=16, cache=3 * 32 * 32 * 4)
    for column in (0, 1, 2, 0, 3):
        result[0, column * 32]
    assert [place.column for place in result.missing(...)] == [1]
    assert result.peek((0, 0))[1]


def test_the_budget_holds_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """What neighbours predicted, and the statistics of planes, too."""
    monkeypatch.setattr(cross_fade, "MOST_HALO", 3)
    network = make_tiny_model(blocks=4, normalisation="instance")
    result = lazy(image(3, 90, 90), network, tile=16, cache=50_000)
    result[...]
    cache = result._tiles.cache
    assert 25_000 < cache.filled <= 50_000
    assert cache.filled == sum(size for _, size in cache._kept.values())


def test_what_neighbours_may_still_want_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """And suffices: every tile is predicted once."""
    monkeypatch.setattr(cross_fade, "MOST_HALO", 3)
    runs: list[Any] = []
    replace_forward(monkeypatch, runs.append)
    result = lazy(image(300, 300), make_tiny_model(blocks=4), tile=100)
    result[...]
    assert len(runs) == 9
    assert result._tiles.cache.filled < 1.5 * 4 * 600**2


@pytest.mark.parametrize(("free", "budget"), [(2**40, 2**32), (2**33, 2**30), (2**20, 2**28)])
def test_a_budget_is_a_share_of_the_free_memory(
    monkeypatch: pytest.MonkeyPatch, free: int, budget: int
) -> None:
    monkeypatch.setattr(tile_cache.psutil, "virtual_memory", lambda: type("Memory", (), {"available": free}))
    assert cache_budget(None) == budget
    assert cache_budget(12345) == 12345


def test_what_is_computed_while_all_is_forgotten_is_not_kept() -> None:
    cache = TileCache(100)

    def compute() -> str:
        cache.clear()
        return "late"

    assert cache.get("key", compute, lambda _: 10) == "late"
    assert "key" not in cache
    assert cache.filled == 0
    assert cache.get("key", lambda: "again", lambda _: 10) == "again"
    assert cache.peek("key") == "again"


def test_forgetting_frees_tiles_and_network_and_all_works_again() -> None:
    array, network = image(60, 60), make_tiny_model(normalisation="instance")
    result = lazy(array, network, tile=32)
    before = result[...]
    on_device = weakref.ref(result._work.engine.network)
    told = result.provenance
    result.forget()
    gc.collect()
    assert on_device() is None
    assert result._tiles.cache.filled == 0
    assert len(result.missing(...)) == 4
    assert result.provenance == told
    np.testing.assert_array_equal(result[...], before)


def test_a_dask_array_in_use_survives_forgetting() -> None:
    result = lazy(image(60, 60), make_tiny_model(), tile=32)
    array = result.dask()
    before = array.compute()
    result.forget()
    np.testing.assert_array_equal(array.compute(), before)


# --- Too little memory ---------------------------------------------------------------------


def limit(monkeypatch: pytest.MonkeyPatch, most_pixels: int) -> list[int]:
    """A device that refuses large tiles; returns the sizes it was asked for."""
    asked: list[int] = []

    def refuse(low: Any) -> None:
        asked.append(low.shape[2] * low.shape[3])
        if asked[-1] > most_pixels:
            raise torch.OutOfMemoryError("out of memory")

    replace_forward(monkeypatch, refuse)
    return asked


def test_a_tile_that_does_not_fit_is_computed_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    array = image(130, 110)
    expected = eager(array, make_tiny_model(), tile=64).data
    asked = limit(monkeypatch, 70 * 70)
    result = lazy(array, make_tiny_model(), tile=64)
    np.testing.assert_allclose(result[...], expected, atol=1e-3)
    # Learned once: tiles after it are cut at once.
    assert sum(size > 70 * 70 for size in asked) == 1
    np.testing.assert_array_equal(result[30:90, 50:70], result[...][30:90, 50:70])


def test_halves_fade_into_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_fade, "MOST_HALO", 3)
    network, array = make_tiny_model(blocks=4), image(130, 110)
    expected = eager(array, network, tile=1000).data
    limit(monkeypatch, 50 * 50)
    result = lazy(array, network, tile=64)[...]
    assert np.isfinite(result).all()
    assert np.sqrt(np.mean((result - expected) ** 2)) < 0.05 * 200


def test_a_sample_that_does_not_fit_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    network, array = make_tiny_model(normalisation="instance"), image(200, 150)
    monkeypatch.setattr(memory, "GATHERING_BUDGET", 2**40)
    limit(monkeypatch, 100 * 100)
    result = lazy(array, network, tile=32)
    assert np.isfinite(result[...]).all()
    assert result.provenance["statistics"].endswith("% of the plane")


def test_no_memory_for_the_smallest_tile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, 100)
    with pytest.raises(UserError, match="does not fit into the memory of cpu"):
        lazy(image(60, 60), make_tiny_model(), tile=32)[0]
