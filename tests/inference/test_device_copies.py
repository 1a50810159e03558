"""Tiles that are copied while others are computed are what they are on the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from napari_srgan.inference.engine import Engine


def tiles(count: int) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [draw.random((1, 1, 64 + 3 * n, 96 - 2 * n), np.float32) for n in range(count)]


def test_threads_share_an_engine(tiny_model: Any) -> None:
    alone, shared = (Engine(tiny_model(), "cpu", "float32") for _ in range(2))
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(shared.run, tiles(9)))
    for low, high in zip(tiles(9), found, strict=True):
        np.testing.assert_array_equal(high, alone.run(low))


@pytest.mark.gpu
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("auto", 0.05)])
def test_threads_get_their_own_tiles_from_a_device(tiny_model: Any, precision: str, tolerance: float) -> None:
    """Three at once, of different sizes, again and again, so that buffers are used anew."""
    model = tiny_model(width=64)
    cpu, device = Engine(model, "cpu", "float32"), Engine(model, "cuda", precision)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(device.run, tiles(9) * 5))
    for low, high in zip(tiles(9) * 5, found, strict=True):
        np.testing.assert_allclose(high, cpu.run(low), atol=tolerance)


@pytest.mark.gpu
def test_a_result_is_the_callers_own(tiny_model: Any) -> None:
    """Not a buffer that the next tile is written to."""
    engine = Engine(tiny_model(), "cuda", "float32")
    first = engine.run(tiles(1)[0])
    kept = first.copy()
    engine.run(tiles(1)[0] + 1)
    np.testing.assert_array_equal(first, kept)
