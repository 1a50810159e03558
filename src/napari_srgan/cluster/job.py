"""Upscaling into a zarr store on the workers of a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_srgan.cluster.check_workers import ClusterSettings, check_workers
from napari_srgan.cluster.connection import workers_of
from napari_srgan.cluster.plan import MOST_CACHED, BlockPlan
from napari_srgan.cluster.scheduler import PAUSE, ROUND, Scheduler
from napari_srgan.cluster.source import FileSource, source_of, take_sample
from napari_srgan.cluster.tasks import Measured, measured
from napari_srgan.errors import UserError
from napari_srgan.images.address import Place
from napari_srgan.images.arrays import check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.images.look import ImageLook
from napari_srgan.images.origins import origins_of
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Region
from napari_srgan.images.zarr.folder_store import within_limits
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.movies.clip_plans import check_align
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.upscale import check_region, check_tile
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.results.upscale_to_zarr import upscaling_progress
from napari_srgan.results.upscaled_store import Destination

if TYPE_CHECKING:
    from distributed import Client


def upscale_on_cluster_job(
    array: Any,
    model: Model,
    path: Path,
    client: Client,
    *,
    origin: FileSource | None = None,
    axes: str | None = None,
    spacings: Sequence[Spacing] | None = None,
    look: ImageLook | None = None,
    source: str = "",
    inputs: Sequence[Place] = (),
    region: Region | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    self_ensemble: bool = False,
    align: str | None = None,
    notes: Iterable[str] = (),
    overwrite: bool = False,
) -> Job[Path]:
    """Upscale an array of any size into a zarr array or an OME-Zarr image, on a cluster.

    The store is the one that :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job` makes, and a
    run begun by the one is gone on with by the other, if they compute on the same type of device.

    Parameters
    ----------
    array, model, path, axes, spacings, look, source, inputs, region, tile, self_ensemble, align, notes,
    overwrite
        As there. The folder of `path` has to be shared by all machines.
    client
        Of the cluster, which may have no workers yet.
    origin
        Where the array was opened from, for workers to open it themselves. Otherwise it is sent to them.
    device, precision
        Of each worker; ``"auto"``: what they say they have, and in which they are fast. Where
        machines are mixed, each takes its own device and all take float32.

    Yields
    ------
    Progress
        Several times a second; closing the generator ends the work of all workers within a tile, and
        keeps what is done.

    Returns
    -------
    Path
        Of the store.

    Raises
    ------
    UserError
        As there; if a worker has another version of napari-srgan, or sees not the same folders; or if
        the scheduler cannot be reached any more.
    """
    path = path.absolute()
    destination = Destination(path, spacings, source, overwrite, [*inputs, *origins_of(array)], look)
    check_tile(tile)
    array = check_array(array)
    axes = axes_of(array, axes)
    array = within_limits(array, axes)
    stack = PlaneStack(array, axes, model.card)
    check_align(align, stack)
    part = check_region(region, stack.plane_shape)
    carried = source_of(array, origin)
    yield from _wait_for_workers(client)
    together = check_workers(client, path, device, precision)
    yield Progress(0, 1, _says_who(client, together))
    side = tile or destination.side_before()
    fits = yield from _measure(client, model, stack.batch, side, together, self_ensemble)
    # The owner computes nothing: any device will do.
    lazy = LazyUpscaling(
        array, model, axes=axes, device="cpu", precision=together.precision, tile=fits.side,
        self_ensemble=self_ensemble, align=align, notes=notes, cache=0, most_sampled=fits.most_sampled,
        transforms=destination.intensities_before(tuple(array.shape)),
    )  # fmt: skip
    with destination.open(lazy, part, {"device": together.device_types}) as store:
        if store.finished:
            return store.path
        plan = BlockPlan(
            source=carried,
            sample=take_sample(array, axes),
            model=model,
            options=lazy.settled | {"device": together.device, "cache": MOST_CACHED},
            place=part,
            files=store.files,
            software=version("napari-srgan"),
        )
        work = Scheduler(client, plan, store)
        try:
            yield upscaling_progress(work.progress(), lazy)
            while work.step():
                yield upscaling_progress(work.progress(), lazy)
        finally:
            work.stop()
        if work.setbacks.left_out:
            raise UserError(work.setbacks.sentence())
        complete = work.progress()
        yield Progress(complete.done, complete.total, f"Completing {path.name}")
        return store.finish()


def _wait_for_workers(client: Client) -> Job[None]:
    while not workers_of(client):
        yield Progress(0, 1, "Waiting for workers")
        time.sleep(ROUND)


def _says_who(client: Client, together: ClusterSettings) -> str:
    count = len(workers_of(client))
    mixed = f", which differ ({together.device_types}): all compute in float32" if together.mixed else ""
    return f"Preparing {count} worker{'s' if count > 1 else ''}{mixed}"


def _measure(
    client: Client, model: Model, batch: int, side: int | None, together: ClusterSettings, ensemble: bool
) -> Job[Measured]:
    """Let a worker measure what fits into its memory."""
    if side is not None and not model.network.needs_plane_statistics:
        return Measured(side, None)
    future = client.submit(
        measured, model, batch, side, together.device, together.precision, ensemble, pure=False, priority=1
    )
    try:
        while not future.done():
            yield Progress(0, 1, "Measuring on a worker")
            time.sleep(PAUSE)
        found: Measured = future.result()
        return found
    finally:
        future.release()
