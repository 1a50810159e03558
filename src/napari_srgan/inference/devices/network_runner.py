"""A network is run over tiles on one device: pixels go there, an answer is ordered and fetched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_srgan.inference.devices.cancellation import Watch, watched
from napari_srgan.inference.devices.copies import STREAMED, DeviceCopies, Ordered, Sent
from napari_srgan.inference.devices.device_memory import give_back, peak_bytes
from napari_srgan.inference.devices.full_precision import full_precision
from napari_srgan.inference.devices.memory_errors import memory_errors_named
from napari_srgan.inference.devices.thread_count import follow_thread_count
from napari_srgan.inference.devices.worker import Worker
from napari_srgan.inference.tensor_intensity import all_finite
from napari_srgan.inference.tiles.tile_run import Run
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import layout_of

ResultT = TypeVar("ResultT")


class NetworkRunner:
    """Runs networks on a device, on one thread, for callers on any.

    While one caller's tile is computed, others copy theirs.

    Parameters
    ----------
    device
        The networks' device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._worker = Worker()
        self._copies = DeviceCopies(device) if device.type in STREAMED else None

    @property
    def streamed(self) -> bool:
        """Whether the device computes while the host goes on."""
        return self._copies is not None

    def run(
        self,
        network: Generator,
        run: Run,
        watch: Watch | None = None,
        inside: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> tuple[NDArray[Any], bool]:
        """Run a network over a tile.

        Parameters
        ----------
        network
            A network on the device.
        run
            Pixels, and what is done to them before and after the network.
        watch
            Told of each layer.
        inside
            Makes a context that is open, on the network's thread, while it runs.

        Returns
        -------
        tuple
            What the run makes of the network's answer, and whether all of that answer is finite.

        Raises
        ------
        OutOfMemory, PerhapsOutOfMemory
            If the device has, or may have, too little memory for it.
        Cancelled
            If the watch was cancelled.
        """
        sent = self.send(run.raw)

        def order() -> Ordered:
            with inside():
                return self.order(network, run, sent, watch)

        return self.fetch(self.on_thread(order, watch))  # meanwhile the device is another thread's

    def on_thread(self, call: Callable[[], ResultT], watch: Watch | None = None) -> ResultT:
        """Make a call on the networks' thread, and wait for it; what it calls here in turn is called at once.

        The watch is cancelled where the waiting ends before the call does.
        """
        return self._worker.call(call, watch or Watch())

    def send(self, raw: NDArray[Any]) -> Tensor | Sent:
        """Pixels on their way to the device; nobody waits for them yet."""
        copies = self._copies
        return torch.from_numpy(raw) if copies is None else memory_errors_named(lambda: copies.up(raw))

    def order(self, network: Generator, run: Run, sent: Tensor | Sent, watch: Watch | None) -> Ordered:
        """Compute a run, or order it to be computed, on the networks' thread."""
        with watched(network, watch, self.device if self.streamed else None):
            return memory_errors_named(lambda: self._ordered(network, run, sent))

    def fetch(self, high: Ordered) -> tuple[NDArray[Any], bool]:
        """Values that were ordered, on the host, and whether the network's answer is finite."""
        copies = self._copies
        if copies is None:
            return high.values.cpu().numpy(), bool(high.finite)
        return memory_errors_named(lambda: copies.down(high))

    def peak_bytes(self, run: Callable[[], object]) -> float:
        """Most bytes that a run takes on the device at a time, beyond what is taken already."""
        # Tensors can be counted on the thread that makes them, and on no other.
        return self.on_thread(lambda: peak_bytes(self.device, run))

    def release(self) -> None:
        """Give memory that torch keeps for later back to the device."""
        give_back(self.device)

    def close(self) -> None:
        """End the thread, and give memory back; whatever is run after begins another one."""
        self._worker.close()
        self.release()

    def _ordered(self, network: Generator, run: Run, sent: Tensor | Sent) -> Ordered:
        if self.device.type == "cpu":
            follow_thread_count()
        # The grad mode belongs to the thread.
        with torch.inference_mode(), full_precision(self.device, dtype_of(network)):
            high = self._forward(network, run.low(self._arrived(sent)))
            finite = all_finite(high)
            pixels = run.pixels(high)
            if self._copies is None:
                return Ordered(pixels, finite, None)
            return self._copies.ordered(pixels, finite)

    def _forward(self, network: Generator, low: Tensor) -> Tensor:
        high: Tensor = network(low.contiguous(memory_format=layout_of(low.ndim, self.device)))
        return high.float()

    def _arrived(self, sent: Tensor | Sent) -> Tensor:
        if isinstance(sent, Tensor):
            return sent.to(self.device)
        assert self._copies is not None
        return self._copies.taken(sent)


def dtype_of(network: nn.Module) -> torch.dtype:
    """The type of a network's weights; float32 if it has none."""
    return next((parameter.dtype for parameter in network.parameters()), torch.float32)
