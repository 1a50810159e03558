"""The upscaled image as an array that is computed tile by tile, only where it is read."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.image import Image
from napari_srgan.images.indexing import Part, part_of
from napari_srgan.images.lazy_array import LazyArray
from napari_srgan.images.synchronous_dask import readable_here
from napari_srgan.images.writing.in_memory import memory_sink
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.engine import engine_of
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.placeholder import enlarged
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.provenance import provenance
from napari_srgan.inference.tiles.cache import TileCache, cache_budget
from napari_srgan.inference.tiles.canonical import CanonicalTiles
from napari_srgan.inference.tiles.grid import Piece, TileGrid, TilePlace, cut_at_borders, piece_sizes
from napari_srgan.inference.upscale import result_shape
from napari_srgan.models import Model

if TYPE_CHECKING:
    import dask.array as da

LAZY_TILE = 256
"""Side of a tile in low-resolution pixels, if nothing is said: small enough that the first is there
soon, large enough that its halo of some 40 pixels does not cost more than the tile."""

SliceIndex = tuple[slice, ...]

_here: WeakValueDictionary[str, LazyUpscaling] = WeakValueDictionary()
"""Those that have been sent, by name: a process that is sent one ten times has one network and one cache."""
_lock = threading.Lock()


@dataclass(frozen=True)
class Settled:
    """What a lazy upscaling has settled, for processes that are to get the same values."""

    options: UpscaleOptions
    notes: tuple[str, ...]
    cache: int | None
    transforms: Mapping[int, IntensityTransform]
    most_sampled: int | None

    def upscaling(self, image: Image, model: Model) -> LazyUpscaling:
        """The upscaling of the image that all of this was settled for."""
        return LazyUpscaling(
            image, model, self.options, notes=self.notes, cache=self.cache, transforms=self.transforms,
            most_sampled=self.most_sampled,
        )  # fmt: skip


class LazyUpscaling(LazyArray):
    """Upscales an array where it is read; whoever reads it waits for the tiles that are not there yet.

    Tiles lie on a fixed grid from pixel 0 on, and each has one value: whatever is read, in whatever
    order and by how many threads, in float32 the values are those of
    :func:`~napari_srgan.inference.upscale.upscale_job` with the same `tile`, to the last bit. (Not
    with another `tile`: see ``docs/scripting.md``.) They are kept within a budget of memory.

    Nothing is computed when it is made. Intensities are settled then, once, for all tiles: from all
    values up to 2**24, of larger arrays from 64 blocks of 256 x 256 pixels spread evenly, and if these have
    no contrast, from the extremes of 256 more. Only if these have none either, up to 4,096 of
    2,048 x 2,048 are looked at, before the first tile is computed: all of a slide of 130,000 x 130,000.

    A model for time-lapses is run over clips, which lie on a fixed grid from frame 0 on, too, and a tile is
    that of all frames of one: the first frame costs as much as all of them, and the others are there then.

    It can be sent to other processes, if its array can. They take over what is settled here: intensities,
    precision and tiles; each has a device, a network and a cache of its own.

    Parameters
    ----------
    image
        To upscale.
    model
        To upscale with.
    options
        How; without a region: parts are read instead. Tiles are of :data:`LAZY_TILE` by default.
    notes
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    cache
        Bytes for tiles; see :func:`napari_srgan.inference.tiles.cache.cache_budget`.
    transforms
        Intensity transform of each channel, where another process has settled them.
    most_sampled
        Pixels that a plane's statistics are gathered from, at most; by default measured when needed.

    Raises
    ------
    UserError
        If the model or an option does not fit the image.
    """

    def __init__(
        self,
        image: Image,
        model: Model,
        options: UpscaleOptions = AS_USUAL,
        *,
        notes: Iterable[str] = (),
        cache: int | None = None,
        transforms: Mapping[int, IntensityTransform] | None = None,
        most_sampled: int | None = None,
    ) -> None:
        budget = cache_budget(cache)
        self.array = image.pixels
        self.axes = image.axes
        self.model = model
        self.factor: int = model.scale_factor
        stack = PlaneStack(self.array, self.axes, model.card, options)
        engine = engine_of(model, options)
        side = LAZY_TILE if options.tile is None else int(options.tile)
        grid = TileGrid(stack.plane_shape, side, self.factor)
        settled = stack.transforms(search=False, partial=True) if transforms is None else dict(transforms)
        work = PlaneWork(engine, stack, grid.whole, settled, most_sampled=most_sampled)
        work.cut = math.prod(grid.counts) > 1
        self.tile = grid.side
        self.clip = engine.timing.clip
        super().__init__(result_shape(stack, grid.whole, self.factor), stack.result_dtype)
        self._grid = grid
        self._work = work
        self._tiles = CanonicalTiles(work, grid, TileCache(budget))
        self._notes = tuple(notes)
        self._cache = cache
        # What is settled here holds for every process that it is sent to.
        self._options = replace(options, precision=engine.precision, tile=grid.side)
        self._name = f"upscaled-{uuid4().hex}"

    @property
    def provenance(self) -> dict[str, Any]:
        """Model, weights, version, parameters; as in :class:`~napari_srgan.images.upscaled.Upscaled`."""
        return provenance(self._work, self.axes, self.tile, self._notes)

    def read(self, part: Part) -> NDArray[Any]:
        """Compute what is missing of a part, and give its pixels.

        Raises
        ------
        UserError
            If memory does not suffice for the part, or not even for the smallest tile, or if the model
            gives no finite values.
        """
        result = memory_sink(part.shape, self.dtype)
        for place, into, of in self._pieces(part):
            result[into] = self._tiles.pixels(place, Watch())[of]
        return part.answer(result)

    def peek(self, key: Any, *, alike: bool = False) -> tuple[NDArray[Any], bool]:
        """What can be shown of a part at once: nothing is computed.

        Parameters
        ----------
        key
            As for reading.
        alike
            Whether all of it is shown alike: enlarged as long as any tile is not there.

        Returns
        -------
        tuple
            The part, with pixels of the input enlarged where tiles are not there; and whether
            all of it is real.
        """
        part = part_of(key, self.shape)
        pieces = [(self._tiles.peek(place), into, of) for place, into, of in self._pieces(part)]
        real = all(tile is not None for tile, _, _ in pieces)
        result = np.empty(part.shape, self.dtype) if real else enlarged(self._work, part)
        for tile, into, of in pieces:
            if tile is not None and (real or not alike):
                result[into] = tile[of]
        return part.answer(result), real

    def missing(self, key: Any) -> list[TilePlace]:
        """Tiles of a part that are not there, nearest its middle first."""
        part = part_of(key, self.shape)
        y = self.axes.index("Y")
        clips = _nearest_first([index for index, _ in self._clips(part)])
        rows, columns = (self._grid.pieces(part.ranges[axis]) for axis in (y, y + 1))
        tiles = _nearest_first([(row.number, column.number) for row, column in product(rows, columns)])
        places = (TilePlace(index, row, column) for index in clips for row, column in tiles)
        return [place for place in places if place not in self._tiles.cache]

    def compute(self, place: TilePlace, watch: Watch | None = None) -> None:
        """Compute a tile, if it is not there.

        Raises
        ------
        Cancelled
            If the watch was cancelled: within one layer of the network.
        UserError
            As when reading.
        """
        self._tiles.pixels(place, watch or Watch())

    def forget(self) -> None:
        """Give back the memory of tiles and network; whatever is read after is computed again."""
        self._tiles.forget()

    def dask(self) -> da.Array:
        """As a dask array whose chunks are the tiles; along leading axes they are one plane thick.

        Along time they are one clip thick, if the model is for time-lapses.

        Nothing is computed, and no time is spent on tiles that are not looked at, however many there are.
        """
        from napari_srgan.inference.lazy_dask import tile_array

        return tile_array(self, self.tile_sizes, self._name)

    def tile_sizes(self, part: Part) -> tuple[tuple[int, ...], ...]:
        """How many places of a part lie in each tile, along every axis."""
        y = self.axes.index("Y")
        plane = (self._grid.pieces(along) for along in part.ranges[y : y + 2])
        cut = tuple(piece_sizes(pieces) for pieces in (*self._leading(part), *plane))
        return (*cut, *((len(along),) for along in part.ranges[y + 2 :]))

    @property
    def settled(self) -> Settled:
        """With what another process makes it again, of the same image, with the same values."""
        return Settled(
            self._options, self._notes, self._cache, self._work.transforms, self._work.most_sampled
        )

    def __reduce__(self) -> tuple[Any, ...]:
        with _lock:
            _here.setdefault(self._name, self)
        return _made_again, (self._name, self.array, self.axes, self.model, self.settled)

    def _pieces(self, part: Part) -> Iterator[tuple[TilePlace, SliceIndex, SliceIndex]]:
        """Tiles of a part: which, where in the answer, and which of its pixels."""
        y = self.axes.index("Y")
        rows, columns = (self._grid.pieces(part.ranges[axis]) for axis in (y, y + 1))
        samples = part.slices[y + 2 :]
        every = [slice(None)] * len(samples)
        for index, clip in self._clips(part):
            into, of = [piece.into for piece in clip], [piece.of for piece in clip]
            for row, column in product(rows, columns):
                place = TilePlace(index, row.number, column.number)
                yield place, (*into, row.into, column.into, *every), (*of, row.of, column.of, *samples)

    def _clips(self, part: Part) -> Iterator[tuple[tuple[int, ...], tuple[Piece, ...]]]:
        """Clips of a part: where they begin, and what of them is in it; planes, if nothing sees time."""
        steps = self._work.clip_steps
        for clip in product(*self._leading(part)):
            yield tuple(piece.number * step for piece, step in zip(clip, steps, strict=True)), clip

    def _leading(self, part: Part) -> list[list[Piece]]:
        """The leading axes of a part, cut into clips."""
        return [cut_at_borders(*along) for along in zip(part.ranges, self._work.clip_steps, strict=False)]


def _nearest_first(places: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Those in the middle of a box of places first."""
    if not places:
        return []
    middle = [(first + last) / 2 for first, last in zip(places[0], places[-1], strict=True)]
    return sorted(places, key=lambda place: sum((a - b) ** 2 for a, b in zip(place, middle, strict=True)))


def _made_again(name: str, array: Any, axes: str, model: Model, settled: Settled) -> LazyUpscaling:
    """One that was sent, in the process that got it."""
    with _lock:
        if (known := _here.get(name)) is not None:
            return known
        made = settled.upscaling(Image(readable_here(array), axes), model)
        made._name = name
        _here[name] = made
        return made
