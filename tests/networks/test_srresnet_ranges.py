"""Ranges and activations that other implementations of SRResNet have."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from napari_srgan.networks.srresnet import IMAGENET, SRResNet, SRResNetArguments

SMALL: dict[str, Any] = {"blocks": 2, "width": 8, "kernel": 3, "normalisation": "none"}


def pair(**arguments: Any) -> tuple[SRResNet, SRResNet]:
    """The same weights without and with some arguments."""
    torch.manual_seed(0)
    plain, other = (
        SRResNet(SRResNetArguments(2, 3, **SMALL)).eval(),
        SRResNet(SRResNetArguments(2, 3, **SMALL, **arguments)).eval(),
    )
    other.load_state_dict(plain.state_dict())
    return plain, other


def test_an_imagenet_range_is_entered_and_left_by_colour() -> None:
    plain, other = pair(input_range="imagenet", output_range="imagenet")
    mean, deviation = (torch.tensor(each)[:, None, None] for each in IMAGENET)
    low = torch.rand(2, 3, 9, 7)
    expected = plain((low - mean) / deviation) * deviation + mean
    assert torch.allclose(other(low), expected, atol=1e-6)


def test_a_signed_range_with_a_tanh() -> None:
    plain, other = pair(input_range="signed", output_range="signed", output="tanh")
    low = torch.rand(1, 3, 8, 8)
    assert torch.allclose(other(low), (plain(2 * low - 1).tanh() + 1) / 2, atol=1e-6)


def test_imagenet_has_three_colours() -> None:
    with pytest.raises(ValueError, match="3 channels, not of 1"):
        SRResNet(SRResNetArguments(2, 1, **SMALL, input_range="imagenet"))


def test_swish_is_an_activation_without_weights() -> None:
    network = SRResNet(SRResNetArguments(2, 1, **SMALL, activation="silu"))
    assert {type(m).__name__ for m in network.modules()} & {"PReLU", "ReLU", "SiLU"} == {"SiLU"}
    assert not any("tail.2" in name for name in network.state_dict())
    assert network(torch.rand(1, 1, 8, 8)).shape == (1, 1, 16, 16)
