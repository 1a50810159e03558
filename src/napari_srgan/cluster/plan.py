"""What a worker has to know to make the blocks of a store."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from importlib.metadata import version
from weakref import WeakKeyDictionary

from napari_srgan.cluster.source import ArraySource, FileSource, InputSample
from napari_srgan.errors import UserError
from napari_srgan.images.image import Image
from napari_srgan.inference.lazy import Settled
from napari_srgan.inference.tiles.tiling import Tile
from napari_srgan.models import Model
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.block_reading import BlockReader
from napari_srgan.results.upscaled_store import LazyPart

MOST_CACHED = 2**29
"""Bytes of tiles that a worker keeps: a tile belongs to one block, and is not read again."""


@dataclass(frozen=True, eq=False)
class BlockPlan:
    """All that a worker has to know; sent to each worker once."""

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

    def reader(self) -> BlockReader:
        """What computes blocks; the same in all tasks of a worker, until the worker drops the plan.

        Raises
        ------
        UserError
            If the worker has another version, or does not see the same input.
        """
        with _lock:
            if self not in _readers:
                _readers[self] = self._open()
            return _readers[self]

    def _open(self) -> BlockReader:
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
        return BlockReader(LazyPart(lazy, self.place), still_there, self.files.wanted)


_readers: WeakKeyDictionary[BlockPlan, BlockReader] = WeakKeyDictionary()
_lock = threading.Lock()
