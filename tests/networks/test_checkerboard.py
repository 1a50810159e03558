"""No grid lies on what is even: all phases of a sub-pixel convolution answer alike to it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from napari_srgan.models import load_model
from napari_srgan.networks.sub_pixel import direct_tail, remove_checkerboard, staged_tail


def unevenness(answer: Tensor) -> float:
    """How far the pixels in the middle of an answer ``(..., Y, X)`` lie apart, in parts of it."""
    border = answer.shape[-1] // 2 - 3
    middle = answer[..., border:-border, border:-border]
    apart = middle.amax((-2, -1)) - middle.amin((-2, -1))
    return float((apart.max() / answer.abs().max()).detach())


@torch.no_grad()
def random_tail(factor: int, channels: int, staged: bool) -> nn.Sequential:
    torch.manual_seed(0)
    tail = staged_tail(factor, channels, 5, 1) if staged else direct_tail(factor, channels, 5)
    for parameter in tail.parameters():
        parameter.copy_(torch.rand_like(parameter) - 0.4)
    return tail


@given(factor=st.sampled_from([2, 3, 4]), channels=st.sampled_from([1, 3]), staged=st.booleans())
@settings(max_examples=12)
def test_a_tail_answers_evenly_to_what_is_even(factor: int, channels: int, staged: bool) -> None:
    tail = random_tail(factor, channels, staged)
    even = torch.linspace(0.1, 1, 5)[:, None, None].expand(5, 12, 12)
    assert unevenness(tail(even)) > 0.01
    remove_checkerboard(tail)
    assert unevenness(tail(even)) < 1e-6


def test_only_the_sums_of_kernels_change_and_their_mean_stays() -> None:
    tail = random_tail(2, 1, staged=False)
    weight, bias = tail.parameters()
    old_weight, old_bias = weight.detach().clone(), bias.detach().clone()
    remove_checkerboard(tail)
    torch.testing.assert_close(weight.mean(0), old_weight.mean(0))
    torch.testing.assert_close(bias, old_bias.mean().expand(4))

    def shape_of(kernels: Tensor) -> Tensor:
        return kernels - kernels.mean((-2, -1), keepdim=True)

    torch.testing.assert_close(shape_of(weight), shape_of(old_weight))
    once = weight.detach().clone()
    remove_checkerboard(tail)
    torch.testing.assert_close(weight, once)


@pytest.mark.parametrize("name", ["microscopy-x4-gan", "photo-x4-gan"])
def test_sharp_models_that_ship_draw_no_grid(name: str) -> None:
    model = load_model(name)
    side = 2 * (int(model.network.receptive_radius) + 4)
    with torch.inference_mode():
        for value in (0.1, 0.5, 0.9):
            answer = model.network(torch.full((1, model.card.channels, side, side), value))
            assert unevenness(answer) < 1e-3  # the weights are rounded to float16
