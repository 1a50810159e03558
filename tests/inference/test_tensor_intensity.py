"""The arithmetic around the network is the same on tensors as on arrays, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.images.arrays import restore_dtype
from napari_srgan.inference import tensor_intensity
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.tensor_intensity import ToQuantities, all_finite, row_blocks, to_network_range
from napari_srgan.inference.tiles.tile_run import finished_frame, network_input
from napari_srgan.inference.tiles.tiling import Span, TileWindow
from pretended_device import NAME, Device

KINDS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
         "float16", "float32", "float64"]  # fmt: skip
TRANSFORMS = st.builds(
    IntensityTransform,
    offset=st.floats(-1e5, 1e5),
    span=st.one_of(st.just(0.0), st.floats(1e-3, 1e6), st.floats(1e31, 1e38)),
)


def values_of(kind: str) -> Any:
    draw, dtype = np.random.default_rng(1), np.dtype(kind)
    if dtype.kind == "b":
        return draw.random(500) > 0.5
    if dtype.kind == "f":
        return (draw.normal(size=500) * 1000).astype(dtype)
    ends = np.iinfo(dtype)
    return draw.integers(ends.min, ends.max, 500, dtype, endpoint=True)


@given(transform=TRANSFORMS, kind=st.sampled_from(KINDS))
def test_into_the_networks_range(transform: IntensityTransform, kind: str) -> None:
    values = values_of(kind)
    found = to_network_range(torch.from_numpy(values), transform, values.dtype)
    np.testing.assert_array_equal(found.numpy(), transform.apply(values))


@given(transform=TRANSFORMS, kind=st.sampled_from(KINDS))
def test_and_back_to_quantities_and_pixels(transform: IntensityTransform, kind: str) -> None:
    dtype, back = np.dtype(kind), ToQuantities(transform, np.dtype(kind))
    values = (np.random.default_rng(2).random(500) * 3 - 1).astype(np.float32)
    values[:3] = 0.5, 1e38, -1e38
    quantities = transform.invert(values, dtype)
    np.testing.assert_array_equal(back.quantities(torch.from_numpy(values)).numpy(), quantities)
    rounded = back.rounded(torch.from_numpy(values)).to(tensor_intensity.torch_dtype(dtype))
    np.testing.assert_array_equal(rounded.numpy(), restore_dtype(quantities, dtype))


def test_a_device_divides_as_the_cpu_does(pretended_device: Device) -> None:
    """And not by multiplying with a reciprocal, as GPUs do where the divisor is the host's."""
    values, transform = torch.arange(300.0), IntensityTransform(0.0, 3.0)
    there = to_network_range(values.to(NAME), transform, np.dtype("float32"))
    assert pretended_device.up == 1  # the divisor was made there
    np.testing.assert_array_equal(there.cpu().numpy(), (values / 3).numpy())


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_not_finite_is_seen(odd: float) -> None:
    values = torch.zeros(100)
    assert all_finite(values)
    values[71] = odd
    assert not all_finite(values)


def test_finite_values_that_add_up_to_infinity_are_finite() -> None:
    assert all_finite(torch.full((10,), 3e38))


def window(length: int) -> TileWindow:
    return TileWindow(read=Span(0, length), pad=(0, 0), trim=(2, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("colours", [1, 3])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, channels: int, colours: int) -> None:
    shape = (colours, 1) if channels == 1 else (1, 3)
    answer = torch.rand(*shape, 60, 58)
    results = []
    for block in (1, 2**20):
        monkeypatch.setattr(tensor_intensity, "VALUES_A_THREAD", block)
        frame = finished_frame(
            answer, (window(30), window(29)), IntensityTransform(3, 200), 2, colours, np.dtype("u1"), True
        )
        results.append(frame.numpy())
    assert results[0].shape == (50, 48, colours)
    np.testing.assert_array_equal(*results)


def test_rows_are_all_taken_once() -> None:
    rows = [number for block in row_blocks(101, 2**13, torch.device("cpu")) for number in range(101)[block]]
    assert rows == list(range(101))


def test_a_model_for_colours_sees_gray_three_times() -> None:
    raw = torch.arange(12, dtype=torch.uint8).reshape(1, 3, 4, 1)
    low = network_input(raw, (IntensityTransform(0, 2),), 3, np.dtype("u1"))
    assert low.shape == (1, 1, 3, 3, 4)
    assert all((low[0, 0, k] == raw[0, ..., 0] / 2).all() for k in range(3))
