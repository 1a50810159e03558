"""What a worker has to know to make the blocks of a store."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import torch
from numpy.typing import NDArray

from napari_srgan.cluster.source import ArraySource, FileSource, InputSample
from napari_srgan.errors import UserError, words_of
from napari_srgan.images.image import Image
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.lazy import LazyUpscaling, Settled
from napari_srgan.inference.tiles.tiling import Tile
from napari_srgan.models import Model
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.upscaled_store import LazyPart

MOST_CACHED = 2**29
"""Bytes of tiles that a worker keeps: a tile belongs to one block, and is not read again."""


class Unreadable(Exception):
    """A part of the input could not be read or computed; says why."""


class GivenUp(Exception):
    """Nobody waits any more for what is being made."""


@dataclass(frozen=True, eq=False)
class BlockPlan:
    """All of it; sent to each worker once."""

    source: FileSource | ArraySource
    sample: InputSample | None
    axes: str
    """One letter for each axis of the input."""
    model: Model
    settled: Settled
    """The upscaling, for the device of the workers."""
    place: Tile
    """Part of each plane."""
    files: BlockFiles
    software: str
    """Version of the process that owns the store."""

    @property
    def wanted(self) -> bool:
        """Whether the process that owns the store waits for what is made."""
        return self.files.incoming.exists()

    def opened(self) -> OpenedPlan:
        """Ready to work; the same one in all tasks of a worker, until the worker drops the plan.

        Raises
        ------
        UserError
            If the worker has another version, or does not see the same input.
        """
        with _lock:
            if self not in _opened:
                _opened[self] = self._open()
            return _opened[self]

    def _open(self) -> OpenedPlan:
        if (here := version("napari-srgan")) != self.software:
            raise UserError(
                f"the worker on {socket.gethostname()} has napari-srgan {here}, and this process "
                f"{self.software}; install the same version on all machines"
            )
        try:
            array, still_there = self.source.open()
        except UserError as error:
            raise UserError(f"the worker on {socket.gethostname()}: {error}") from None
        if self.sample is not None and not self.sample.agrees(array):
            raise UserError(
                f"the worker on {socket.gethostname()} reads other values from the input than this process; "
                "put the input into a folder that all machines share"
            )
        lazy = self.settled.upscaling(Image(array, self.axes), self.model)
        return OpenedPlan(lazy, LazyPart(lazy, self.place), self.files, still_there)


@dataclass(frozen=True)
class OpenedPlan:
    """A worker's network and its input."""

    lazy: LazyUpscaling
    part: LazyPart
    files: BlockFiles
    still_there: Callable[[], None]

    def pixels(self, block: Block) -> NDArray[Any]:
        """Compute a block.

        Raises
        ------
        Unreadable
            If a part of the input does not decode, or the network cannot be run on it.
        UserError
            If the input has disappeared.
        GivenUp
            If the process that owns the store has closed it, or another has opened it.
        """
        try:
            for place in self.part.missing(block.slices):
                self._go_on()
                self.part.compute(place, Watch())
            pixels = self.part[block.slices]
        except (MemoryError, GivenUp):
            raise
        except Exception as error:  # each codec has errors of its own, and not all can be sent
            self._make_sure()
            raise Unreadable(words_of(error)) from None
        self._make_sure()
        return pixels

    def _make_sure(self) -> None:
        """Missing chunks of zarr read as zeros; see that it is not all of them that are missing."""
        try:
            self.still_there()
        except UserError as error:
            raise UserError(f"{error}; what is done is kept: start the same again to go on") from None

    def _go_on(self) -> None:
        if not self.files.incoming.exists():
            raise GivenUp


_opened: WeakKeyDictionary[BlockPlan, OpenedPlan] = WeakKeyDictionary()
_lock = threading.Lock()


def use_threads(count: int) -> None:
    """Let the network use the threads that a worker has; dask lets it have one, whatever the worker has."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
