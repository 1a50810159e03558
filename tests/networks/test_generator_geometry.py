"""What holds for every generator and every factor, the one that changes no size included."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from napari_srgan.networks import ARCHITECTURES, Generator, build_network
from napari_srgan.networks.rrdb import DOUBLINGS
from napari_srgan.networks.sub_pixel import UPSAMPLING_STAGES, remove_checkerboard
from napari_srgan.networks.temporal import TemporalGenerator

SMALL: dict[str, dict[str, Any]] = {
    "srresnet": {"blocks": 1, "width": 4, "kernel": 3, "normalisation": "none"},
    "rdn": {"blocks": 1, "layers": 2, "growth": 4, "width": 4},
    "rrdb": {"blocks": 1, "width": 4, "growth": 2},
    "unet": {"width": 4, "blocks": 1, "deep_width": 4, "deep_blocks": 1},
    "early-fusion": {"frames": 3, "blocks": 1, "width": 4, "clip": 2},
    "slow-fusion": {"frames": 3, "blocks": 1, "width": 4, "clip": 2},
    "recurrent": {"warm_up": 1, "early_blocks": 0, "blocks": 1, "width": 4, "state": 2, "clip": 1},
}
KINDS = [
    (architecture, factor)
    for architecture in ARCHITECTURES
    for factor in (DOUBLINGS if architecture == "rrdb" else UPSAMPLING_STAGES)
]


def network_of(architecture: str, factor: int, channels: int = 1) -> Generator:
    """A small one, with a last layer as after some training."""
    torch.manual_seed(0)
    arguments = SMALL[architecture] | {"scale_factor": factor, "channels": channels}
    network = build_network(architecture, arguments).double().eval().requires_grad_(False)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.1)
    return network


def through(network: Generator, plane: Tensor) -> Tensor:
    """One plane ``(C, Y, X)``; a network of several frames sees it stand still."""
    if isinstance(network, TemporalGenerator):
        made: Tensor = network(plane.expand(1, network.frames, *plane.shape))[0, 0]
        return made
    single: Tensor = network(plane[None])[0]
    return single


@given(
    kind=st.sampled_from(KINDS),
    channels=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
@settings(max_examples=80)
def test_a_result_is_larger_by_the_factor(
    kind: tuple[str, int], channels: int, height: int, width: int
) -> None:
    architecture, factor = kind
    network = network_of(architecture, factor, channels)
    result = through(network, torch.rand(channels, height, width, dtype=torch.float64))
    assert result.shape == (channels, height * factor, width * factor)
    assert network.scale_factor == factor


@given(kind=st.sampled_from(KINDS), rows=st.integers(0, 2), columns=st.integers(0, 2))
@settings(max_examples=60)
def test_a_moved_image_has_a_moved_result(kind: tuple[str, int], rows: int, columns: int) -> None:
    architecture, factor = kind
    network = network_of(architecture, factor)
    radius = network.receptive_radius
    down, right = rows * network.grid, columns * network.grid
    size = 2 * radius + 3 + 2 * network.grid
    side = size + 2 * network.grid
    wide = torch.rand(1, side, side, dtype=torch.float64)
    here, there = (through(network, wide[:, y : y + size, x : x + size]) for y, x in ((0, 0), (down, right)))
    inside = [slice((radius + by) * factor, (radius + 3 + by) * factor) for by in (down, right)]
    first = slice(radius * factor, (radius + 3) * factor)
    torch.testing.assert_close(there[:, first, first], here[:, inside[0], inside[1]])


@given(kind=st.sampled_from(KINDS))
@settings(max_examples=20)
def test_no_grid_lies_on_what_is_even_after_its_checkerboard_is_removed(kind: tuple[str, int]) -> None:
    network = network_of(*kind)
    remove_checkerboard(network)
    border = int(network.receptive_radius) + network.grid
    side = 2 * border + 4
    answer = through(network, torch.full((1, side, side), 0.5, dtype=torch.float64))
    edge = border * network.scale_factor
    inner = answer[..., edge:-edge, edge:-edge]
    assert float(inner.max() - inner.min()) < 1e-12
