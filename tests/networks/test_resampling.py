"""Bicubic resampling against an independent implementation, and its properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_srgan.networks import bicubic_downsample, bicubic_upsample

PLANE = np.random.default_rng(0).random((48, 60)).astype(np.float32) * 255
RIM = 3


def by_pillow(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pillow's bicubic is Keys with a = -1/2, antialiased; only its border differs."""
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_downsampling_is_antialiased_keys(factor: int) -> None:
    low = bicubic_downsample(torch.from_numpy(PLANE)[None, None], factor)[0, 0].numpy()
    expected = by_pillow(PLANE, 48 // factor, 60 // factor)
    inside = (slice(RIM, -RIM), slice(RIM, -RIM))
    np.testing.assert_allclose(low[inside], expected[inside], atol=1e-3)


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_upsampling_is_keys(factor: int) -> None:
    high = bicubic_upsample(torch.from_numpy(PLANE)[None, None], factor)[0, 0].numpy()
    expected = by_pillow(PLANE, 48 * factor, 60 * factor)
    inside = (slice(RIM * factor, -RIM * factor), slice(RIM * factor, -RIM * factor))
    np.testing.assert_allclose(high[inside], expected[inside], atol=1e-2)


@given(
    factor=st.sampled_from([1, 2, 3, 4, 8]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    value=st.floats(-1e4, 1e4),
)
def test_constants_stay_constant(factor: int, height: int, width: int, value: float) -> None:
    plane = torch.full((1, 2, height, width), value, dtype=torch.float64)
    large = bicubic_upsample(plane, factor)
    assert large.shape == (1, 2, height * factor, width * factor)
    torch.testing.assert_close(large, torch.full_like(large, value))
    torch.testing.assert_close(bicubic_downsample(large, factor), plane)


@given(factor=st.sampled_from([2, 3, 4]), turns=st.integers(1, 3))
def test_turning_the_image_turns_the_result(factor: int, turns: int) -> None:
    plane = torch.from_numpy(PLANE[:24, :24]).double()[None, None]
    for resample in (bicubic_upsample, bicubic_downsample):
        turned = resample(plane.rot90(turns, (2, 3)), factor)
        torch.testing.assert_close(turned, resample(plane, factor).rot90(turns, (2, 3)))


def test_integers_are_rounded_and_clipped_after_each_axis() -> None:
    image = torch.from_numpy(np.where(PLANE > 128, 255.0, 0.0))[None, None]
    low = bicubic_downsample(image, 2, integers=(0, 255))
    assert torch.equal(low, low.round())
    turned = bicubic_downsample(image.mT, 2, integers=(0, 255)).mT
    exact = bicubic_downsample(image, 2)
    assert (low - exact).abs().max() > 1  # overshoot is lost between the axes
    assert not torch.equal(low, turned)  # rows come first


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="10 x 12 pixels cannot be divided by 4"):
        bicubic_downsample(torch.zeros(1, 1, 10, 12), 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("resample", [bicubic_upsample, bicubic_downsample])
def test_an_upscaling_before_a_training_leaves_it_its_gradients(resample: Any, dtype: torch.dtype) -> None:
    """What is kept from one run to the next is no tensor of inference mode."""
    factor = 6 if dtype is torch.float32 else 7  # used in no other test of this process
    with torch.inference_mode():
        resample(torch.zeros(1, 1, 42, 42, dtype=dtype), factor)
    plane = torch.ones(1, 1, 42, 42, dtype=dtype, requires_grad=True)
    resample(plane, factor).sum().backward()
    assert plane.grad is not None
