"""The residual U-Net: shapes, reach, brightness, and no seam wherever it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_srgan.inference.tiles.tiling import Span, Tile, plan_tiles, tile_window
from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import bicubic_downsample, bicubic_upsample, build_network
from napari_srgan.networks.unet import UNet, UNetArguments
from upscalings import eager, image, lazy

SMALL: dict[str, Any] = {"width": 4, "blocks": 1, "deep_width": 6, "deep_blocks": 1}


def random_weights(network: UNet) -> UNet:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.rand_like(parameter) - 0.4)
    return network.eval().requires_grad_(False)


def model(factor: int = 2, *, back_projection: Any = False) -> Model:
    arguments = SMALL | {"scale_factor": factor, "channels": 1, "back_projection": back_projection}
    network = random_weights(UNet(UNetArguments(**arguments)))
    with torch.no_grad():  # so that what is added to the interpolation is of its size
        for parameter in network.tail.parameters():
            parameter.mul_(0.02)
    card = ModelCard(
        name="small", description="for a test", architecture="unet", arguments=arguments, scale_factor=factor,
        channels=1, intensity="percentile", receptive_radius=network.receptive_radius, grid=network.grid,
        licence="none",
    )  # fmt: skip
    return Model(network, card)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(8, 6), (7, 9), (1, 1)])
def test_any_size_will_do(factor: int, size: tuple[int, int]) -> None:
    network = UNet(UNetArguments(factor, 3, **SMALL))
    assert network(torch.rand(2, 3, *size)).shape == (2, 3, size[0] * factor, size[1] * factor)


@pytest.mark.parametrize("back_projection", [False, True, "brightness"])
@pytest.mark.parametrize("blocks", [1, 2])
def test_an_output_depends_on_no_more_than_the_receptive_radius(blocks: int, back_projection: Any) -> None:
    arguments = SMALL | {"blocks": blocks, "deep_blocks": blocks, "back_projection": back_projection}
    network = random_weights(UNet(UNetArguments(2, 1, **arguments))).double()
    radius = network.receptive_radius
    reached = 0
    for parity in (0, 1):
        side = 2 * radius + 8
        low = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
        middle = side // 2 + parity
        own = slice(middle * 2, (middle + 1) * 2)
        network(low)[0, 0, own, own].sum().backward()
        assert low.grad is not None
        reached = max(reached, int(((low.grad[0, 0] != 0).nonzero() - middle).abs().max()))
    assert radius - 1 <= reached <= radius


def test_training_starts_from_bicubic_in_float32() -> None:
    low = torch.rand(1, 1, 9, 8)
    result = build_network("unet", SMALL).eval().to(torch.bfloat16)(low)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, bicubic_upsample(low, 2))


def test_brightness_is_kept_over_some_pixels_and_noise_is_not_put_back() -> None:
    network = random_weights(UNet(UNetArguments(2, 1, **SMALL, back_projection="brightness")))
    low = torch.rand(1, 1, 96, 96)
    again = bicubic_downsample(network(low), 2)
    without = UNet(UNetArguments(2, 1, **SMALL)).requires_grad_(False)
    without.load_state_dict(network.state_dict())
    kept, lost = (float((a - low).mean().abs()) for a in (again, bicubic_downsample(without(low), 2)))
    assert kept < 0.05 * lost
    assert float((again - low).std()) > 0.1


@settings(max_examples=200)
@given(
    length=st.integers(1, 200), start=st.integers(0, 199), size=st.integers(1, 200),
    halo=st.integers(0, 60), grid=st.integers(1, 8),
)  # fmt: skip
def test_windows_lie_on_the_grid_and_hold_the_halo(
    length: int, start: int, size: int, halo: int, grid: int
) -> None:
    core = Span(min(start, length - 1), min(start + size, length))
    plain, window = tile_window(core, length, halo), tile_window(core, length, halo, grid=grid)
    border = min(8, halo)
    begins = window.read.start - window.pad[0]
    assert (begins + border) % grid == 0
    assert window.size % grid == 0
    assert all(0 <= more - less < grid for more, less in zip(window.trim, plain.trim, strict=True))
    assert window.size - sum(window.trim) == len(core)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 130), width=st.integers(1, 130), tile=st.integers(16, 140),
    factor=st.sampled_from([2, 4]), back_projection=st.sampled_from([False, True, "brightness"]),
)  # fmt: skip
def test_tiled_equals_untiled(height: int, width: int, tile: int, factor: int, back_projection: Any) -> None:
    small, array = model(factor, back_projection=back_projection), image(height, width)
    whole = eager(array, small, tile=1000).data
    np.testing.assert_allclose(eager(array, small, tile=tile).data, whole, atol=2e-5 * np.ptp(whole))


def test_halved_tiles_regions_lazy_reads_and_orientations_have_no_seam() -> None:
    small, array = model(), image(2, 91, 73)
    whole = eager(array, small, tile=1000).data
    part = eager(array, small, region=((21, 50), (3, 72)))
    np.testing.assert_allclose(part.data, whole[:, 42:100, 6:144], atol=2e-5 * np.ptp(whole))
    np.testing.assert_allclose(
        np.asarray(lazy(array, small, tile=33)[:, 11:, :77]), whole[:, 11:, :77], atol=2e-5 * np.ptp(whole)
    )
    together = eager(array, small, tile=1000, self_ensemble=True).data
    np.testing.assert_allclose(
        eager(array, small, tile=37, self_ensemble=True).data, together, atol=2e-5 * np.ptp(whole)
    )


def test_every_tile_of_a_plan_begins_on_the_grid_wherever_it_is_cut() -> None:
    region = Tile(Span(0, 90), Span(0, 77))
    for tile in plan_tiles(region, 20, side=31):
        for span, length in ((tile.y, 90), (tile.x, 77)):
            window = tile_window(span, length, 20, grid=2)
            assert (window.read.start - window.pad[0]) % 2 == 0
