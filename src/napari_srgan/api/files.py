"""Images upscaled into files of every format that is written, from files or from arrays."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_srgan.api.calls import OutputSettings, UpscaleCall, notes_on, warn_of_image
from napari_srgan.cluster.dispatch import upscale_anywhere_job
from napari_srgan.errors import UserError, words_of
from napari_srgan.images.address import local_path, place_of
from napari_srgan.images.formats import ending, open_image, open_output, refuse_pyramid
from napari_srgan.images.image import Image
from napari_srgan.images.look import ImageLook
from napari_srgan.images.origins import origins_of
from napari_srgan.images.series import ALL, Series, series_of
from napari_srgan.images.spacing import Spacing, upscaled_spacings
from napari_srgan.images.upscaled import Region
from napari_srgan.images.writing.output import NewFile
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.collision import refuse_collision
from napari_srgan.results.existing_result import provenance_of
from napari_srgan.results.upscaled_store import StoreRun


@dataclass(frozen=True)
class Written:
    """A result in a file."""

    path: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    """How it was made."""
    note: str = ""
    """What a user should know of the file."""
    region: Region | None = None
    """Pixels of the image that were upscaled; None where the provenance tells them."""


def upscale_file_job(
    image: Image,
    model: Model,
    output: OutputSettings,
    options: UpscaleOptions = AS_USUAL,
    *,
    notes: Iterable[str] = (),
) -> Job[Written]:
    """Upscale an image into a file of any format that is written.

    Parameters
    ----------
    image, model, options, notes
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    output
        The file; its ending says the format. Zarr and OME-Zarr take results of any size, and a run that was
        stopped goes on there; only these are computed on a cluster.

    Yields
    ------
    Progress
        Several times a second; closing the generator ends the work, and leaves no other file half written.

    Returns
    -------
    Written
        The file, and how it was made.

    Raises
    ------
    UserError
        If the format, an option or the name cannot be used, or the result would lie on what it is made of.
    """
    path = local_path(str(output.path))
    if output.pyramid is not None:
        refuse_pyramid(path, wanted=output.pyramid)
    if ending(path).endswith("zarr"):
        run = StoreRun(image, model, path, options, tuple(notes), output.overwrite)
        store = yield from upscale_anywhere_job(run, output.cluster)
        return Written(store, provenance_of(store) or {})
    if output.on_cluster:
        raise UserError(f"a cluster writes .zarr or .ome.zarr, not {path.name}; change the OUTPUT")
    refuse_collision(path, [*image.files, *origins_of(image.pixels)])
    look = image.result_look(other_quantities=model.card.result is not None) or ImageLook()
    new = NewFile(path, image.axes, output.overwrite, image.colour_profile, look, output.pyramid)
    with open_output(new, image.pixels.dtype) as file:
        result = yield from upscale_job(image, model, options, notes=notes, sink=file)
        spacings = image.spacings or (Spacing(),) * len(image.axes)
        file.finish(result, upscaled_spacings(spacings, image.axes, result.region, model.scale_factor))
        return Written(path, result.provenance, file.note, result.region)


def upscale_to_file(call: UpscaleCall, image: Image) -> Any:
    """Upscale an image into a file, and open that: an array whose parts are read when they are wanted."""
    model = call.model_for(image)
    job = upscale_file_job(image, model, call.output, call.options, notes=notes_on(image, model))
    written: Written = call.finish(job)
    if written.note:
        warn_of_image([written.note])
    if ending(written.path).endswith("zarr"):
        return open_finished_store(written.path)
    file = open_image(written.path, image.axes)
    weakref.finalize(file.data, file.close)
    return file.data


def upscale_files(call: UpscaleCall) -> Any:
    """Upscale an image in a file, or all of them; pixel sizes are those of the file.

    Raises
    ------
    UserError
        If nothing says where the result goes; or if an image cannot be upscaled: of several the others are
        upscaled first.
    """
    place = place_of(call.image)
    if call.output.path is None:
        kind = "a path" if isinstance(place, Path) else "an address"
        raise UserError(
            f"an image is an array, {str(place)!r} is {kind}; say where the result goes, "
            "out='result.ome.zarr', or open the file first"
        )
    target, images = local_path(call.output.path), series_of(place, call.part)
    if call.series != ALL:
        return _upscale_series(call, images[0])
    if ending(target):
        raise UserError(
            f"series='all' gives a result for each image, and {target.name!r} is the name of one; give a "
            "folder as out="
        )
    results: dict[str, Any] = {}
    failed: list[str] = []
    for image in images:
        try:
            result = _upscale_series(call, image, folder=target)
        except (UserError, OSError, MemoryError) as error:
            failed.append(f"{image.title}: {words_of(error)}")
        else:
            results[image.name or image.place.name] = result
    if failed:
        raise UserError(
            f"{len(failed)} of {len(images)} images could not be upscaled ({'; '.join(failed)}); the results "
            f"of the others are in {target}"
        )
    return results


def _upscale_series(call: UpscaleCall, series: Series, folder: Path | None = None) -> Any:
    """Upscale one image into a file, or into a folder under a name of its own."""
    with open_image(series.place, call.axes, series.part) as stored:
        if stored.note:
            warn_of_image([stored.note])
        image = stored.image(call.axes)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            model = call.model_for(image)
            file = folder / series.result_name(model.scale_factor, ".ome.zarr")
            call = replace(call, model=model, output=replace(call.output, path=file))
        return upscale_to_file(call, image)
