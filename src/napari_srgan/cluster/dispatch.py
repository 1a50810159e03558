"""Upscaling into a zarr store: in this process, or on a cluster if one is meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from napari_srgan.cluster.connection import client_of
from napari_srgan.images.image import Image
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job


def upscale_anywhere_job(
    image: Image,
    model: Model,
    path: Path,
    options: UpscaleOptions = AS_USUAL,
    *,
    notes: Iterable[str] = (),
    overwrite: bool = False,
    cluster: Any = None,
) -> Job[Path]:
    """Upscale an image of any size into a zarr array or an OME-Zarr image.

    Parameters
    ----------
    image, model, path, options, notes, overwrite
        As in :func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job`.
    cluster
        As in :func:`~napari_srgan.cluster.connection.client_of`.

    Yields
    ------
    Progress
        As these.

    Returns
    -------
    Path
        The path of the store.

    Raises
    ------
    UserError
        As these.
    """
    with client_of(cluster) as client:
        if client is None:
            return (
                yield from upscale_to_zarr_job(image, model, path, options, notes=notes, overwrite=overwrite)
            )
        from napari_srgan.cluster.job import upscale_on_cluster_job

        return (
            yield from upscale_on_cluster_job(
                image, model, path, client, options, notes=notes, overwrite=overwrite
            )
        )
