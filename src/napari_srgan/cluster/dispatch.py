"""Upscaling into a zarr store: in this process, or on a cluster if one is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_srgan.cluster.connection import client_of
from napari_srgan.progress import Job
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job
from napari_srgan.results.upscaled_store import StoreRun


def upscale_anywhere_job(run: StoreRun, cluster: Any = None) -> Job[Path]:
    """Upscale an image into a store, where it is meant to be computed.

    It yields and returns what :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job` does.

    Parameters
    ----------
    run
        What, with what, how, and where to.
    cluster
        As in :func:`~napari_srgan.cluster.connection.client_of`.

    Raises
    ------
    UserError
        If the cluster cannot be used, or the result cannot be made there.
    """
    with client_of(cluster) as client:
        if client is None:
            return (yield from upscale_to_zarr_job(run))
        from napari_srgan.cluster.job import upscale_on_cluster_job

        return (yield from upscale_on_cluster_job(run, client))
