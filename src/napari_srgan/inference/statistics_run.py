"""The run of a network that gathers a plane's statistics, and runs that are normalised with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.copies import Sent
from napari_srgan.inference.devices.memory_errors import OutOfMemory, SampleTooLarge
from napari_srgan.inference.devices.network_runner import NetworkRunner, dtype_of
from napari_srgan.inference.plane_statistics import PlaneStatistics, Windows
from napari_srgan.inference.tiles.tile_run import PlainRun
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE
from napari_srgan.networks import Generator
from napari_srgan.networks.instance_norm import Complete, Gathered, Gathering, moments_from


class StatisticsRunner:
    """Gathers the statistics of planes, and lets networks take them.

    Parameters
    ----------
    runner
        Runs the networks.
    passes
        Orientations that a network runs one after the other.
    """

    def __init__(self, runner: NetworkRunner, passes: int) -> None:
        self._runner = runner
        self._passes = passes
        self._normalised_layers: int | None = None

    def gather(self, network: Generator, windows: Windows, watch: Watch | None) -> PlaneStatistics:
        """Gather the statistics of a plane from windows of it, in one run over all of them.

        Raises
        ------
        OutOfMemory, PerhapsOutOfMemory, Cancelled
            As :meth:`NetworkRunner.run`.
        """
        statistics = PlaneStatistics(windows)
        sent = self._runner.send(windows.low)
        self._runner.on_thread(lambda: self._gather(network, sent, statistics, watch), watch)
        return statistics

    @contextmanager
    def normalised(
        self, network: Generator, statistics: PlaneStatistics | None, watch: Watch | None
    ) -> Iterator[None]:
        """On the networks' thread: let a network's layers take a plane's statistics.

        They are gathered again, if they were gathered in another precision; None: each tile's own.

        Raises
        ------
        SampleTooLarge
            If the device has too little memory for that.
        """
        if statistics is None:
            yield
            return
        dtype = dtype_of(network)
        if dtype not in statistics.by_dtype:
            reason = ""
            try:
                self._gather(network, self._runner.send(statistics.windows.low), statistics, watch)
            except OutOfMemory as error:
                reason = str(error) or "out of memory"
            if reason:  # outside of the handler, as in memory_errors_named
                raise SampleTooLarge(reason)
        with moments_from(Gathered(statistics.by_dtype[dtype]), network):
            yield

    def _gather(
        self, network: Generator, sent: Tensor | Sent, statistics: PlaneStatistics, watch: Watch | None
    ) -> None:
        windows = statistics.windows
        if self._normalised_layers is None:
            self._normalised_layers = self._count_normalised_layers(network, windows.low)
        pixels = windows.low.shape[2] * windows.low.shape[3]
        gathering = Gathering(windows.count, pixels, windows.margin, self._normalised_layers)
        with moments_from(gathering, network), suppress(Complete):
            self._runner.order(network, PlainRun(windows.low), sent, watch)
        statistics.by_dtype[dtype_of(network)] = gathering.kept

    def _count_normalised_layers(self, network: Generator, low: NDArray[np.float32]) -> int:
        """How many run for one orientation; found by running a corner of the image."""
        corner = np.ascontiguousarray(low[:1, :, :SMALLEST_TILE, :SMALLEST_TILE])
        counting = Gathering(1, corner.shape[2] * corner.shape[3])
        with moments_from(counting, network):
            self._runner.order(network, PlainRun(corner), self._runner.send(corner), None)
        return len(counting.kept) // self._passes
