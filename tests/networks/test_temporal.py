"""Networks of several frames: what they give, what they see, and what they leave as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_srgan.networks import bicubic_downsample, bicubic_upsample, build_network
from napari_srgan.networks.brightness import keep_brightness
from napari_srgan.networks.recurrent import ConvLSTM
from napari_srgan.networks.slow_fusion import Merge
from napari_srgan.networks.temporal import TemporalGenerator

SMALL: dict[str, dict[str, Any]] = {
    "early-fusion": {"frames": 3, "blocks": 2, "width": 8, "clip": 4},
    "slow-fusion": {"frames": 5, "blocks": 1, "width": 8, "clip": 4},
    "recurrent": {"warm_up": 2, "early_blocks": 1, "blocks": 1, "width": 8, "state": 4, "clip": 3},
}
ALL = pytest.mark.parametrize("architecture", SMALL)


def build(architecture: str, **more: Any) -> TemporalGenerator:
    network = build_network(architecture, {"scale_factor": 2, "channels": 1, **SMALL[architecture], **more})
    assert isinstance(network, TemporalGenerator)
    return network.eval().requires_grad_(False)


def trained(architecture: str, **more: Any) -> TemporalGenerator:
    """With a last convolution that is not zero, as after some training."""
    network = build(architecture, **more)
    last = [layer for layer in network.tail if isinstance(layer, torch.nn.Conv2d)][-1]
    torch.nn.init.normal_(last.weight, std=0.1)
    return network


def frames(count: int, side: int = 12, channels: int = 1) -> Tensor:
    return torch.rand(1, count, channels, side, side, generator=torch.Generator().manual_seed(3))


@ALL
@pytest.mark.parametrize(("factor", "channels"), [(1, 3), (2, 1), (4, 3)])
@pytest.mark.parametrize("made", [1, 3])
def test_makes_a_frame_for_each_that_has_its_neighbours(
    architecture: str, factor: int, channels: int, made: int
) -> None:
    network = build(architecture, scale_factor=factor, channels=channels)
    low = frames(made + network.frames_before + network.frames_after, 10, channels)
    assert network(low).shape == (1, made, channels, 10 * factor, 10 * factor)


@ALL
@pytest.mark.parametrize("factor", [1, 2])
def test_begins_as_interpolation_of_its_own_frame(architecture: str, factor: int) -> None:
    network = build(architecture, scale_factor=factor)
    low = frames(network.frames)
    torch.testing.assert_close(network(low)[:, 0], bicubic_upsample(low[:, network.frames_before], factor))


@ALL
def test_other_frames_count(architecture: str) -> None:
    network, low = trained(architecture), frames(build(architecture).frames)
    for other in range(network.frames):
        changed = low.clone()
        changed[:, other] += 1
        assert (network(changed) != network(low)).any(), f"frame {other} is not looked at"


@ALL
@pytest.mark.parametrize(
    ("factor", "back_projection"),
    [(1, False), (1, "brightness"), (2, False), (2, True), (2, "brightness")],
)
def test_what_lies_beyond_the_receptive_radius_does_not_count(
    architecture: str, factor: int, back_projection: Any
) -> None:
    network = trained(architecture, scale_factor=factor, back_projection=back_projection)
    radius = network.receptive_radius
    low = frames(network.frames_before + network.clip + network.frames_after, 2 * radius + 4)
    beyond = low.clone()
    beyond[..., 0] += 1
    seen, same = (network(each)[..., 2 * (radius + 1) :] for each in (low, beyond))
    torch.testing.assert_close(seen, same, atol=1e-6, rtol=0)
    assert (network(low) != network(beyond))[..., : 2 * (radius + 1)].any()


@ALL
def test_a_frame_is_the_same_in_a_longer_clip(architecture: str) -> None:
    """Where the halo in time is all there is to see; a recurrent state is begun with each clip."""
    network = trained(architecture)
    low = frames(network.frames + 2)
    first = network(low[:, : network.frames])
    if architecture == "recurrent":
        first = network(low[:, : network.frames + 2])[:, :1]
    torch.testing.assert_close(network(low)[:, :1], first)


def test_recurrent_in_one_direction_does_not_see_what_comes() -> None:
    network = trained("recurrent", both_ways=False)
    assert (network.frames_before, network.frames_after) == (2, 0)
    low = frames(5)
    later = low.clone()
    later[:, 4] += 1
    torch.testing.assert_close(network(low)[:, :2], network(later)[:, :2])


def test_state_is_carried_over_several_frames() -> None:
    cell = ConvLSTM(4, 3).requires_grad_(False)
    features = [torch.rand(1, 4, 5, 5) for _ in range(6)]
    other = [features[0] + 1, *features[1:]]
    assert (list(cell(features))[-1] != list(cell(other))[-1]).any()


def test_merging_is_a_convolution_in_three_dimensions() -> None:
    merge = Merge(6).requires_grad_(False)
    features = [torch.rand(2, 6, 7, 8) for _ in range(4)]
    kernel = merge.over_three.weight.reshape(6, 3, 6, 3, 3).transpose(1, 2)
    volume = F.conv3d(torch.stack(features, dim=2), kernel, merge.over_three.bias, padding=(0, 1, 1))
    expected = torch.stack(features[1:-1], dim=2) + volume.relu()
    torch.testing.assert_close(torch.stack(list(merge(features)), dim=2), expected)


def test_brightness_is_that_of_the_frame_and_noise_is_not_put_back() -> None:
    draw = torch.Generator().manual_seed(0)
    light = bicubic_upsample(torch.rand(1, 1, 8, 8, generator=draw), 8)
    noisy = light + 0.2 * torch.randn(light.shape, generator=draw)
    too_bright = bicubic_upsample(light, 2) * 1.3
    kept = keep_brightness(too_bright, noisy, 2)
    assert abs(kept.mean() / light.mean() - 1) < 0.02
    noise = (bicubic_downsample(kept, 2) - light).std()
    assert noise < 0.06


@ALL
@pytest.mark.parametrize("wrong", [{"clip": 0}, {"blocks": 0}, {"scale_factor": 5}, {"channels": 0}])
def test_impossible_arguments_are_named(architecture: str, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        build(architecture, **wrong)


@pytest.mark.parametrize(
    ("architecture", "wrong"),
    [("early-fusion", {"frames": 4}), ("slow-fusion", {"frames": 1}), ("recurrent", {"warm_up": 0})],
)
def test_impossible_numbers_of_frames_are_named(architecture: str, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        build(architecture, **wrong)


@ALL
def test_too_few_frames_are_named(architecture: str) -> None:
    network = build(architecture)
    with pytest.raises(ValueError, match=f"got {network.frames - 1}"):
        network(frames(network.frames - 1))
