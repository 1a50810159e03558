"""The tiles of a fixed grid: each has one value, whoever asks for it, and in whatever order.

A tile is computed whole, with the halo its network needs. Where the halo is the receptive radius that
is its value. Where it is capped (:mod:`napari_srgan.inference.tiles.cross_fade`), it is blended of what the
tile and its neighbours predict, in the order in which they lie. Networks that normalise over the
plane are given its statistics, which are gathered before its first tile.

A tile that does not fit into memory is computed in halves, and so are those after it. Then its value
is the same up to rounding where the halo is the receptive radius, else up to what lies beyond the halo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.images.reading.own_pages import copy_to_own_pages
from napari_srgan.inference.devices.cancellation import Cancelled, Watch
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.plane_statistics import PlaneStatistics
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.tile_queue import TileQueue
from napari_srgan.inference.tiles.cache import TileCache
from napari_srgan.inference.tiles.cross_fade import (
    CrossFade,
    Strip,
    blend_strips,
    pixel_index,
    reach_of,
    strips_of,
)
from napari_srgan.inference.tiles.grid import TileGrid, TilePlace
from napari_srgan.inference.tiles.tiling import Tile


class CanonicalTiles:
    """Computes tiles and keeps them.

    Parameters
    ----------
    work
        Network and planes; its transforms may be such that no sample had contrast for.
    grid
        The grid that tiles lie on.
    cache
        The cache in which they are kept.
    """

    def __init__(self, work: PlaneWork, grid: TileGrid, cache: TileCache) -> None:
        self.work = work
        self.grid = grid
        self.cache = cache
        self._settled = all(transform.span for transform in work.transforms.values())
        self._too_large: int | None = None

    def peek(self, place: TilePlace) -> NDArray[Any] | None:
        """Get a tile if it is there: an array as :meth:`pixels` gives it, or None."""
        kept: NDArray[Any] | None = self.cache.peek(place)
        return kept

    def pixels(self, place: TilePlace, watch: Watch) -> NDArray[Any]:
        """Get the pixels of a tile; they are computed if they are not there.

        Parameters
        ----------
        place
            The tile.
        watch
            Cancels the computing, or the waiting for another thread that computes it.

        Returns
        -------
        NDArray
            ``(..., Y, X)`` or ``(..., Y, X, S)`` of the result's dtype, with all axes of the result: along T
            the frames of a clip, along other leading axes one place.

        Raises
        ------
        Cancelled
            If the watch was cancelled.
        UserError
            If memory does not even suffice for the smallest tile.
        """
        return self.cache.get(place, lambda: copy_to_own_pages(self._pixels(place, watch)), _size, watch)

    def forget(self) -> None:
        """Drop tiles, statistics and the network; they are made again when they are next wanted."""
        self.cache.clear()
        self._too_large = None
        self.work.engine.forget()

    def _pixels(self, place: TilePlace, watch: Watch) -> NDArray[Any]:
        self._settle(watch)
        if not self.work.fades:
            return self.work.shaped(self._frames(place.index, self.grid.tile(place), watch, rounded=True))
        own = self._predicted(place, watch)
        others = [near for near in self.grid.around(place) if near != place]
        strips = [own, *(strip for near in others for strip in self._strips(near, watch))]
        values = blend_strips(strips, own.tile, self.grid.whole, self.grid.factor)
        self._strips(place, watch)
        self.cache.drop(("predicted", place))  # what neighbours need of it is kept
        return self.work.restored(values)

    def _predicted(self, place: TilePlace, watch: Watch) -> Strip:
        """What a tile predicts of itself and of its reach, before it is blended."""
        tile = self.grid.tile(place)
        reach = reach_of(tile, self.grid.whole)
        return self.cache.get(
            ("predicted", place),
            lambda: Strip(tile, reach, self._frames(place.index, reach, watch, rounded=False)),
            lambda strip: strip.values.nbytes,
            watch,
        )

    def _strips(self, place: TilePlace, watch: Watch) -> list[Strip]:
        """What neighbours need of a tile."""
        return self.cache.get(
            ("strips", place),
            lambda: strips_of(self._predicted(place, watch), self.grid.factor),
            lambda strips: sum(strip.values.nbytes for strip in strips),
            watch,
        )

    def _settle(self, watch: Watch) -> None:
        """Look at more, once, if no sample had contrast."""
        if self._settled:
            return

        def look() -> None:
            if watch.cancelled:
                raise Cancelled

        every = self.cache.get(
            "transforms", lambda: self.work.stack.transforms(look=look, partial=True), lambda _: 0, watch
        )
        self.work.transforms, self._settled = every, True

    def _frames(self, index: tuple[int, ...], whole: Tile, watch: Watch, *, rounded: bool) -> NDArray[Any]:
        """Compute a part of a plane in one go, or in as few as fit."""
        factor = self.grid.factor
        queue = TileQueue(self.work, self._cut(whole), lambda: self.cache.drop(("statistics", index)))
        fade = CrossFade(whole, factor)
        values: NDArray[Any] | None = None
        while queue:
            with queue.next() as tile:
                seen = fade.reach(tile) if self.work.fades else tile
                statistics = self._statistics(index, watch) if self.work.must_measure(tile) else None
                found = self.work.frames(index, seen, statistics, watch, rounded=rounded)
                if tile == whole:
                    return found
                if values is None:
                    size = len(whole.y) * factor, len(whole.x) * factor
                    values = np.empty((len(found), *size, found.shape[-1]), found.dtype)
                values[pixel_index(seen, whole, factor)] = (
                    fade.blend(tile, found) if self.work.fades else found
                )
            self._too_large = queue.too_large or self._too_large
        assert values is not None
        return values

    def _cut(self, tile: Tile) -> list[Tile]:
        """Cut a tile into parts as small as those that did fit, once one did not."""
        if self._too_large is None or tile.pixels < self._too_large:
            return [tile]
        return [part for half in tile.halves() for part in self._cut(half)]

    def _statistics(self, index: tuple[int, ...], watch: Watch) -> PlaneStatistics:
        return self.cache.get(
            ("statistics", index), lambda: self._gather(index, watch), _size_of_statistics, watch
        )

    def _gather(self, index: tuple[int, ...], watch: Watch) -> PlaneStatistics:
        while True:
            sample = self.work.plan_sample()
            try:
                statistics = self.work.gather(index, sample, watch)
            except OutOfMemory as error:
                self.work.halve_sample(sample, error)
                continue
            self.work.note_sample(sample)
            if self.work.engine.dtype != torch.float32:
                return statistics
            # Nobody looks at the pixels again.
            nothing = np.empty((0, 0, 0, 0), np.float32)
            return replace(statistics, windows=replace(statistics.windows, low=nothing))


def _size(pixels: NDArray[Any]) -> int:
    return int(pixels.nbytes)


def _size_of_statistics(statistics: PlaneStatistics) -> int:
    moments = [tensor for kept in statistics.by_dtype.values() for pair in kept for tensor in pair]
    return int(statistics.windows.low.nbytes) + sum(tensor.nbytes for tensor in moments)
