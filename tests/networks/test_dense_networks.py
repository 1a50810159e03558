"""RDN and ESRGAN's RRDBNet."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from napari_srgan.networks import ARCHITECTURES, bicubic_upsample, build_network
from napari_srgan.networks.architectures import PRESETS
from napari_srgan.networks.rdn import RDN, RDNArguments
from napari_srgan.networks.rrdb import RRDBArguments, RRDBNet

SMALL: dict[str, dict[str, Any]] = {
    "rdn": {"blocks": 2, "layers": 2, "growth": 4, "width": 8, "channels": 1},
    "rrdb": {"blocks": 1, "width": 8, "growth": 4, "channels": 1},
}
CASES = [("rdn", 1), ("rdn", 2), ("rdn", 3), ("rdn", 4), ("rrdb", 1), ("rrdb", 2), ("rrdb", 4)]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_rrdb_has_the_published_number_of_parameters() -> None:
    assert parameters(RRDBNet(RRDBArguments())) == 16_697_987


def test_rdn_is_the_papers() -> None:
    network = RDN(RDNArguments(4, 3))
    # Table 2 of the paper gives 22 million for x2, where one stage is missing.
    assert parameters(network) / 1e6 == pytest.approx(22.3, abs=0.1)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    # Two shallow ones, 16 blocks of 8 and a fusion, two of global fusion, two stages, the last.
    assert len(convolutions) == 2 + 16 * 9 + 2 + 2 + 1


@pytest.mark.parametrize(("architecture", "factor"), CASES)
def test_shapes(architecture: str, factor: int) -> None:
    network = build_network(architecture, SMALL[architecture] | {"scale_factor": factor, "channels": 5})
    assert network(torch.rand(2, 5, 7, 6)).shape == (2, 5, 7 * factor, 6 * factor)


@pytest.mark.parametrize(
    ("architecture", "factor", "projected"),
    [(*case, projected) for case in CASES for projected in (False, True) if not projected or case[1] > 1],
)
def test_an_output_depends_on_no_more_than_the_receptive_radius(
    architecture: str, factor: int, projected: bool
) -> None:
    torch.manual_seed(0)
    arguments = SMALL[architecture] | {"scale_factor": factor, "back_projection": projected}
    network = build_network(architecture, arguments).double().eval()
    radius = network.receptive_radius
    side = 2 * radius + 7
    low = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    middle = side // 2
    own = slice(middle * factor, (middle + 1) * factor)
    with torch.no_grad():  # ESRGAN begins so small that distant gradients vanish
        for parameter in network.parameters():
            parameter.copy_(torch.rand_like(parameter) - 0.4)
    network(low)[0, 0, own, own].sum().backward()
    assert low.grad is not None
    reached = (low.grad[0, 0] != 0).nonzero() - middle
    assert radius - int(projected) <= reached.abs().max() <= radius


@pytest.mark.parametrize(("architecture", "factor"), CASES)
def test_with_an_interpolated_skip_training_starts_from_bicubic_in_float32(
    architecture: str, factor: int
) -> None:
    low = torch.rand(1, 1, 9, 8)
    arguments = SMALL[architecture] | {"scale_factor": factor, "interpolated_skip": True}
    network = build_network(architecture, arguments).eval().to(torch.bfloat16)
    result = network(low)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, bicubic_upsample(low, factor))


def test_every_preset_can_be_built_and_be_changed() -> None:
    for architecture, presets in PRESETS.items():
        for name in presets:
            with torch.device("meta"):
                network = build_network(architecture, {"preset": name, "scale_factor": 2, "channels": 1})
            assert network.scale_factor == 2
    small = build_network("rdn", {"preset": "small", "blocks": 1})
    assert parameters(small) < parameters(build_network("rdn", {"preset": "small"})) / 2
    assert set(PRESETS) <= set(ARCHITECTURES)


@pytest.mark.parametrize(
    ("architecture", "arguments", "message"),
    [
        ("rdn", {"scale_factor": 5}, "RDN upscales by one of 1, 2, 3, 4, 8, not by 5"),
        ("rdn", {"layers": 0}, "at least one channel, block, layer and feature"),
        ("rdn", {"upsampling": "later"}, "not 'later'"),
        ("rdn", {"preset": "tiny"}, "no preset 'tiny'; it has: paper, small"),
        ("rrdb", {"scale_factor": 3}, "by one of 1, 2, 4, 8, not by 3"),
        ("rrdb", {"scale_factor": 1, "back_projection": True}, "only give the input back"),
        ("rrdb", {"growth": 0}, "at least one channel, block and feature"),
        ("rrdb", {"layers": 3}, "does not take these arguments"),
        ("srresnet", {"preset": "paper"}, "no preset 'paper'; it has: none"),
    ],
)
def test_wrong_arguments_are_named(architecture: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_network(architecture, arguments)
