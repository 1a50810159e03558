"""Upscaling into a zarr store on the workers of a cluster."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from napari_srgan.cluster.check_workers import ClusterSettings, check_workers
from napari_srgan.cluster.connection import workers_of
from napari_srgan.cluster.executor import ROUND, ClusterBlockExecutor
from napari_srgan.cluster.plan import MOST_CACHED, BlockPlan
from napari_srgan.cluster.source import source_of, take_sample
from napari_srgan.cluster.tasks import Measured, measured
from napari_srgan.images.zarr.folder_store import within_limits
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.results.schedule import PAUSE, fill_job
from napari_srgan.results.upscale_to_zarr import upscaling_words
from napari_srgan.results.upscaled_store import StoreRun

if TYPE_CHECKING:
    from distributed import Client


def upscale_on_cluster_job(run: StoreRun, client: Client) -> Job[Path]:
    """Upscale an image of any size into a zarr array or an OME-Zarr image, on a cluster.

    The store is the one that :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job` makes, and a
    run begun by the one is gone on with by the other, if they compute on the same type of device. Progress
    and path are given as there.

    Parameters
    ----------
    run
        What, with what, how, and where to. The folder of its path has to be shared by all machines. Workers
        open the image where it was opened, if that is known; otherwise its pixels are sent to them. Device
        and precision are those of each worker; ``"auto"``: what they say they have, and in which they are
        fast. Where machines are mixed, each takes its own device and all take float32.
    client
        The client of the cluster, which may have no workers yet.

    Raises
    ------
    UserError
        As there; if a worker has another version of napari-srgan, or sees not the same folders; or if
        the scheduler cannot be reached any more.
    """
    pixels = within_limits(run.image.pixels, run.image.axes)
    run = replace(run, path=run.path.absolute(), image=replace(run.image, pixels=pixels))
    image, model, options = run.image, run.model, run.options
    carried = source_of(image)
    yield from _wait_for_workers(client)
    settings = check_workers(client, run.path, options.device, options.precision)
    yield Progress(0, 1, _says_who(client, settings))
    on_worker = replace(
        options,
        device=settings.device,
        precision=settings.precision,
        tile=run.side,
    )
    fits = yield from _measure(client, model, run.stack.batch, on_worker)
    # The owner computes nothing: any device will do.
    lazy = LazyUpscaling(
        image, model, replace(on_worker, device="cpu", tile=fits.side), notes=run.notes, cache=0,
        most_sampled=fits.most_sampled, transforms=run.intensities_before(),
    )  # fmt: skip
    with run.open(lazy, {"device": settings.device_types}) as store:
        if store.finished:
            return store.path
        plan = BlockPlan(
            source=carried,
            sample=take_sample(image.pixels, image.axes),
            axes=image.axes,
            model=model,
            settled=replace(
                lazy.settled,
                options=replace(lazy.settled.options, device=settings.device),
                cache=MOST_CACHED,
            ),
            place=run.stack.place,
            files=store.files,
            software=version("napari-srgan"),
        )
        filling = fill_job(store, ClusterBlockExecutor(client, plan))
        return (yield from upscaling_words(filling, lazy))


def _wait_for_workers(client: Client) -> Job[None]:
    while not workers_of(client):
        yield Progress(0, 1, "Waiting for workers")
        time.sleep(ROUND)


def _says_who(client: Client, settings: ClusterSettings) -> str:
    count = len(workers_of(client))
    mixed = f", which differ ({settings.device_types}): all compute in float32" if settings.mixed else ""
    return f"Preparing {count} worker{'s' if count > 1 else ''}{mixed}"


def _measure(client: Client, model: Model, batch: int, options: UpscaleOptions) -> Job[Measured]:
    """Let a worker measure what fits into its memory."""
    if options.tile is not None and not model.network.needs_plane_statistics:
        return Measured(options.tile, None)
    future = client.submit(measured, model, batch, options, pure=False, priority=1)
    try:
        while not future.done():
            yield Progress(0, 1, "Measuring on a worker")
            time.sleep(PAUSE)
        found: Measured = future.result()
        return found
    finally:
        future.release()
