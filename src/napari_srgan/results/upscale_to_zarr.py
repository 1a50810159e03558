"""Upscaling into a zarr store: of any size, and it goes on where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_srgan.errors import threads_told
from napari_srgan.images.factor import doing
from napari_srgan.inference.engine import engine_of
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.tiles.choice import choose_side
from napari_srgan.inference.tiles.cross_fade import MOST_HALO, seen_around
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.upscaled_store import LazyPart, StoreRun

CACHE, READ_ONCE = 2**29, 2**28
"""Bytes of tiles that are kept while blocks are copied; and where no block needs tiles of another."""


def upscale_to_zarr_job(run: StoreRun) -> Job[Path]:
    """Upscale an image of any size into a zarr array or an OME-Zarr image, in this process.

    Models for time-lapses make several frames at a time, a clip. A block of the store then is a part of the
    plane of all frames of one clip, in one file: what was computed together is written together, and a clip
    is never computed for one of its frames alone, also not where blocks are made by many machines.

    What is there already of the same upscaling is kept: a run that was stopped, or whose machine failed,
    goes on where it was, and ends with the same store as one that was not disturbed.

    Parameters
    ----------
    run
        What, with what, how, and where to.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within a tile and keeps what is done.

    Returns
    -------
    Path
        The path of the store.

    Raises
    ------
    UserError
        If the path cannot be used; if parts of the input cannot be read (all others are done then, and kept);
        or if the disk does not take the result.
    """
    yield Progress(0, 1, "Preparing")
    model, options = run.model, run.options
    side = run.side or affordable_side(model, run.stack.batch, options)
    apart = options.region is None and model.card.receptive_radius <= MOST_HALO
    lazy = LazyUpscaling(
        run.image, model, replace(options, tile=side), notes=run.notes, cache=READ_ONCE if apart else CACHE,
        transforms=run.intensities_before(),
    )  # fmt: skip
    with threads_told(), run.open(lazy) as store:
        copying = copy_job(LazyPart(lazy, run.stack.place), store, still_there=run.image.still_there)
        try:
            return (yield from upscaling_words(copying, lazy))
        finally:
            lazy.forget()


def upscaling_words(job: Job[Path], lazy: LazyUpscaling) -> Job[Path]:
    """Tell the progress of filling a store as that of an upscaling."""
    words = f"{doing(lazy.factor)} with {lazy.model.name}"
    try:
        while True:
            progress = next(job)
            yield replace(progress, message=f"{words}: {progress.message}")
    except StopIteration as end:
        finished: Path = end.value
        return finished
    finally:
        job.close()


def affordable_side(model: Model, batch: int, options: UpscaleOptions) -> int:
    """Side of the tiles that are fastest, of those that memory suffices for.

    Parameters
    ----------
    model, options
        See :class:`~napari_srgan.inference.engine.Engine`.
    batch
        Planes that are computed together.
    """
    engine = engine_of(model, options)
    try:
        return choose_side(engine, batch, seen_around(model.card.receptive_radius))
    finally:
        engine.close()
