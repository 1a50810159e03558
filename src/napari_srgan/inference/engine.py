"""One model on one device in one precision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.cancellation import Watch, layers_of
from napari_srgan.inference.devices.choice import choose_dtype, find_device
from napari_srgan.inference.devices.copies import computes_with
from napari_srgan.inference.devices.half_precision import NetworkOnDevice
from napari_srgan.inference.devices.memory_errors import OutOfMemory, PerhapsOutOfMemory
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.movies.clips import TemporalWindow
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.plane_statistics import PlaneStatistics, Windows
from napari_srgan.inference.statistics_run import StatisticsRunner
from napari_srgan.inference.tiles.tile_run import PartlyHere, PlainRun, Run
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE
from napari_srgan.models import Model
from napari_srgan.networks import Generator
from napari_srgan.networks.self_ensemble import ORIENTATIONS
from napari_srgan.networks.temporal import TemporalGenerator
from napari_srgan.significant import significant

ResultT = TypeVar("ResultT")

OUTLIER = 1e6
"""Times the range of the image that no network can be blamed for."""


class Engine:
    """Runs a model on arrays.

    The network goes to the device when it is first used.

    Parameters
    ----------
    model
        Left as it is: the engine works on a copy.
    device
        ``"auto"`` takes the first of CUDA, XPU, MPS that can be used, else the CPU.
    precision
        ``"auto"`` takes the fastest type the device is fast at: bfloat16 or float16 on
        CUDA, bfloat16 on CPUs with AMX, else float32. A network that is not
        made for a small type runs in float32 whatever is said.
    self_ensemble
        Give the mean over the eight orientations of the image.

    Raises
    ------
    UserError
        If the device is not there, or the precision is unknown.
    """

    def __init__(
        self,
        model: Model,
        device: str = "auto",
        precision: str = "auto",
        *,
        self_ensemble: bool = False,
    ) -> None:
        self.model = model
        choice = find_device(device)
        self.device = choice.device
        self.device_note = choice.note
        """Why it is not the device that would have been expected; "" if it is."""
        self.passes = len(ORIENTATIONS) if self_ensemble else 1
        self.needs_plane_statistics = model.network.needs_plane_statistics
        self.timing = TemporalWindow.of(model.network)
        self._layers: dict[int, int] = {}
        self.runner = self._runner_on(self.device)
        """Runs networks there, and measures what that takes."""
        self._on_device = NetworkOnDevice(
            model.network,
            self.runner,
            choose_dtype(self.device, precision),
            self._smallest_tile,
            self_ensemble=self_ensemble,
        )
        self._statistics = StatisticsRunner(self.runner, self.passes)

    @property
    def network(self) -> Generator:
        """On the device.

        Raises
        ------
        OutOfMemory
            If it does not fit there.
        """
        return self._on_device.network

    @property
    def dtype(self) -> torch.dtype:
        """The float type the network computes in, as far as it is known without running it."""
        return self._on_device.dtype

    @property
    def precision(self) -> str:
        """The float type it computes in; where that would be float16, the device is asked for it first."""
        return self._on_device.precision

    def forget(self) -> None:
        """Take the network off the device; it is put there again when it is next used."""
        self._on_device.forget()
        self.close()

    def close(self) -> None:
        """End the thread of the network, and give memory back; whatever is run after begins another one."""
        self.runner.close()

    @property
    def tiles_at_a_time(self) -> int:
        """Tiles that are best in work together: one is read, one computed and one written, if the device
        computes while the host goes on."""
        return 3 if self.runner.streamed else 1

    @property
    def temporal(self) -> bool:
        """Whether it takes clips ``(N, T, C, Y, X)``, and not images ``(N, C, Y, X)``."""
        return isinstance(self.model.network, TemporalGenerator)

    def layers(self, frames: int = 1) -> int:
        """Layers a :class:`Watch` counts for one tile of so many frames that are made together."""
        there = max(len(layers_of(self.network)), 1) * self.passes
        if not self.temporal:
            return there
        if frames not in self._layers:  # they run again and again, each network's in its own way
            watch = Watch()
            with suppress(OutOfMemory):  # the tiles themselves will say so
                self.run(np.zeros(self.tile_shape(1, SMALLEST_TILE, frames), np.float32), watch)
            self._layers[frames] = max(watch.layers, there)
        return self._layers[frames]

    def tile_shape(self, batch: int, side: int, frames: int | None = None) -> tuple[int, ...]:
        """Shape ``(N, C, Y, X)``, or ``(N, T, C, Y, X)``, of what the network is given for a tile; by default
        of a whole clip."""
        seen = self.timing.seen(self.timing.clip if frames is None else frames)
        channels = self.model.card.channels
        return (batch, seen, channels, side, side) if self.temporal else (batch, channels, side, side)

    def _runner_on(self, device: torch.device) -> NetworkRunner:
        return NetworkRunner(device)

    @property
    def _smallest_tile(self) -> tuple[int, ...]:
        return self.tile_shape(1, SMALLEST_TILE, frames=1)

    def gather(self, windows: Windows, watch: Watch | None = None) -> PlaneStatistics:
        """Gather the statistics of a plane from windows of it, in one run over all of them.

        Parameters
        ----------
        windows
            Finite, in the network's range.
        watch
            Told of each layer.

        Raises
        ------
        OutOfMemory, Cancelled
            As :meth:`run`.
        """
        return self._for_want_of_memory(lambda: self._statistics.gather(self.network, windows, watch))

    def run(
        self,
        low: NDArray[np.float32],
        watch: Watch | None = None,
        statistics: PlaneStatistics | None = None,
    ) -> NDArray[np.float32]:
        """Upscale a batch of tiles that are in the network's range.

        Parameters
        ----------
        low
            ``(N, C, Y, X)``, or ``(N, T, C, Y, X)`` for networks that see time; finite.
        watch, statistics
            As in :meth:`compute`.

        Returns
        -------
        NDArray
            ``(N, C, Y * factor, X * factor)`` float32, or ``(N, T', C, Y * factor, X * factor)`` of the
            frames that were not only there to help.

        Raises
        ------
        OutOfMemory, SampleTooLarge, Cancelled, UserError
            As :meth:`compute`.
        """
        return self.compute(PlainRun(low), watch, statistics)

    def compute(
        self, run: Run, watch: Watch | None = None, statistics: PlaneStatistics | None = None
    ) -> NDArray[Any]:
        """Run the network over a tile, with the arithmetic before and after it.

        May be called by several threads: while one's tile is computed, others copy theirs.

        Parameters
        ----------
        run
            Pixels, and what is done to them.
        watch
            Told of each layer.
        statistics
            Statistics of the plane, for networks that need them; by default those of each tile itself.

        Returns
        -------
        NDArray
            What the run makes of the network's answer.

        Raises
        ------
        OutOfMemory
            If the device has too little memory for it.
        SampleTooLarge
            If the result is not finite in the engine's precision, and the device has too little
            memory to gather the plane's statistics again in float32.
        Cancelled
            If the watch was cancelled.
        UserError
            If the model gives values that are not finite, even in float32.
        """
        before, after = (not computes_with(self.device, types) for types in run.types)
        here = PartlyHere(run, before=before, after=after)
        result, finite = self._for_want_of_memory(lambda: self._run(self.network, here, watch, statistics))
        if not finite and self.dtype != torch.float32:
            result, finite = self._for_want_of_memory(
                lambda: self._run(self._on_device.in_float32, here, watch, statistics)
            )
        if not finite:
            low = run.low(torch.from_numpy(run.raw))
            largest = float(low.abs().max())
            raise UserError(
                f"the model {self.model.name} gives values that are not finite for inputs up to "
                f"{significant(largest)} times the image's range; "
                + ("its weights are broken" if largest < OUTLIER else "replace such outliers by NaN first")
            )
        return here.completed(result)

    def _run(
        self, network: Generator, run: Run, watch: Watch | None, statistics: PlaneStatistics | None
    ) -> tuple[NDArray[Any], bool]:
        normalised = partial(self._statistics.normalised, network, statistics, watch)
        return self.runner.run(network, run, watch, normalised)

    def _for_want_of_memory(self, call: Callable[[], ResultT]) -> ResultT:
        """Make a call; what may be want of memory is that if the smallest tile can be run.

        Raises
        ------
        OutOfMemory
            If it can.
        UserError
            If not: with what the device says.
        """
        try:
            return call()
        except PerhapsOutOfMemory as error:
            reason = str(error)
        # Outside of the handler, whose error holds what the run had taken.
        self.runner.release()
        try:
            self.runner.run(self.network, PlainRun(np.zeros(self._smallest_tile, np.float32)))
        except PerhapsOutOfMemory as error:
            raise UserError(
                f"{self.device} cannot run the model {self.model.name}: {reason.splitlines()[0]}; "
                "use the device 'cpu'"
            ) from error
        raise OutOfMemory(reason)


def engine_of(model: Model, options: UpscaleOptions) -> Engine:
    """A model on the device and in the precision that were chosen, turned and mirrored or not.

    Raises
    ------
    UserError
        As :class:`Engine`.
    """
    return Engine(model, options.device, options.precision, self_ensemble=options.self_ensemble)
