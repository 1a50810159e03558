"""The user's array as planes for one model: how many, how bright, and what is read of them for a tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, read_block, sample_values
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.intensity import (
    BYTE_TRANSFORM,
    IntensityTransform,
    percentile_transform,
)
from napari_srgan.inference.movies.clips import consecutive
from napari_srgan.inference.movies.drift import Move, displaced_windows
from napari_srgan.inference.nonfinite import FILL_RADIUS
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.tiles.batch import ALPHA, TileBatch
from napari_srgan.inference.tiles.tiling import Span, Tile, TileWindow, tile_window
from napari_srgan.models import ModelCard


@dataclass(frozen=True)
class PlaneStack:
    """An array seen as planes ``(Y, X)`` or colour planes ``(Y, X, S)`` for one model.

    Whether array, model and options fit each other is checked where it is made, and nowhere again.

    Raises
    ------
    UserError
        If the model is for other channels, or for time-lapses where no axis is time; if the region does not
        lie inside the planes; or if frames are to be aligned for a model of single images.
    """

    array: ArrayLike
    axes: str
    card: ModelCard
    options: UpscaleOptions = AS_USUAL

    def __post_init__(self) -> None:
        if self.card.channels not in (1, 3):
            raise UserError(
                f"{self.card.name} is for {self.card.channels} channels; "
                "images are upscaled by models of 1 or 3 channels"
            )
        if self.card.frames > 1 and "T" not in self.axes:
            raise UserError(_without_time(self.card.name, self.axes))
        if self.options.region is not None:
            _check_inside(self.options.region, self.plane_shape)
        if self.options.align is not None and self.time is None:
            raise UserError(
                f"{self.card.name} is for single images, which no others help: there is nothing to align; "
                f"leave out align={self.options.align!r}, or choose a model for time-lapses"
            )

    @property
    def place(self) -> Tile:
        """The part of each plane that is wanted: the region, or all of it."""
        y, x = self.options.region or ((0, size) for size in self.plane_shape)
        return Tile(Span(*y), Span(*x))

    @property
    def time(self) -> int | None:
        """The axis along which frames help each other, if the model is for time-lapses."""
        return self.axes.index("T") if self.card.frames > 1 else None

    @property
    def rgb(self) -> bool:
        return self.axes.endswith("S")

    @property
    def plane_shape(self) -> tuple[int, int]:
        y = self.axes.index("Y")
        return self.array.shape[y], self.array.shape[y + 1]

    @property
    def batch(self) -> int:
        """Planes that go through the network together."""
        return 3 if self.rgb and self.card.channels == 1 else 1

    @property
    def planes(self) -> int:
        """How many there are."""
        return math.prod(self.array.shape[: self.axes.index("Y")])

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """That of the array, or of the images that a model of another modality was trained on.

        Floats stay floats: they may be NaN in places.
        """
        own: np.dtype[Any] = np.dtype(self.array.dtype)
        if self.card.result is None or own.kind == "f":
            return own
        return np.dtype(self.card.result.dtype)

    def transforms(
        self, *, search: bool = True, look: Callable[[], None] | None = None, partial: bool = False
    ) -> dict[int, IntensityTransform]:
        """One intensity transform for each channel; of all there is along other axes.

        Parameters
        ----------
        search, look
            As in :func:`napari_srgan.images.arrays.sample_values`. Without a search, a span of 0
            may only mean that no sample had contrast.
        partial
            Go by what can be read, where parts cannot.
        """
        return {
            channel: self._transform(channel, search, look, [] if partial else None)
            for channel in range(self._channels)
        }

    @property
    def _channels(self) -> int:
        return int(self.array.shape[self.axes.index("C")]) if "C" in self.axes else 1

    def channel_of(self, index: tuple[int, ...]) -> int:
        """Channel of a plane: 0 if the array has no channel axis."""
        return index[self.axes.index("C")] if "C" in self.axes else 0

    def _transform(
        self,
        channel: int,
        search: bool,
        look: Callable[[], None] | None,
        skipped: list[Exception] | None,
    ) -> IntensityTransform:
        fixed: dict[int, int | slice] = {}
        if "C" in self.axes:
            fixed[self.axes.index("C")] = channel
        if self.rgb:  # all colours alike, or the image would change its colour; never alpha
            fixed[len(self.axes) - 1] = slice(0, ALPHA)
        y = self.axes.index("Y")
        samples = sample_values(self.array, fixed, (y, y + 1), search=search, look=look, skipped=skipped)
        as_bytes = self.card.intensity == "byte" and self.array.dtype == np.uint8
        # Without contrast there is nothing to predict, and a sharp model would invent some.
        if as_bytes and samples.min() < samples.max():
            return BYTE_TRANSFORM
        return replace(percentile_transform(samples), partial=bool(skipped))

    def read(self, index: tuple[int, ...], tile: Tile, halo: int, border: int | None = None) -> TileBatch:
        """Read a tile with its halo; the plane is continued by a border, by default the model's."""
        border = self.card.border if border is None else border
        windows = self._windows(tile, halo, border)
        reads = self._reads(windows)
        pixels = read_block(self.array, (*index, *(slice(r.start, r.stop) for r in reads)))
        return self._input(pixels, reads, windows, tile)

    def read_frames(
        self,
        index: tuple[int, ...],
        frames: Iterable[int],
        tile: Tile,
        halo: int,
        moves: Mapping[int, Move] | None = None,
        made: Collection[int] = (),
    ) -> dict[int, TileBatch]:
        """Read a tile of some frames with its halo; those beside each other together.

        Parameters
        ----------
        index
            Place of a plane, whatever its frame.
        frames
            Numbers along :attr:`time`; one plane is all there is without it.
        tile, halo
            As in :meth:`read`.
        moves, made
            How far each has moved, if any has, and of which of them the tile is wanted; see
            :func:`~napari_srgan.inference.movies.drift.displaced_windows`.
        """
        if self.time is None:
            return dict.fromkeys(frames, self.read(index, tile, halo))
        windows = self._windows_of(set(frames), tile, halo, moves, made)
        found = {}
        for span in consecutive(windows):
            run = range(span.start, span.stop)
            reads = {frame: self._reads(windows[frame]) for frame in run}
            whole = [_around(reads[frame][axis] for frame in run) for axis in range(2)]
            key: list[int | slice] = [*index, *(slice(r.start, r.stop) for r in whole)]
            key[self.time] = slice(span.start, span.stop)
            block = read_block(self.array, tuple(key))
            for frame, pixels in zip(run, block, strict=True):
                y, x = (
                    slice(r.start - of.start, r.stop - of.start)
                    for r, of in zip(reads[frame], whole, strict=True)
                )
                found[frame] = self._input(pixels[y, x], reads[frame], windows[frame], tile)
        return found

    def _windows_of(
        self,
        frames: Collection[int],
        tile: Tile,
        halo: int,
        moves: Mapping[int, Move] | None,
        made: Collection[int],
    ) -> dict[int, tuple[TileWindow, ...]]:
        if not moves:
            return dict.fromkeys(frames, self._windows(tile, halo, self.card.border))
        along = []
        for axis, (span, length) in enumerate(zip((tile.y, tile.x), self.plane_shape, strict=True)):
            moved = {frame: moves.get(frame, (0, 0))[axis] for frame in frames}
            along.append(displaced_windows(span, length, halo, self.card.border, moved, made))
        return {frame: (along[0][frame], along[1][frame]) for frame in frames}

    def samples(self, index: tuple[int, ...], frames: Span, side: int) -> NDArray[Any]:
        """The middle of some frames, ``(frames, Y, X, K)``; K = 1, or 3 colours.

        Parameters
        ----------
        index
            Place of a plane, whatever its frame.
        frames
            Numbers along :attr:`time`.
        side
            Most pixels along Y and along X.
        """
        assert self.time is not None
        starts = [max(size - side, 0) // 2 for size in self.plane_shape]
        key: list[int | slice] = [*index, *(slice(start, start + side) for start in starts)]
        key[self.time] = slice(frames.start, frames.stop)
        block = read_block(self.array, tuple(key))
        return block[..., :ALPHA] if self.rgb else block[..., None]

    def _windows(self, tile: Tile, halo: int, border: int | None) -> tuple[TileWindow, ...]:
        return tuple(
            tile_window(span, length, halo, border, self.card.grid)
            for span, length in zip((tile.y, tile.x), self.plane_shape, strict=True)
        )

    def _reads(self, windows: tuple[TileWindow, ...]) -> tuple[Span, ...]:
        """What is read for windows: more, where pixels that are not finite are filled from around them."""
        grow = FILL_RADIUS if np.dtype(self.array.dtype).kind == "f" else 0
        return tuple(
            w.read.grown(grow, grow).within(Span(0, length))
            for w, length in zip(windows, self.plane_shape, strict=True)
        )

    def _input(
        self, pixels: NDArray[Any], reads: tuple[Span, ...], windows: tuple[TileWindow, ...], tile: Tile
    ) -> TileBatch:
        return TileBatch(
            pixels if self.rgb else pixels[..., None],
            tuple(r.start for r in reads),
            windows,
            tile,
            self.card.result,
            self.result_dtype,
        )


def _around(spans: Iterable[Span]) -> Span:
    """The smallest span with all of some in it."""
    every = list(spans)
    return Span(min(span.start for span in every), max(span.stop for span in every))


def _check_inside(region: Region, plane: tuple[int, int]) -> None:
    (y0, y1), (x0, x1) = region
    if not (0 <= y0 < y1 <= plane[0] and 0 <= x0 < x1 <= plane[1]):
        raise UserError(
            f"the region Y {y0}..{y1}, X {x0}..{x1} does not lie inside the image of "
            f"{plane[0]} x {plane[1]} pixels"
        )


def _without_time(name: str, axes: str) -> str:
    """What is said where a model for time-lapses has no time to look along."""
    leading = axes[: axes.index("Y")]
    if not leading:
        return (
            f"{name} is for time-lapses, and this image has no time axis (its axes are {axes}); "
            "choose a model for single images"
        )
    named = "T" + axes[1:] if leading.count("Q") != 1 else axes.replace("Q", "T")
    return (
        f"{name} is for time-lapses, and no axis is named T (the axes are {axes}, Q for one without a name); "
        f"say which is time, e.g. axes={named!r}, or choose a model for single images"
    )
