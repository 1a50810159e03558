"""A network in half precision, and in float32 where half precision does not do."""

from __future__ import annotations

import copy
import threading
from contextlib import suppress

import numpy as np
import torch

from napari_srgan.inference.devices.memory_errors import OutOfMemory, memory_errors_named
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.tiles.tile_run import PlainRun
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import layout_of
from napari_srgan.networks.instance_norm import adopt_instance_norms
from napari_srgan.networks.self_ensemble import SelfEnsemble


class NetworkOnDevice:
    """A network on a runner's device, put there when it is first used.

    Parameters
    ----------
    network
        Left as it is: copies of it go to the device.
    runner
        Runs it.
    dtype
        The float type that is wanted. A network that is not made for it is in float32, and so is one on a
        device that gives no numbers in float16.
    probe
        Shape ``(N, C, Y, X)`` or ``(N, T, C, Y, X)`` of a small tile, to try float16 with.
    self_ensemble
        Give the mean over the eight orientations of the image.
    """

    def __init__(
        self,
        network: Generator,
        runner: NetworkRunner,
        dtype: torch.dtype,
        probe: tuple[int, ...],
        *,
        self_ensemble: bool,
    ) -> None:
        self.dtype = dtype if dtype in network.half_precisions else torch.float32
        self._original, self._runner, self._probe = network, runner, probe
        self._self_ensemble = self_ensemble
        self._network: Generator | None = None
        self._exact: Generator | None = None
        self._preparing = threading.Lock()

    @property
    def network(self) -> Generator:
        """On the device.

        Raises
        ------
        OutOfMemory
            If it does not fit there.
        """
        with self._preparing:
            if self._network is None:
                network = self._prepared(self.dtype)
                # Told here, not by the tiles: what a tile is must not depend on those before it.
                if self._may_lack_float16 and not self._finite(network):
                    self.dtype = torch.float32
                    network = self._prepared(self.dtype)
                self._network = network
            return self._network

    @property
    def in_float32(self) -> Generator:
        """The same, for the tiles that are not finite in a smaller type."""
        with self._preparing:
            if self._exact is None:
                self._exact = self._prepared(torch.float32)
            return self._exact

    @property
    def precision(self) -> str:
        """The float type it computes in; where that would be float16, the device is asked for it first."""
        if self._may_lack_float16:
            with suppress(OutOfMemory):  # the tiles themselves will say so
                _ = self.network
        return str(self.dtype).removeprefix("torch.")

    def forget(self) -> None:
        """Take it off the device; it is put there again when it is next used."""
        with self._preparing:
            self._network = self._exact = None

    def _prepared(self, dtype: torch.dtype) -> Generator:
        device = self._runner.device
        network = memory_errors_named(lambda: copy.deepcopy(self._original).to(device, dtype))
        adopt_instance_norms(network)
        network = network.to(memory_format=layout_of(4, device))
        return (SelfEnsemble(network) if self._self_ensemble else network).eval()

    @property
    def _may_lack_float16(self) -> bool:
        return self._runner.streamed and self.dtype == torch.float16

    def _finite(self, network: Generator) -> bool:
        """Whether a device gives numbers in float16 at all: GeForce GTX 16xx do not, whatever the tile."""
        low = np.random.default_rng(0).random(self._probe, np.float32)
        return self._runner.run(network, PlainRun(low))[1]
