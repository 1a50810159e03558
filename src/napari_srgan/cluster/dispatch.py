"""Upscaling into a zarr store: in this process, or on a cluster if one is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_srgan.cluster.connection import client_of
from napari_srgan.cluster.source import FileSource
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job


def upscale_anywhere_job(
    array: Any,
    model: Model,
    path: Path,
    *,
    cluster: Any = None,
    origin: FileSource | None = None,
    still_there: Callable[[], None] | None = None,
    **options: Any,
) -> Job[Path]:
    """Upscale an array of any size into a zarr array or an OME-Zarr image.

    Parameters
    ----------
    array, model, path, still_there, **options
        As in :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job`.
    cluster
        As in :func:`~napari_srgan.cluster.connection.client_of`.
    origin
        As in :func:`~napari_srgan.cluster.job.upscale_on_cluster_job`.

    Yields
    ------
    Progress
        As these.

    Returns
    -------
    Path
        Of the store.

    Raises
    ------
    UserError
        As these.
    """
    with client_of(cluster) as client:
        if client is None:
            return (yield from upscale_to_zarr_job(array, model, path, still_there=still_there, **options))
        from napari_srgan.cluster.job import upscale_on_cluster_job

        return (yield from upscale_on_cluster_job(array, model, path, client, origin=origin, **options))
