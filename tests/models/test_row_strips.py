"""A compact network gives in strips of rows what it gives of the whole image."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_srgan.inference.devices.cancellation import Cancelled, Watch
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles.choice import choose_tiles
from napari_srgan.inference.tiles.tiling import Span, Tile
from napari_srgan.models import Model, read_model
from napari_srgan.models.foreign import row_strips
from napari_srgan.models.foreign.row_strips import LEAST_ROWS, compact_in_strips

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

WIDE = row_strips.STRIP_PIXELS // LEAST_ROWS
"""Pixels of an image whose strips have as few rows as any."""
CONVOLUTIONS = 4


def compact(scale: int = 2, channels: int = 1, activation: str = "prelu") -> Any:
    torch.manual_seed(0)
    return SRVGGNetCompact(
        num_in_ch=channels,
        num_out_ch=channels,
        num_feat=4,
        num_conv=CONVOLUTIONS - 2,
        upscale=scale,
        act_type=activation,
    ).eval()


@pytest.fixture
def model(tmp_path: Path) -> Model:
    torch.save({"params": compact().state_dict()}, tmp_path / "found.pth")
    return read_model(tmp_path / "found.pth")


@settings(max_examples=25)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 40),
    planes=st.integers(1, 2),
    scale=st.sampled_from([1, 2, 4]),
    channels=st.sampled_from([1, 3]),
    activation=st.sampled_from(["prelu", "relu", "leakyrelu"]),
    last=st.booleans(),
)
def test_strips_make_what_the_whole_image_makes(
    height: int, width: int, planes: int, scale: int, channels: int, activation: str, last: bool
) -> None:
    network = compact(scale, channels, activation)
    layout = torch.channels_last if last else torch.contiguous_format
    low = torch.rand(planes, channels, height, width).contiguous(memory_format=layout)
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(row_strips, "STRIP_PIXELS", 1)
        patch.setattr(row_strips, "LEAST_ROWS", 3)
        torch.testing.assert_close(compact_in_strips(network, low), network(low), rtol=1e-5, atol=1e-6)


def test_it_can_still_be_trained() -> None:
    network = compact()
    compact_in_strips(network, torch.rand(1, 1, 100, WIDE)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_what_lies_between_layers_is_as_small_as_a_strip(model: Model) -> None:
    engine = Engine(model, "cpu", "float32")
    heights = (100, 400)
    low, high = (
        engine.runner.peak_bytes(lambda h=height: engine.run(np.zeros((1, 1, h, WIDE), np.float32)))
        for height in heights
    )
    whole = 4 * 4 * WIDE * (heights[1] - heights[0])  # features of float32, of one layer
    assert high - low < 2.5 * whole
    assert high < 4 * whole


def test_a_watch_is_told_of_each_layer_once_and_can_stop_it(model: Model) -> None:
    engine, watch = Engine(model, "cpu", "float32"), Watch()
    image = np.zeros((1, 1, 100, WIDE), np.float32)
    engine.run(image, watch)
    assert watch.layers == engine.layers() == CONVOLUTIONS
    watch.cancel()
    with pytest.raises(Cancelled):
        engine.run(image, watch)
    assert watch.layers == CONVOLUTIONS + 1


def test_its_tiles_are_as_large_as_memory_holds(model: Model) -> None:
    engine = Engine(model, "cpu", "float32")
    region = Tile(Span(0, 1500), Span(0, 1500))
    assert len(choose_tiles(engine, 1, region, model.card.receptive_radius)) == 1
