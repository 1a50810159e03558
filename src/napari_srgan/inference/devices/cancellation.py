"""A look into a running network: how far it is, and a way to stop it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

MOST_AHEAD = 8
"""Layers that a device is ordered beyond the one it is in. So it never waits for an order, and has little
left to do when it is told to stop."""


class Cancelled(Exception):
    """A run was cancelled between two layers."""


class Watch:
    """Looks into a running network: how far it is, and a way to stop it.

    A tile can take seconds; the layers inside it are the places where a run can be
    shown and cancelled without making tiles, and their halos, smaller.
    """

    def __init__(self) -> None:
        self._done = 0
        self._ordered: deque[Any] = deque()
        self._lock = threading.Lock()
        self._stop = False

    @property
    def layers(self) -> int:
        """Layers that have run so far, over all tiles of this watch."""
        with self._lock:
            while self._ordered and self._ordered[0].query():
                self._ordered.popleft()
                self._done += 1
            return self._done

    def cancel(self) -> None:
        """Stop the network after the layer it is in."""
        self._stop = True

    @property
    def cancelled(self) -> bool:
        return self._stop

    def __call__(self, *_: Any) -> None:
        """A layer has run.

        Raises
        ------
        Cancelled
            If no other is to follow.
        """
        with self._lock:
            self._done += 1
        if self._stop:
            raise Cancelled

    def ordered(self, event: Any) -> None:
        """A layer will have run when an event happens on the device; wait if too many are to come.

        Raises
        ------
        Cancelled
            If no other is to follow.
        """
        with self._lock:
            self._ordered.append(event)
            before = self._ordered[0] if len(self._ordered) > MOST_AHEAD else None
        if before is not None:
            before.synchronize()
            _ = self.layers
        if self._stop:
            raise Cancelled


def layers_of(network: nn.Module) -> list[nn.Module]:
    """The layers that a :class:`Watch` counts."""
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)]


@contextmanager
def watched(network: nn.Module, watch: Watch | None, device: torch.device | None = None) -> Iterator[None]:
    """Tell a watch, if there is one, of each layer that runs.

    Parameters
    ----------
    network
        That runs meanwhile.
    watch
        Who is told.
    device
        One that is ordered to compute, and does so later; None: layers have run when they return.
    """
    told = watch if watch is None or device is None else partial(_order, watch, device)
    hooks = [layer.register_forward_hook(told) for layer in layers_of(network)] if told else []
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _order(watch: Watch, device: torch.device, *_: Any) -> None:
    module: Any = torch.get_device_module(device)
    event = module.Event(blocking=True)  # who waits for it leaves the processor to others
    event.record(module.current_stream(device))
    watch.ordered(event)
