"""One model on one device in one precision."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.cancellation import Watch, layers_of, watched
from napari_srgan.inference.devices.choice import choose_dtype, find_device
from napari_srgan.inference.devices.copies import (
    STREAMED,
    DeviceCopies,
    Ordered,
    Sent,
    computes_with,
)
from napari_srgan.inference.devices.device_memory import give_back, peak_bytes
from napari_srgan.inference.devices.full_precision import full_precision
from napari_srgan.inference.devices.memory_errors import (
    OutOfMemory,
    PerhapsOutOfMemory,
    SampleTooLarge,
    memory_errors_named,
)
from napari_srgan.inference.devices.thread_count import follow_thread_count
from napari_srgan.inference.devices.worker import Worker
from napari_srgan.inference.movies.clips import TemporalWindow
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.plane_statistics import PlaneStatistics, Windows
from napari_srgan.inference.tensor_intensity import all_finite
from napari_srgan.inference.tiles.tile_run import PartlyHere, PlainRun, Run
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
        self._worker = Worker()
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
        self.close()

    def peak_bytes(self, run: Callable[[], object]) -> float:
        """Most bytes that a run takes on the device at a time, beyond what is taken already."""
        # Tensors can be counted on the thread that makes them, and on no other.
        return self._worker.call(lambda: peak_bytes(self.device, run), Watch())

    def release(self) -> None:
        """Give memory that torch keeps for later back to the device."""
        give_back(self.device)

    def close(self) -> None:
        """End the thread of the network, and give memory back; whatever is run after begins another one."""
        self._worker.close()
        self.release()

    @property
    def tiles_at_a_time(self) -> int:
        """Tiles that are best in work together: one is read, one computed and one written, if the device
        computes while the host goes on."""
        return 3 if self._copies is not None else 1

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
        return self._run(network, PlainRun(low), None, None)[1]

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
            network, low = self.network, memory_errors_named(lambda: self._sent(windows.low))
            self._worker.call(lambda: self._gather(network, low, statistics, watch), watch or Watch())

        self._for_want_of_memory(gather)
        return statistics

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
                lambda: self._run(self._in_float32, here, watch, statistics)
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

    @property
    def _in_float32(self) -> Generator:
        """For the tiles that are not finite in a smaller type."""
        with self._preparing:
            if self._exact is None:
                self._exact = self._prepared(torch.float32)
            return self._exact

    def _run(
        self, network: Generator, run: Run, watch: Watch | None, statistics: PlaneStatistics | None
    ) -> tuple[NDArray[Any], bool]:
        """What a run makes of the network's answer, and whether all of that is finite."""
        sent = memory_errors_named(lambda: self._sent(run.raw))
        stop = watch or Watch()
        high = self._worker.call(lambda: self._upscale(network, run, sent, statistics, watch), stop)
        return self._on_host(high)  # meanwhile the device is another thread's

    def _sent(self, raw: NDArray[Any]) -> Tensor | Sent:
        """Pixels on their way to the device; nobody waits for them yet."""
        if self._copies is not None:
            return self._copies.up(raw)
        return torch.from_numpy(raw)

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
            self._run(self.network, PlainRun(smallest), None, None)
        except PerhapsOutOfMemory as error:
            raise UserError(
                f"{self.device} cannot run the model {self.model.name}: {reason.splitlines()[0]}; "
                "use the device 'cpu'"
            ) from error
        raise OutOfMemory(reason)

    def _upscale(
        self,
        network: Generator,
        run: Run,
        sent: Tensor | Sent,
        statistics: PlaneStatistics | None,
        watch: Watch | None,
    ) -> Ordered:
        if statistics is None:
            with watched(network, watch, self._later):
                return memory_errors_named(lambda: self._made(network, run, sent))
        dtype = _dtype_of(network)
        if dtype not in statistics.by_dtype:
            reason = ""
            try:
                self._gather(network, self._sent(statistics.windows.low), statistics, watch)
            except OutOfMemory as error:
                reason = str(error) or "out of memory"
            if reason:  # outside of the handler, as in memory_errors_named
                raise SampleTooLarge(reason)
        gathered = Gathered(statistics.by_dtype[dtype])
        with watched(network, watch, self._later), moments_from(gathered, network):
            return memory_errors_named(lambda: self._made(network, run, sent))

    def _gather(
        self, network: Generator, sent: Tensor | Sent, statistics: PlaneStatistics, watch: Watch | None
    ) -> None:
        windows = statistics.windows
        if self._normalised_layers is None:
            self._normalised_layers = self._count_normalised_layers(network, windows.low)
        pixels = windows.low.shape[2] * windows.low.shape[3]
        gathering = Gathering(windows.count, pixels, windows.margin, self._normalised_layers)
        run = PlainRun(windows.low)
        with watched(network, watch, self._later), moments_from(gathering, network), suppress(Complete):
            memory_errors_named(lambda: self._made(network, run, sent))
        statistics.by_dtype[_dtype_of(network)] = gathering.kept

    def _count_normalised_layers(self, network: Generator, low: NDArray[np.float32]) -> int:
        """How many run for one orientation; found by running a corner of the image."""
        corner = np.ascontiguousarray(low[:1, :, :SMALLEST_TILE, :SMALLEST_TILE])
        counting = Gathering(1, corner.shape[2] * corner.shape[3])
        with moments_from(counting, network):
            memory_errors_named(lambda: self._made(network, PlainRun(corner), self._sent(corner)))
        return len(counting.kept) // self.passes

    def _made(self, network: Generator, run: Run, sent: Tensor | Sent) -> Ordered:
        """Compute a run, or order it to be computed, on the worker's thread."""
        # The grad mode belongs to the thread.
        if self.device.type == "cpu":
            follow_thread_count()
        with torch.inference_mode(), full_precision(self.device, _dtype_of(network)):
            raw = sent.to(self.device) if isinstance(sent, Tensor) else self._arrived(sent)
            high = self._forward(network, run.low(raw))
            finite = all_finite(high)
            pixels = run.pixels(high)
            return (
                Ordered(pixels, finite, None)
                if self._copies is None
                else self._copies.ordered(pixels, finite)
            )

    def _forward(self, network: Generator, low: Tensor) -> Tensor:
        high: Tensor = network(low.contiguous(memory_format=layout_of(low.ndim, self.device)))
        return high.float()

    def _arrived(self, sent: Sent) -> Tensor:
        assert self._copies is not None
        return self._copies.taken(sent)

    def _on_host(self, high: Ordered) -> tuple[NDArray[Any], bool]:
        if self._copies is None:
            return high.values.cpu().numpy(), bool(high.finite)
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
