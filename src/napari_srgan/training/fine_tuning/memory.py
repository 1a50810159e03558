"""How many patches a step can have, measured on the device that will train."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from napari_srgan.inference.devices.device_memory import free_bytes, peak_bytes, shares_host_memory
from napari_srgan.inference.devices.memory import DEVICE_SHARE
from napari_srgan.inference.devices.memory_errors import OutOfMemory, memory_errors_named
from napari_srgan.networks import Generator
from napari_srgan.training.fine_tuning.temporal_needs import STILL, InTime
from napari_srgan.training.loop.precision import mixed_precision

USUAL_BATCH = 16
"""Patches in a step, as in SRGAN (Ledig et al. 2017, section 3.2); of a time-lapse as many frames. In two
minutes on a noisy one 60 steps of 4 clips gained 3.2 dB, 30 steps of 8 clips 0.8 dB."""
HOST_SHARE = 0.5
"""Part of the free memory that a step may take on the CPU, where others need it too."""


def batch_for(
    network: Generator, channels: int, patch: int, device: torch.device, in_time: InTime = STILL
) -> int:
    """The usual batch, or as many patches as fit into memory; of movies patches are clips.

    Parameters
    ----------
    network
        On its device.
    channels
        Channels of the images.
    patch
        Low-resolution pixels along the side of a patch.
    device
        That trains.
    in_time
        How the network sees time.

    Raises
    ------
    OutOfMemory
        If not even one patch fits.
    """
    # A copy: statistics of a normalisation must not be those of nothing.
    network = copy.deepcopy(network)
    frames = (in_time.before + in_time.made + in_time.after,) if in_time.films else ()
    shape = (*frames, channels, patch, patch)
    one = _peak_bytes(network, (1, *shape), device)
    try:
        two = _peak_bytes(network, (2, *shape), device)
    except OutOfMemory:
        return 1
    per_patch = max(two - one, 1.0)
    fixed = max(one - per_patch, 0.0)
    fits = int((_budget(device) - fixed) / per_patch)
    return max(min(USUAL_BATCH // in_time.made, fits), 1)


def _budget(device: torch.device) -> float:
    return (HOST_SHARE if shares_host_memory(device) else DEVICE_SHARE) * free_bytes(device)


def _peak_bytes(network: Generator, shape: tuple[int, ...], device: torch.device) -> float:
    low = torch.zeros(shape, device=device)

    def run() -> None:
        with mixed_precision(device):
            result: Tensor = network(low)
        result.mean().backward()  # type: ignore[no-untyped-call]
        network.zero_grad()

    return peak_bytes(device, lambda: memory_errors_named(run))
