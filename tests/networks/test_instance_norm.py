"""Our layer is torch's, with statistics that are always float32 and can be taken from elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_srgan.networks.instance_norm import (
    Complete,
    Gathered,
    Gathering,
    InstanceNorm2d,
    adopt_instance_norms,
    moments_from,
    normalises_over_image,
)


def pair() -> tuple[InstanceNorm2d, nn.InstanceNorm2d]:
    """Ours and torch's, of the same random weights."""
    torch.manual_seed(0)
    ours, theirs = InstanceNorm2d(8), nn.InstanceNorm2d(8, affine=True)
    nn.init.normal_(ours.weight)
    nn.init.normal_(ours.bias)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def features() -> torch.Tensor:
    return torch.randn(2, 8, 17, 19, generator=torch.Generator().manual_seed(1)) * 3 + 2


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_it_computes_and_learns_what_torch_does(memory_format: torch.memory_format) -> None:
    gradients = []
    for layer in pair():
        low = features().to(memory_format=memory_format).requires_grad_()
        result = layer(low)
        result.square().sin().sum().backward()
        gradients.append((result, low.grad, layer.weight.grad, layer.bias.grad))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(pair()[0](features()), gradients[0][0], atol=1e-5, rtol=1e-5)


def test_statistics_are_float32_under_autocast() -> None:
    layer, convolution = pair()[0], nn.Conv2d(8, 8, 3)
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(convolution(features()))
    assert result.dtype == torch.bfloat16
    assert result.float().sub(layer.bias[:, None, None]).mean((2, 3)).abs().max() < 0.01
    result.float().square().mean().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


def test_float16_values_whose_squares_are_too_large() -> None:
    layer = InstanceNorm2d(8).half()
    assert torch.isfinite(layer((features() * 2000).half())).all()


def test_the_features_that_come_in_are_left_as_they_were() -> None:
    low = features()
    with torch.inference_mode():
        pair()[0](low)
    torch.testing.assert_close(low, features())


def test_what_was_gathered_from_windows_is_what_the_whole_has() -> None:
    network = nn.Sequential(pair()[0], nn.ReLU(), pair()[0])
    low = features()
    windows = torch.cat([low[..., :10], low[..., 9:]])
    gathering = Gathering(2, 170, margin=0)
    with moments_from(gathering, network):
        network(windows)
    exact = torch.cat([low[..., :10], low[..., 9:]], dim=3)
    whole = Gathering(1, 340)
    with moments_from(whole, network):
        network(exact)
    for got, expected in zip(gathering.kept, whole.kept, strict=True):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    with moments_from(Gathered(whole.kept), network):
        part = network(exact[..., 3:9])
    torch.testing.assert_close(part, network(exact)[..., 3:9], atol=1e-5, rtol=1e-5)


def test_margins_do_not_count_and_grow_with_the_features() -> None:
    layer = InstanceNorm2d(8)
    for scale in (1, 2):
        low = features()[..., :12, :14].repeat_interleave(scale, 2).repeat_interleave(scale, 3)
        gathering = Gathering(1, 12 * 14, margin=3)
        with moments_from(gathering, layer):
            layer(low)
        inner = features()[..., 3:9, 3:11]
        torch.testing.assert_close(gathering.kept[0][0][..., 0, 0], inner.mean((2, 3)))


def test_a_run_ends_where_nothing_is_left_to_gather() -> None:
    network = nn.Sequential(InstanceNorm2d(8), nn.Conv2d(8, 1, 3))
    with moments_from(Gathering(1, 17 * 19, stop_after=1), network), pytest.raises(Complete):
        network(features())
    assert network(features()).shape == (2, 1, 15, 17)


@pytest.mark.parametrize("affine", [True, False])
def test_torchs_own_layers_are_taken_over(affine: bool) -> None:
    network = nn.Sequential(nn.Sequential(nn.InstanceNorm2d(8, affine=affine)), nn.ReLU()).eval()
    if affine:
        nn.init.normal_(network[0][0].weight)
    expected = network(features())
    assert normalises_over_image(network)
    adopt_instance_norms(network)
    assert isinstance(network[0][0], InstanceNorm2d)
    torch.testing.assert_close(network(features()), expected, atol=1e-5, rtol=1e-5)


def test_layers_with_statistics_of_their_training_are_left() -> None:
    network = nn.Sequential(nn.InstanceNorm2d(8, track_running_stats=True))
    adopt_instance_norms(network)
    assert not normalises_over_image(network)
    assert isinstance(network[0], nn.InstanceNorm2d)
