"""The generator of Ledig et al. 2017 and its options."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from napari_srgan.networks import bicubic_upsample, build_network
from napari_srgan.networks.srresnet import ResidualBlock, SRResNet, SRResNetArguments

SMALL: dict[str, Any] = {"blocks": 2, "width": 8, "channels": 1}


def test_the_defaults_are_the_papers() -> None:
    network = SRResNet(SRResNetArguments())
    blocks = [m for m in network.modules() if isinstance(m, ResidualBlock)]
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(blocks) == 16
    assert convolutions[0].kernel_size == convolutions[-1].kernel_size == (9, 9)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 2 * 16 + 1
    # One after the first convolution, one in each block, one after each sub-pixel stage.
    assert sum(isinstance(m, nn.PReLU) for m in network.modules()) == 1 + 16 + 2
    assert sum(isinstance(m, nn.PixelShuffle) for m in network.modules()) == 2
    assert network.receptive_radius == 40


@pytest.mark.parametrize("upsampling", ["staged", "direct"])
@pytest.mark.parametrize("factor", [1, 2, 3, 4, 8])
def test_shapes(factor: int, upsampling: Any) -> None:
    network = SRResNet(SRResNetArguments(factor, 5, blocks=1, width=8, upsampling=upsampling)).eval()
    assert network(torch.rand(2, 5, 7, 6)).shape == (2, 5, 7 * factor, 6 * factor)


@pytest.mark.parametrize("upsampling", ["staged", "direct"])
@pytest.mark.parametrize(
    ("factor", "projected"),
    [(1, False), *((factor, on) for factor in (2, 3, 4) for on in (False, True, "brightness"))],
)
def test_an_output_depends_on_no_more_than_the_receptive_radius(
    factor: int, upsampling: Any, projected: Any
) -> None:
    torch.manual_seed(0)
    network = SRResNet(
        SRResNetArguments(
            factor, **SMALL, kernel=5, normalisation="none", upsampling=upsampling, back_projection=projected
        )
    )
    network = network.double().eval()
    radius = network.receptive_radius
    side = 2 * radius + 7
    low = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    middle = side // 2
    own = slice(middle * factor, (middle + 1) * factor)
    network(low)[0, 0, own, own].sum().backward()
    assert low.grad is not None
    reached = (low.grad[0, 0] != 0).nonzero() - middle
    assert radius - int(bool(projected)) <= reached.abs().max() <= radius


def test_with_an_interpolated_skip_training_starts_from_bicubic() -> None:
    low = torch.rand(1, 1, 9, 8)
    network = SRResNet(SRResNetArguments(4, **SMALL, interpolated_skip=True)).eval()
    torch.testing.assert_close(network(low), bicubic_upsample(low, 4))


def test_at_a_factor_of_1_training_starts_from_the_image_itself() -> None:
    low = torch.rand(1, 1, 9, 8)
    network = SRResNet(SRResNetArguments(1, **SMALL, interpolated_skip=True)).eval()
    assert torch.equal(network(low), low)


def test_the_skip_stays_float32_when_weights_do_not() -> None:
    low = torch.rand(1, 1, 9, 8)
    network = SRResNet(SRResNetArguments(2, **SMALL, interpolated_skip=True)).eval().to(torch.bfloat16)
    result = network(low)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, bicubic_upsample(low, 2))


def test_relu_and_no_normalisation_leave_nothing_of_the_others() -> None:
    network = SRResNet(SRResNetArguments(2, **SMALL, normalisation="none", activation="relu"))
    kinds = {type(m) for m in network.modules()}
    assert nn.PReLU not in kinds
    assert nn.BatchNorm2d not in kinds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale_factor": 5}, "by one of 1, 2, 3, 4, 8, not by 5"),
        ({"scale_factor": 1, "back_projection": True}, "only give the input back"),
        ({"kernel": 4}, "odd kernel"),
        ({"blocks": 0}, "at least one"),
        ({"normalisation": "group"}, "no 'group'"),
        ({"upsampling": "later"}, "not 'later'"),
        ({"depth": 3}, "does not take these arguments"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_network("srresnet", arguments)


def test_unknown_architectures_are_named() -> None:
    with pytest.raises(ValueError, match=r"no architecture 'u-net'; there is: srresnet"):
        build_network("u-net", {})


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_back_projection_keeps_the_mean_even_of_noise(factor: int) -> None:
    torch.manual_seed(0)
    plain, projected = (
        SRResNet(SRResNetArguments(factor, **SMALL, normalisation="none", back_projection=on)).eval()
        for on in (False, True)
    )
    projected.load_state_dict(plain.state_dict())
    assert projected.receptive_radius == plain.receptive_radius + 4
    low = torch.poisson(torch.full((1, 1, 40, 40), 3.0))
    off = (plain(low).mean() - low.mean()).abs()
    assert (projected(low).mean() - low.mean()).abs() < 0.05 * off


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_brightness_alone_is_kept_without_the_noise(factor: int) -> None:
    torch.manual_seed(0)
    silent = SRResNet(
        SRResNetArguments(
            factor, **SMALL, normalisation="none", interpolated_skip=True, back_projection="brightness"
        )
    ).eval()
    low = torch.poisson(torch.full((1, 1, 64, 64), 30.0))
    # The prediction is still nothing; a darker, smoothed image in its place gets its brightness back.
    darker = torch.nn.functional.avg_pool2d(low, 9, 1, 4, count_include_pad=False) - 3
    high = silent._completed(
        torch.nn.functional.interpolate(darker, scale_factor=factor) - bicubic_upsample(low, factor), low
    )
    assert (high.mean() - low.mean()).abs() < 0.05
    assert high.std() < 0.3 * low.std()
    with pytest.raises(ValueError, match="false, true or 'brightness'"):
        SRResNet(SRResNetArguments(factor, **SMALL, back_projection="some"))  # type: ignore[arg-type]


def test_an_activation_can_end_the_trunk() -> None:
    network = SRResNet(SRResNetArguments(2, **SMALL, trunk_end="activation"))
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 2 * 2
    assert sum(isinstance(m, nn.PReLU) for m in network.modules()) == 1 + 2 + 1 + 1


def test_instance_normalisation_makes_the_trunk_blind_to_contrast() -> None:
    torch.manual_seed(0)
    network = SRResNet(SRResNetArguments(2, **SMALL, normalisation="instance")).eval()
    features = torch.rand(1, 8, 16, 16)
    block = network.body[0].residual
    torch.testing.assert_close(block(features * 7), block(features), atol=1e-3, rtol=1e-3)


def test_a_signed_network_sees_and_gives_the_same_image() -> None:
    torch.manual_seed(0)
    plain = SRResNet(SRResNetArguments(2, **SMALL, normalisation="none")).eval()
    signed = SRResNet(
        SRResNetArguments(2, **SMALL, normalisation="none", input_range="signed", output_range="signed")
    ).eval()
    signed.load_state_dict(plain.state_dict())
    low = torch.rand(1, 1, 12, 12)
    torch.testing.assert_close(signed(low), (plain(low * 2 - 1) + 1) / 2)


def test_a_hyperbolic_tangent_keeps_the_output_within_its_range() -> None:
    torch.manual_seed(0)
    network = SRResNet(
        SRResNetArguments(2, **SMALL, normalisation="none", output="tanh", output_range="signed")
    ).eval()
    result = network(torch.rand(1, 1, 12, 12) * 1e4)
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("normalisation", ["batch", "instance", "none"])
@pytest.mark.parametrize("activation", ["prelu", "relu", "silu"])
@pytest.mark.parametrize("trunk_end", ["normalisation", "activation"])
def test_every_kind_can_be_trained(normalisation: Any, activation: Any, trunk_end: Any) -> None:
    network = SRResNet(
        SRResNetArguments(2, **SMALL, normalisation=normalisation, activation=activation, trunk_end=trunk_end)
    )
    network(torch.rand(2, 1, 8, 8)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
