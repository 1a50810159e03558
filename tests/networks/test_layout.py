"""How images lie in memory, by device."""

from __future__ import annotations

import pytest
import torch

from napari_srgan.networks.generator import layout_of


@pytest.mark.parametrize(
    ("axes", "device", "layout"),
    [
        (4, "cpu", torch.channels_last),
        (4, "cuda:0", torch.channels_last),
        (4, "mps", torch.contiguous_format),
        (5, "cpu", torch.contiguous_format),
    ],
)
def test_channels_come_last_where_layers_are_right_with_it(
    axes: int, device: str, layout: torch.memory_format
) -> None:
    assert layout_of(axes, torch.device(device)) == layout
