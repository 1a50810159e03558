"""Tiles that are still to be computed: put back smaller where memory ends, for whoever computes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from napari_srgan.inference.devices.memory_errors import OutOfMemory, SampleTooLarge
from napari_srgan.inference.plane_work import PlaneWork, halved
from napari_srgan.inference.tiles.tiling import Tile


class TileQueue:
    """The tiles of a part of a plane, or of a clip, in the order in which they are computed.

    Parameters
    ----------
    work
        What is done to each of them.
    tiles
        Tiles that cover the part, each pixel once.
    forget_statistics
        Called when the statistics of the plane have to be gathered again, from fewer pixels.
    """

    def __init__(self, work: PlaneWork, tiles: Iterable[Tile], forget_statistics: Callable[[], None]) -> None:
        self._work = work
        self._todo = deque(tiles)
        self._forget_statistics = forget_statistics
        self.finished: list[Tile] = []
        """Tiles as they were computed in the end."""
        self.too_large: int | None = None
        """Pixels of the last tile that did not fit into memory; None: all did."""

    def __bool__(self) -> bool:
        return bool(self._todo)

    @contextmanager
    def next(self) -> Iterator[Tile]:
        """Give the next tile, to be computed within; it is finished when that ends.

        Where memory does not suffice, the rest of what is within is left out: the tile, and those that are as
        large, come again in halves, or the statistics are forgotten if it was they that did not fit.

        Raises
        ------
        UserError
            If memory does not even suffice for the smallest tile, or the smallest sample.
        """
        tile = self.take()
        with self.handling(tile):
            yield tile

    def take(self) -> Tile:
        """Take the next tile; it is to be computed, and then what comes of it is handled."""
        return self._todo.popleft()

    @contextmanager
    def handling(self, tile: Tile) -> Iterator[None]:
        """As :meth:`next`, for a tile that was taken before; others may have been taken since."""
        try:
            yield
        except SampleTooLarge as error:
            self._work.halve_sample(self._work.plan_sample(), error)
            self._todo.appendleft(tile)
            self._forget_statistics()
        except OutOfMemory as error:
            self._todo = deque(halved([tile, *self._todo], tile, self._work.engine, error))
            self.too_large = tile.pixels
        else:
            self.finished.append(tile)
