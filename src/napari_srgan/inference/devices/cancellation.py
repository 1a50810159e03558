"""A look into a running network: how far it is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn


class Cancelled(Exception):
    """A run was cancelled between two layers."""


@dataclass
class Watch:
    """Looks into a running network: how far it is, and a way to stop it.

    A tile can take seconds; the layers inside it are the places where a run can be
    shown and cancelled without making tiles, and their halos, smaller.
    """

    layers: int = 0
    """Layers that have run so far, over all tiles of this watch."""
    _stop: bool = False

    def cancel(self) -> None:
        """Stop the network after the layer it is in."""
        self._stop = True

    @property
    def cancelled(self) -> bool:
        return self._stop

    def __call__(self, *_: Any) -> None:
        self.layers += 1
        if self._stop:
            raise Cancelled


def layers_of(network: nn.Module) -> list[nn.Module]:
    """The layers that a :class:`Watch` counts."""
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)]


@contextmanager
def watched(network: nn.Module, watch: Watch | None) -> Iterator[None]:
    """Tell a watch, if there is one, of each layer that runs."""
    hooks = [layer.register_forward_hook(watch) for layer in layers_of(network)] if watch else []
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
