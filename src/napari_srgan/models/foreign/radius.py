"""How far a network looks, found by trying."""

from __future__ import annotations

import torch

from napari_srgan.networks import Generator

PROBES = (32, 72, 144)
"""Sides of the images that are tried; a network that looks farther than the last is taken to look
as far as its half."""
_FAINT = 1e-6
"""Part of the largest change below which a change is rounding."""


def measure_radius(network: Generator) -> int:
    """The farthest that a change of one pixel is seen, in low-resolution pixels.

    A network with attention over the whole image has no radius; what comes out is then half
    the largest image tried.

    Parameters
    ----------
    network
        The network, in evaluation mode, on the CPU.
    """
    for side in PROBES:
        reach = _reach(network, side)
        # At the border nobody knows how much farther it would have gone.
        if reach < side // 2 - 2:
            return reach
    return PROBES[-1] // 2


@torch.inference_mode()
def _reach(network: Generator, side: int) -> int:
    noise = torch.Generator().manual_seed(0)
    image = torch.rand(1, network.channels, side, side, generator=noise)
    other = image.clone()
    centre = side // 2
    other[..., centre, centre] = 1 - other[..., centre, centre].round()
    change = (network(other) - network(image)).abs().amax(dim=(0, 1))
    changed = (change > _FAINT * change.max()).nonzero()
    if not len(changed):
        return 0
    pixel = changed // network.scale_factor
    return int((pixel - centre).abs().max())
