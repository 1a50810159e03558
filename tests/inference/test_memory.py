"""What a tile costs is measured."""

from __future__ import annotations

from typing import Any

import pytest

from napari_srgan.inference.devices.memory import TileCost, measure_cost, most_pixels
from napari_srgan.inference.engine import Engine
from pretended_device import NAME, Device


def test_cost_grows_with_the_width_of_the_network_and_shrinks_with_precision(tiny_model: Any) -> None:
    narrow, wide = (
        measure_cost(Engine(tiny_model(width=width, activation="relu"), "cpu", "float32")).per_pixel
        for width in (16, 64)
    )
    half = measure_cost(Engine(tiny_model(width=64, activation="relu"), "cpu", "bfloat16")).per_pixel
    assert 2.5 < wide / narrow < 4.5
    assert 0.4 < half / wide < 0.7
    # Features before, inside and after a block, and the head's for the skip.
    assert 3 * 64 * 4 < wide < 6 * 64 * 4


def test_what_a_tile_costs_is_the_same_before_and_after_the_network_is_used(tiny_model: Any) -> None:
    engine = Engine(tiny_model(width=64, activation="relu"), "cpu", "float32")
    assert measure_cost(engine) == measure_cost(engine)


def test_the_largest_tile_fits_its_budget() -> None:
    cost = TileCost(fixed=1000, per_pixel=100)
    assert cost.largest_tile(1e6) * 100 + 1000 <= 1e6
    assert cost.largest_tile(10) == 1


@pytest.mark.parametrize("wide", [64, 4096])
def test_no_tensor_of_a_tile_has_more_elements_than_32_bits_count(
    pretended_device: Device, tiny_model: Any, wide: int
) -> None:
    """However much memory a device has; and its result, of which the host holds copies, is no larger."""
    pretended_device.total = 2**45
    engine = Engine(tiny_model(), NAME, "float32")
    pixels = most_pixels(engine, 1, TileCost(fixed=0, per_pixel=wide * 4))
    assert pixels * wide < 2**31
    assert 2**20 < pixels * 4 <= 2**24 or wide == 4096


@pytest.mark.gpu
def test_cuda_memory_is_what_the_device_says(tiny_model: Any) -> None:
    cost = measure_cost(Engine(tiny_model(width=64), "cuda", "float32"))
    assert cost.per_pixel > 3 * 64 * 4
