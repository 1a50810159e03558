"""Upscaling into a zarr store: of any size, and it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_srgan.errors import threads_told
from napari_srgan.images.address import Place
from napari_srgan.images.arrays import check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.images.factor import doing
from napari_srgan.images.look import ImageLook
from napari_srgan.images.origins import origins_of
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.movies.clip_plans import check_align
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.choice import choose_side
from napari_srgan.inference.tiles.cross_fade import MOST_HALO, seen_around
from napari_srgan.inference.upscale import check_region
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.upscaled_store import Destination, LazyPart

CACHE, READ_ONCE = 2**29, 2**28
"""Bytes of tiles that are kept while blocks are copied; and where no block needs tiles of another."""


def upscale_to_zarr_job(
    array: Any,
    model: Model,
    path: Path,
    *,
    axes: str | None = None,
    spacings: Sequence[Spacing] | None = None,
    look: ImageLook | None = None,
    source: str = "",
    inputs: Sequence[Place] = (),
    still_there: Callable[[], None] | None = None,
    region: Region | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    self_ensemble: bool = False,
    align: str | None = None,
    notes: Iterable[str] = (),
    overwrite: bool = False,
) -> Job[Path]:
    """Upscale an array of any size into a zarr array or an OME-Zarr image.

    Models for time-lapses make several frames at a time, a clip. A block of the store then is a part of the
    plane of all frames of one clip, in one file: what was computed together is written together, and a clip
    is never computed for one of its frames alone, also not where blocks are made by many machines.

    What is there already of the same upscaling is kept: a run that was stopped, or whose machine failed,
    goes on where it was, and ends with the same store as one that was not disturbed.

    Parameters
    ----------
    array, model, axes, region, device, precision, tile, self_ensemble, align, notes
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    path
        A name in ``.zarr`` or ``.ome.zarr``. The store has it when it is complete.
    spacings
        Of the input, one for each axis; plain pixels if unsaid.
    look
        Of the result: what is known of it beside its pixels.
    source
        What the input is called, e.g. its path; another name is another upscaling.
    inputs
        What the input is read from, beyond what the array tells itself.
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
        If the array, a parameter or the path cannot be used; if the result would lie on, in or around what
        it is made of; if parts of the input cannot be read (all
        others are done then, and kept); or if the disk does not take the result.
    """
    destination = Destination(path, spacings, source, overwrite, [*inputs, *origins_of(array)], look)
    array = check_array(array)
    axes = axes_of(array, axes)
    stack = PlaneStack(array, axes, model.card)
    check_align(align, stack)
    place = check_region(region, stack.plane_shape)
    yield Progress(0, 1, "Preparing")
    options: dict[str, Any] = {"device": device, "precision": precision, "self_ensemble": self_ensemble}
    side = tile or destination.side_before() or affordable_side(model, stack.batch, **options)
    before = destination.intensities_before(tuple(array.shape))
    apart = region is None and model.card.receptive_radius <= MOST_HALO
    cache = READ_ONCE if apart else CACHE
    lazy = LazyUpscaling(
        array, model, axes=axes, tile=side, cache=cache, transforms=before, align=align, notes=notes,
        **options,
    )  # fmt: skip
    with threads_told(), destination.open(lazy, place) as store:
        copying = copy_job(LazyPart(lazy, place), store, still_there=still_there)
        try:
            while True:
                yield upscaling_progress(next(copying), lazy)
        except StopIteration as end:
            finished: Path = end.value
            return finished
        finally:
            copying.close()
            lazy.forget()


def upscaling_progress(progress: Progress, lazy: LazyUpscaling) -> Progress:
    """Progress of the copying as that of the upscaling."""
    message = f"{doing(lazy.factor)} with {lazy.model.name}: {progress.message}"
    return Progress(progress.done, progress.total, message.rstrip(": "))


def affordable_side(model: Model, batch: int, *, device: str, precision: str, self_ensemble: bool) -> int:
    """Side of the tiles that are fastest, of those that memory suffices for.

    Parameters
    ----------
    model, device, precision, self_ensemble
        See :class:`~napari_srgan.inference.engine.Engine`.
    batch
        Planes that are computed together.
    """
    engine = Engine(model, device, precision, self_ensemble=self_ensemble)
    try:
        return choose_side(engine, batch, seen_around(model.card.receptive_radius))
    finally:
        engine.release()
