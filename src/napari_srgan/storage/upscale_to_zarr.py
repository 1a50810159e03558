"""Upscaling into a zarr store: of any size, and it goes on where it was stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_srgan.inference.arrays import check_array
from napari_srgan.inference.axes import axes_of
from napari_srgan.inference.engine import Engine, OutOfMemory, Watch
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.memory import largest_tile
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tile_grid import TilePlace
from napari_srgan.inference.tiling import Tile
from napari_srgan.inference.upscale import Region, check_region
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.storage.begun import earlier_fingerprint
from napari_srgan.storage.copying import copy_job
from napari_srgan.storage.restartable import RestartableStore
from napari_srgan.storage.shard_layout import Sides
from napari_srgan.storage.spacing import Spacing, upscaled_spacings

MOST_TILE, STEP = 1024, 64
"""Side of an automatic tile in pixels of the input: at most, for larger ones are hardly faster; and what it
is a multiple of."""
CACHE = 2**29
"""Bytes of tiles that are kept while blocks are copied."""


def upscale_to_zarr_job(
    array: Any,
    model: Model,
    path: Path,
    *,
    axes: str | None = None,
    spacings: Sequence[Spacing] | None = None,
    source: str = "",
    still_there: Callable[[], None] | None = None,
    region: Region | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    self_ensemble: bool = False,
    overwrite: bool = False,
) -> Job[Path]:
    """Upscale an array of any size into a zarr array or an OME-Zarr image.

    What is there already of the same upscaling is kept: a run that was stopped, or whose machine failed,
    goes on where it was, and ends with the same store as one that was not disturbed.

    Parameters
    ----------
    array, model, axes, region, device, precision, tile, self_ensemble
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    path
        A name in ``.zarr`` or ``.ome.zarr``. The store has it when it is complete.
    spacings
        Of the input, one for each axis; plain pixels if unsaid.
    source
        What the input is called, e.g. its path; another name is another upscaling.
    still_there
        Called between blocks; raises UserError if the input has disappeared, of which missing parts would
        otherwise pass for empty ones.
    overwrite
        Replace what has that name already, and what is unfinished of another upscaling.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within a tile and keeps what is done.

    Returns
    -------
    Path
        Of the store.

    Raises
    ------
    UserError
        If the array, a parameter or the path cannot be used; if parts of the input cannot be read (all
        others are done then, and kept); or if the disk does not take the result.
    """
    array = check_array(array)
    axes = axes_of(array, axes)
    stack = PlaneStack(array, axes, model.card)
    place = check_region(region, stack.plane_shape)
    yield Progress(0, 1, "Preparing")
    options: dict[str, Any] = {
        "axes": axes, "device": device, "precision": precision, "self_ensemble": self_ensemble,
        "cache": CACHE,
    }  # fmt: skip
    side = tile or _side_before(path) or _affordable_side(array, model, options)
    lazy = LazyUpscaling(array, model, tile=side, **options)
    part = _LazyPart(lazy, place)
    whole = ((place.y.start, place.y.stop), (place.x.start, place.x.stop))
    store = RestartableStore(
        path,
        shape=part.shape,
        dtype=part.dtype,
        axes=axes,
        spacings=None if spacings is None else upscaled_spacings(spacings, axes, whole, lazy.factor),
        fingerprint=_fingerprint(lazy, source, whole),
        provenance={**lazy.provenance, "region": whole},
        name=model.name,
        sides=Sides.for_tiles(side * lazy.factor),
        overwrite=overwrite,
    )
    message = f"Upscaling x{lazy.factor} with {model.name}"
    with store:
        copying = copy_job(part, store, still_there=still_there)
        try:
            while True:
                progress = next(copying)
                yield Progress(progress.done, progress.total, f"{message}: {progress.message}".rstrip(": "))
        except StopIteration as end:
            finished: Path = end.value
            return finished
        finally:
            copying.close()
            lazy.forget()


def _fingerprint(lazy: LazyUpscaling, source: str, region: Region) -> dict[str, Any]:
    """What decides the values: all that is told of the upscaling, and the identity of the input."""
    told = dict(lazy.provenance)
    # Another version may compute something else: it says so by other weights or parameters.
    for name in ("note", "software"):
        told.pop(name, None)
    return {**told, "region": region, "source": source, "source_shape": list(lazy.array.shape)}


def _side_before(path: Path) -> int | None:
    """Side of the tiles of what is there already: memory may be another one now."""
    side = (earlier_fingerprint(path) or {}).get("tile")
    return side if isinstance(side, int) else None


def _affordable_side(array: Any, model: Model, options: dict[str, Any]) -> int:
    """Side of a tile that memory suffices for, a multiple of :data:`STEP` if it is not smaller."""
    stack = PlaneStack(array, options["axes"], model.card)
    engine = Engine(model, options["device"], options["precision"], self_ensemble=options["self_ensemble"])
    try:
        largest = largest_tile(engine, stack.batch)
    except OutOfMemory:  # tiles that do not fit are cut in halves
        return STEP
    finally:
        engine.release()
    side = min(math.isqrt(largest) - 2 * model.card.receptive_radius, MOST_TILE)
    return max(side // STEP * STEP, STEP)


class _LazyPart:
    """A region of a lazy upscaling, as an array whose tiles can be computed one by one."""

    def __init__(self, lazy: LazyUpscaling, place: Tile) -> None:
        y = lazy.axes.index("Y")
        self._lazy = lazy
        self._starts = [0] * lazy.ndim
        self._starts[y : y + 2] = place.y.start * lazy.factor, place.x.start * lazy.factor
        sides = len(place.y) * lazy.factor, len(place.x) * lazy.factor
        self.shape = (*lazy.shape[:y], *sides, *lazy.shape[y + 2 :])
        self.dtype = lazy.dtype

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        return self._lazy[self._moved(key)]

    def missing(self, key: tuple[slice, ...]) -> list[TilePlace]:
        """See :meth:`LazyUpscaling.missing`."""
        return self._lazy.missing(self._moved(key))

    def compute(self, place: TilePlace, watch: Watch) -> None:
        """See :meth:`LazyUpscaling.compute`."""
        self._lazy.compute(place, watch)

    def _moved(self, key: tuple[slice, ...]) -> tuple[slice, ...]:
        ranges = (range(*one.indices(size)) for one, size in zip(key, self.shape, strict=True))
        return tuple(
            slice(along.start + start, along.stop + start)
            for along, start in zip(ranges, self._starts, strict=True)
        )
