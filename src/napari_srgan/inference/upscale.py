"""Upscaling an array of any size: the one generator behind every entrance."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator as Iteration
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from operator import index
from typing import Any, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.inference.arrays import check_array, restore_dtype
from napari_srgan.inference.axes import axes_of
from napari_srgan.inference.engine import Engine, OutOfMemory, Watch
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.memory import largest_tile
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.provenance import provenance
from napari_srgan.inference.tiling import SMALLEST_TILE, Span, Tile, plan_tiles
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress

HEARTBEAT = 0.05
"""Seconds between signs of life while a tile is computed."""
NO_MEMORY = "close other programs, or use the device 'cpu' if that is another one"

Region = tuple[tuple[int, int], tuple[int, int]]
"""``((y_start, y_stop), (x_start, x_stop))`` in pixels of the input."""


class Sink(Protocol):
    """Where a result goes: a numpy array, a zarr array."""

    def __setitem__(self, key: Any, value: Any, /) -> None: ...


class SinkFactory(Protocol):
    """Makes the sink, once the shape and dtype of the result are known."""

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any: ...


@dataclass(frozen=True)
class Upscaled:
    """What came of an upscaling."""

    data: Any
    """The sink: ``(..., Y * factor, X * factor[, S])`` of the input's dtype."""
    axes: str
    """One letter for each axis."""
    region: Region
    """Pixels of the input that were upscaled."""
    provenance: dict[str, Any]
    """Model, weights, version, parameters; goes with the result wherever it goes."""


def upscale_job(
    array: Any,
    model: Model,
    *,
    axes: str | None = None,
    region: Region | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    sink: SinkFactory | None = None,
) -> Job[Upscaled]:
    """Upscale an array, plane by plane and tile by tile.

    Parameters
    ----------
    array
        numpy, dask, zarr or xarray; two to five axes, and colour samples last for RGB;
        bool, integers or floats.
    model
        To upscale with.
    axes
        One letter for each axis, see :mod:`napari_srgan.inference.axes`; guessed if unsaid.
    region
        Part of the plane to upscale, with the rest still seen; the whole if unsaid.
    device, precision
        See :class:`napari_srgan.inference.engine.Engine`.
    tile
        Side of a tile in pixels of the input, without its halo; measured if unsaid.
    sink
        Makes the array the result is written to; in memory if unsaid.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within one layer
        of the network.

    Returns
    -------
    Upscaled
        The result. Pixels that were NaN or infinite are so still.

    Raises
    ------
    UserError
        If the array, its axes or a parameter cannot be used, or memory is too small.
    """
    array = check_array(array)
    axes = axes_of(array, axes)
    stack = PlaneStack(array, axes, model.card)
    place = check_region(region, stack.plane_shape)
    check_tile(tile)
    yield Progress(0, 1, "Preparing")

    engine = _start_engine(model, device, precision)
    transforms = stack.transforms()
    factor = model.scale_factor
    halo = model.card.receptive_radius
    largest = None
    if tile is None:
        largest = _largest_tile(engine, stack.batch)
    tiles = plan_tiles(place, halo, largest=largest, side=tile)

    shape = _result_shape(stack, place, factor)
    make_sink = sink or memory_sink
    result = make_sink(shape, np.dtype(array.dtype))
    planes = list(stack.indices())
    message = f"Upscaling x{factor} with {model.name} on {engine.device.type}, {engine.precision}"
    work = _Work(engine, stack, transforms, halo)
    try:
        for done, at in enumerate(planes):
            tiles = yield from _upscale_plane(work, at, tiles, result, place, (done, len(planes)), message)
    finally:
        engine.release()
    return Upscaled(
        data=result,
        axes=axes,
        region=((place.y.start, place.y.stop), (place.x.start, place.x.stop)),
        provenance=provenance(engine, transforms, axes, tile),
    )


def _start_engine(model: Model, device: str, precision: str) -> Engine:
    try:
        return Engine(model, device, precision)
    except OutOfMemory as error:
        raise UserError(
            f"the model {model.name} does not fit into the memory of {device}; {NO_MEMORY}"
        ) from error


def _largest_tile(engine: Engine, batch: int) -> int:
    try:
        return largest_tile(engine, batch)
    except OutOfMemory:  # begin with the smallest: the run itself says if that is too much
        return 1


@dataclass(frozen=True)
class _Work:
    """What stays the same for all tiles of a job."""

    engine: Engine
    stack: PlaneStack
    transforms: dict[int, IntensityTransform]
    halo: int

    def tile(self, index: tuple[int, ...], tile: Tile, watch: Watch) -> NDArray[Any]:
        """Read, compute and restore one tile."""
        card = self.stack.card
        transform = self.transforms[self.stack.channel_of(index)]
        read = self.stack.read(index, tile, self.halo)
        batch = self.engine.run(read.to_batch(transform, card.channels), watch)
        values = read.from_batch(batch, transform, card.scale_factor)
        restored = restore_dtype(values, np.dtype(self.stack.array.dtype))
        return restored if self.stack.rgb else restored[..., 0]


def _upscale_plane(
    work: _Work,
    index: tuple[int, ...],
    tiles: list[Tile],
    result: Sink,
    place: Tile,
    plane: tuple[int, int],
    message: str,
) -> Iteration[Progress, None, list[Tile]]:
    """Upscale one plane; return its tiles as they were in the end, cut for the next plane."""
    queue, finished = deque(tiles), list[Tile]()
    number, planes = plane
    factor = work.stack.card.scale_factor
    total = place.pixels * planes
    done = place.pixels * number
    while queue:
        tile = queue.popleft()
        try:
            pixels = yield from _watch_tile(work, index, tile, done, total, message)
        except OutOfMemory as error:
            queue = deque(_halved([tile, *queue], tile, work.engine, error))
            continue
        result[
            (
                *index,
                _scaled(tile.y, place.y, factor),
                _scaled(tile.x, place.x, factor),
            )
        ] = pixels
        finished.append(tile)
        done += tile.pixels
    return finished


def _watch_tile(
    work: _Work, index: tuple[int, ...], tile: Tile, done: int, total: int, message: str
) -> Iteration[Progress, None, NDArray[Any]]:
    """Compute a tile on a thread of its own, telling how far it is."""
    watch = Watch()
    with ThreadPoolExecutor(1, thread_name_prefix="napari-srgan") as thread:
        future = thread.submit(work.tile, index, tile, watch)
        try:
            while not future.done():
                within = min(watch.layers / work.engine.layers, 1.0)
                yield Progress(done + int(tile.pixels * within), total, message)
                wait([future], HEARTBEAT)
        except BaseException:  # closed, or Ctrl-C
            watch.cancel()
            raise
        try:
            return future.result()
        finally:
            # An error in it holds this frame, and the frame would hold the error.
            del future


def _halved(tiles: list[Tile], failed: Tile, engine: Engine, error: OutOfMemory) -> list[Tile]:
    """Cut every tile in two that is as large as the one that failed."""
    engine.release()
    if max(len(failed.y), len(failed.x)) <= SMALLEST_TILE:
        raise UserError(
            f"a tile of {len(failed.y)} x {len(failed.x)} pixels does not fit into the memory of "
            f"{engine.device}; {NO_MEMORY}"
        ) from error
    cut: list[Tile] = []
    for tile in tiles:
        cut += tile.halves() if tile.pixels >= failed.pixels else [tile]
    return cut


def check_region(region: Region | None, plane: tuple[int, int]) -> Tile:
    """A region as a tile of the plane; the whole plane if there is none.

    Raises
    ------
    UserError
        If the region lies outside the plane or is empty.
    """
    if region is None:
        return Tile(Span(0, plane[0]), Span(0, plane[1]))
    try:
        (y0, y1), (x0, x1) = ((index(start), index(stop)) for start, stop in region)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"a region is ((y_start, y_stop), (x_start, x_stop)) in whole pixels; got {region!r}"
        ) from error
    if not (0 <= y0 < y1 <= plane[0] and 0 <= x0 < x1 <= plane[1]):
        raise UserError(
            f"the region Y {y0}..{y1}, X {x0}..{x1} does not lie inside the image of "
            f"{plane[0]} x {plane[1]} pixels"
        )
    return Tile(Span(y0, y1), Span(x0, x1))


def check_tile(tile: int | None) -> None:
    """Check the side of a tile that a user has given.

    Raises
    ------
    UserError
        If it is no whole number, or too small.
    """
    if tile is None:
        return
    if not hasattr(tile, "__index__") or tile < SMALLEST_TILE:
        raise UserError(f"a tile has a side of {SMALLEST_TILE} whole pixels or more; got {tile!r}")


def memory_sink(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array in memory, if there is room for it.

    Raises
    ------
    UserError
        If the result is larger than the memory that is free.
    """
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    free = psutil.virtual_memory().available
    if size > free:
        raise UserError(
            f"the result has {size / 2**30:.1f} GiB and {free / 2**30:.1f} GiB of memory are free; "
            "upscale a region, or write an array to a .zarr (in a script: out=...; in a shell: OUTPUT.zarr)"
        )
    return np.empty(shape, dtype)


def _result_shape(stack: PlaneStack, place: Tile, factor: int) -> tuple[int, ...]:
    y = stack.axes.index("Y")
    shape = stack.array.shape
    return (*shape[:y], len(place.y) * factor, len(place.x) * factor, *shape[y + 2 :])


def _scaled(span: Span, origin: Span, factor: int) -> slice:
    return slice((span.start - origin.start) * factor, (span.stop - origin.start) * factor)
