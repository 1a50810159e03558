"""A result that is in memory, written into a file of any format as if it had been computed there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_srgan.images.formats import ending, open_output
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.output import NewFile
from napari_srgan.progress import Job, Progress
from napari_srgan.results.input_checksum import likeness
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.writer import RestartableStore


def save_result_job(
    result: Upscaled, spacings: Sequence[Spacing], look: ImageLook, path: Path, *, overwrite: bool = False
) -> Job[str]:
    """Write a result into a file.

    Parameters
    ----------
    result
        The result, whose data is numpy ``(..., Y, X[, S])``.
    spacings
        Its own, one for each axis.
    look
        What is known of it beside pixels and their sizes.
    path
        The file; its ending says the format, which is any that is written.
    overwrite
        Whether it replaces what has that name already.

    Yields
    ------
    Progress
        While it is written; closing the generator leaves no file half written.

    Returns
    -------
    str
        What a user should know of the file; mostly nothing.

    Raises
    ------
    UserError
        If the format cannot hold the result, the name is taken, or the disk does not take it.
    """
    yield Progress(0, 1, f"Writing {path.name}")
    if ending(path).endswith("zarr"):
        with _store_for(result, spacings, look, path, overwrite) as store:
            yield from copy_job(result.data, store)
        return ""
    new = NewFile(path, result.axes, overwrite, look=look)
    with open_output(new, result.data.dtype) as file:
        file(result.data.shape, result.data.dtype)  # refuses what the format or the disk has no place for
        file.finish(result, spacings)
        return file.note


def _store_for(
    result: Upscaled, spacings: Sequence[Spacing], look: ImageLook, path: Path, overwrite: bool
) -> RestartableStore:
    provenance = {**result.provenance, "region": result.region}
    # One that was begun of another result is not gone on with.
    fingerprint = {**provenance, "saved_pixels": likeness(result.data, result.axes)}
    return RestartableStore(
        path, shape=result.data.shape, dtype=result.data.dtype, axes=result.axes, spacings=spacings,
        fingerprint=fingerprint, provenance=provenance, look=look, overwrite=overwrite,
    )  # fmt: skip
