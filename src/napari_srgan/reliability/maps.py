"""Maps beside a result: arrays of its shape that are computed window by window, in memory or where they are
read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, read_block
from napari_srgan.images.writing.in_memory import memory_sink
from napari_srgan.progress import Job, Progress

MAP_TILE = 1024
"""Pixels of the result along the side of a window."""

Float = NDArray[np.float64]
Compute = Callable[[Float, Float], Float]
"""Makes of a window of the image ``(Y, X)`` and of the window of the result ``(Y * factor, X * factor)``
that lies on it a map of the result's window."""


@dataclass(frozen=True)
class OnTop:
    """A result and the image it was made of, whose pixels lie on each other.

    Parameters
    ----------
    image
        ``(..., Y, X[, S])``, any real dtype: numpy, dask or zarr.
    result
        An array of as many axes; Y and X are `factor` times as long.
    axes
        One letter for each axis of both.
    factor
        How many times the result is larger along Y and X.
    first
        Pixels of the image along Y and X at which the result begins, if it is of a region; None: of all.

    Raises
    ------
    UserError
        If one cannot be the result of the other.
    """

    image: ArrayLike
    result: ArrayLike
    axes: str
    factor: int
    first: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        got, y = tuple(self.result.shape), self.axes.index("Y")
        seen = tuple(self.image.shape)
        fits = len(got) == len(seen) and got[:y] + got[y + 2 :] == seen[:y] + seen[y + 2 :]
        for at in range(2):
            size, whole = got[y + at] if len(got) > y + at else -1, seen[y + at]
            covered = size / self.factor
            fits = fits and (covered == whole if self.first is None else self._fits(covered, whole, at))
        if not fits:
            raise UserError(
                f"a result of shape {got} is none of an image of shape {seen} by a model of factor "
                f"{self.factor}; give the image that it was made of, and its region if it is of a part"
            )

    def _fits(self, covered: float, whole: int, at: int) -> bool:
        return covered.is_integer() and self.start[at] >= 0 and self.start[at] + covered <= whole

    @property
    def start(self) -> tuple[int, int]:
        """Pixels of the image along Y and X at which the result begins."""
        return self.first or (0, 0)

    def map_job(self, compute: Compute, halo: int, message: str, dtype: DTypeLike = np.float32) -> Job[Any]:
        """Compute a map of the whole result, window by window; between two of them it can be cancelled.

        Parameters
        ----------
        compute
            Sees `halo` pixels of the image more on each side, where the image goes on, and the result's
            there.
        halo
            Pixels of the image.
        message
            What is done, for the progress.
        dtype
            Floats of the map.

        Returns
        -------
        array
            Floats of the result's shape; numpy if image and result are, else dask, computed where it is
            read. NaN where the result is not finite.
        """
        if isinstance(self.image, np.ndarray) and isinstance(self.result, np.ndarray):
            made: NDArray[Any] = memory_sink(self.result.shape, np.dtype(dtype))
            parts = list(self._parts())
            for done, part in enumerate(parts):
                yield Progress(done, len(parts), message)
                made[part] = self._window(compute, halo, part, dtype)
            return made
        return self._lazy(compute, halo, dtype)

    def _parts(self) -> Iterator[tuple[slice, ...]]:
        spans = [
            [slice(at, min(at + step, size)) for at in range(0, size, step)]
            for size, step in zip(self.result.shape, self._steps, strict=True)
        ]
        return product(*spans)

    @property
    def _steps(self) -> tuple[int, ...]:
        """Sides of a window along each axis: one plane with all its colours."""
        side = MAP_TILE // self.factor * self.factor
        return tuple(side if axis in "YX" else 4 if axis == "S" else 1 for axis in self.axes)

    def _lazy(self, compute: Compute, halo: int, dtype: DTypeLike) -> Any:
        from dask import array as da

        chunks = tuple(
            tuple(min(step, size - at) for at in range(0, size, step))
            for size, step in zip(self.result.shape, self._steps, strict=True)
        )

        def block(block_info: Any = None) -> NDArray[Any]:
            part = tuple(slice(*span) for span in block_info[None]["array-location"])
            return self._window(compute, halo, part, dtype)

        return da.map_blocks(block, chunks=chunks, dtype=dtype, meta=np.empty((0,) * len(chunks), dtype))

    def _window(self, compute: Compute, halo: int, part: tuple[slice, ...], dtype: DTypeLike) -> NDArray[Any]:
        y = self.axes.index("Y")
        wide_low, wide_high, inner = [], [], []
        for at, span in enumerate(part[y : y + 2]):
            start, stop = span.start // self.factor, span.stop // self.factor
            size = self.result.shape[y + at] // self.factor
            before, after = min(halo, start), min(halo, size - stop)
            first = self.start[at]
            wide_low.append(slice(first + start - before, first + stop + after))
            wide_high.append(slice((start - before) * self.factor, (stop + after) * self.factor))
            inner.append(slice(before * self.factor, span.stop - span.start + before * self.factor))
        low = read_block(self.image, (*part[:y], *wide_low, *part[y + 2 :]))
        high = read_block(self.result, (*part[:y], *wide_high, *part[y + 2 :]))
        made = np.empty(tuple(span.stop - span.start for span in part), dtype)
        for index in np.ndindex(*(span.stop - span.start for span in (*part[:y], *part[y + 2 :]))):
            lead, sample = index[:y], index[y:]
            place = (*lead, slice(None), slice(None), *sample)
            own = high[place].astype(np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                found = compute(low[place].astype(np.float64), own)[inner[0], inner[1]]
                made[place] = np.where(np.isfinite(own[inner[0], inner[1]]), found, np.nan)
        return made
