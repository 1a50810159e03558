"""One model on one device in one precision."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.cancellation import Watch, layers_of, watched
from napari_srgan.inference.devices.choice import choose_dtype, find_device
from napari_srgan.inference.devices.copies import STREAMED, DeviceCopies, Ordered
from napari_srgan.inference.devices.device_memory import give_back
from napari_srgan.inference.devices.full_precision import full_precision
from napari_srgan.inference.devices.memory_errors import (
    OutOfMemory,
    PerhapsOutOfMemory,
    SampleTooLarge,
    memory_errors_named,
)
from napari_srgan.inference.devices.thread_count import follow_thread_count
from napari_srgan.inference.movies.clips import TemporalWindow
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.plane_statistics import PlaneStatistics, Windows
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE
from napari_srgan.models import Model
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import layout_of
from napari_srgan.networks.instance_norm import (
    Complete,
    Gathered,
    Gathering,
    adopt_instance_norms,
    moments_from,
)
from napari_srgan.networks.self_ensemble import ORIENTATIONS, SelfEnsemble
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
        wanted = choose_dtype(self.device, precision)
        self.dtype = wanted if wanted in model.network.half_precisions else torch.float32
        self.passes = len(ORIENTATIONS) if self_ensemble else 1
        self.needs_plane_statistics = model.network.needs_plane_statistics
        self.timing = TemporalWindow.of(model.network)
        self._network: Generator | None = None
        self._exact: Generator | None = None
        self._preparing = threading.Lock()
        self._running = threading.Lock()
        self._normalised_layers: int | None = None
        self._layers: dict[int, int] = {}
        self._copies = DeviceCopies(self.device) if self.device.type in STREAMED else None

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

    def forget(self) -> None:
        """Take the network off the device; it is put there again when it is next used."""
        with self._preparing:
            self._network = self._exact = None
        self.release()

    def release(self) -> None:
        """Give memory that torch keeps for later back to the device."""
        give_back(self.device)

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

    @property
    def _later(self) -> torch.device | None:
        """The device, if it computes while the host goes on."""
        return self.device if self._copies is not None else None

    @property
    def precision(self) -> str:
        """The float type it computes in; where that would be float16, the device is asked for it first."""
        if self._may_lack_float16:
            with suppress(OutOfMemory):  # the tiles themselves will say so
                _ = self.network
        return str(self.dtype).removeprefix("torch.")

    def _prepared(self, dtype: torch.dtype) -> Generator:
        network = memory_errors_named(lambda: copy.deepcopy(self.model.network).to(self.device, dtype))
        adopt_instance_norms(network)
        network = network.to(memory_format=layout_of(4, self.device))
        return (SelfEnsemble(network) if self.passes > 1 else network).eval()

    @property
    def _may_lack_float16(self) -> bool:
        return self._copies is not None and self.dtype == torch.float16

    def _finite(self, network: Generator) -> bool:
        """Whether a device gives numbers in float16 at all: GeForce GTX 16xx do not, whatever the tile."""
        draw = np.random.default_rng(0)
        low = draw.random(self.tile_shape(1, SMALLEST_TILE, frames=1), np.float32)
        high = self._on_host(memory_errors_named(lambda: self._forward(network, low)))
        return bool(np.isfinite(high).all())

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
        statistics = PlaneStatistics(windows)

        def gather() -> None:
            with self._running:
                self._gather(self.network, self.dtype, statistics, watch)

        self._for_want_of_memory(gather)
        return statistics

    def run(
        self,
        low: NDArray[np.float32],
        watch: Watch | None = None,
        statistics: PlaneStatistics | None = None,
    ) -> NDArray[np.float32]:
        """Upscale a batch of tiles.

        Parameters
        ----------
        low
            ``(N, C, Y, X)``, or ``(N, T, C, Y, X)`` for networks that see time; finite, in the network's
            range.
        watch
            Told of each layer.
        statistics
            Statistics of the plane, for networks that need them; by default those of each tile itself.

        Returns
        -------
        NDArray
            ``(N, C, Y * factor, X * factor)`` float32, or ``(N, T', C, Y * factor, X * factor)`` of the
            frames that were not only there to help.

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
        result = self._for_want_of_memory(lambda: self._run(self.network, low, watch, statistics))
        if not np.isfinite(result).all() and self.dtype != torch.float32:
            result = self._for_want_of_memory(lambda: self._run(self._in_float32, low, watch, statistics))
        if not np.isfinite(result).all():
            largest = float(np.abs(low).max())
            raise UserError(
                f"the model {self.model.name} gives values that are not finite for inputs up to "
                f"{significant(largest)} times the image's range; "
                + ("its weights are broken" if largest < OUTLIER else "replace such outliers by NaN first")
            )
        return result

    @property
    def _in_float32(self) -> Generator:
        """For the tiles that are not finite in a smaller type."""
        with self._preparing:
            if self._exact is None:
                self._exact = self._prepared(torch.float32)
            return self._exact

    def _run(
        self,
        network: Generator,
        low: NDArray[np.float32],
        watch: Watch | None,
        statistics: PlaneStatistics | None,
    ) -> NDArray[np.float32]:
        with self._running:
            high = self._upscale(network, _dtype_of(network), low, statistics, watch)
        return self._on_host(high)  # meanwhile the device is another thread's

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
        self.release()
        smallest = np.zeros(self.tile_shape(1, SMALLEST_TILE, frames=1), np.float32)
        try:
            self._run(self.network, smallest, None, None)
        except PerhapsOutOfMemory as error:
            raise UserError(
                f"{self.device} cannot run the model {self.model.name}: {reason.splitlines()[0]}; "
                "use the device 'cpu'"
            ) from error
        raise OutOfMemory(reason)

    def _upscale(
        self,
        network: Generator,
        dtype: torch.dtype,
        low: NDArray[np.float32],
        statistics: PlaneStatistics | None,
        watch: Watch | None,
    ) -> Tensor | Ordered:
        if statistics is None:
            with watched(network, watch, self._later):
                return memory_errors_named(lambda: self._forward(network, low))
        if dtype not in statistics.by_dtype:
            reason = ""
            try:
                self._gather(network, dtype, statistics, watch)
            except OutOfMemory as error:
                reason = str(error) or "out of memory"
            if reason:  # outside of the handler, as in memory_errors_named
                raise SampleTooLarge(reason)
        gathered = Gathered(statistics.by_dtype[dtype])
        with watched(network, watch, self._later), moments_from(gathered, network):
            return memory_errors_named(lambda: self._forward(network, low))

    def _gather(
        self, network: Generator, dtype: torch.dtype, statistics: PlaneStatistics, watch: Watch | None
    ) -> None:
        windows = statistics.windows
        if self._normalised_layers is None:
            self._normalised_layers = self._count_normalised_layers(network, windows.low)
        pixels = windows.low.shape[2] * windows.low.shape[3]
        gathering = Gathering(windows.count, pixels, windows.margin, self._normalised_layers)
        with watched(network, watch, self._later), moments_from(gathering, network), suppress(Complete):
            memory_errors_named(lambda: self._forward(network, windows.low))
        statistics.by_dtype[dtype] = gathering.kept

    def _count_normalised_layers(self, network: Generator, low: NDArray[np.float32]) -> int:
        """How many run for one orientation; found by running a corner of the image."""
        corner = np.ascontiguousarray(low[:1, :, :SMALLEST_TILE, :SMALLEST_TILE])
        counting = Gathering(1, corner.shape[2] * corner.shape[3])
        with moments_from(counting, network):
            memory_errors_named(lambda: self._forward(network, corner))
        return len(counting.kept) // self.passes

    def _forward(self, network: nn.Module, low: NDArray[np.float32]) -> Tensor | Ordered:
        # The grad mode belongs to the thread, and jobs run on threads of their own.
        if self.device.type == "cpu":
            follow_thread_count()
        with torch.inference_mode(), full_precision(self.device, _dtype_of(network)):
            if self._copies is not None:
                result: Tensor = network(self._copies.up(low))
                return self._copies.ordered(result.float().contiguous())
            layout = layout_of(low.ndim, self.device)
            result = network(torch.from_numpy(low).to(self.device, memory_format=layout))
            return result.float().cpu()

    def _on_host(self, high: Tensor | Ordered) -> NDArray[np.float32]:
        if isinstance(high, Tensor):
            return high.numpy()
        assert self._copies is not None
        copies = self._copies
        return memory_errors_named(lambda: copies.down(high))


def _dtype_of(network: nn.Module) -> torch.dtype:
    return next((parameter.dtype for parameter in network.parameters()), torch.float32)


def engine_of(model: Model, options: UpscaleOptions) -> Engine:
    """A model on the device and in the precision that were chosen, turned and mirrored or not.

    Raises
    ------
    UserError
        As :class:`Engine`.
    """
    return Engine(model, options.device, options.precision, self_ensemble=options.self_ensemble)
