"""Images upscaled into files of every format that is written, from files or from arrays."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_srgan.api.calls import Named, choose_model, finish, notes_on, warn_of_image
from napari_srgan.cluster.dispatch import upscale_anywhere_job
from napari_srgan.errors import UserError, words_of
from napari_srgan.images.address import Place, local_path
from napari_srgan.images.formats import ending, open_image, open_output, refuse_pyramid
from napari_srgan.images.image import Image
from napari_srgan.images.origins import origins_of
from napari_srgan.images.series import ALL, Series, series_of
from napari_srgan.images.spacing import Spacing, upscaled_spacings
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.collision import refuse_collision
from napari_srgan.results.existing_result import provenance_of


@dataclass(frozen=True)
class OutputSettings:
    """Where a result goes, and who computes it."""

    path: str | os.PathLike[str] | None = None
    """A file, or a folder for several; None: memory."""
    overwrite: bool = False
    """Whether it replaces what has that name already."""
    cluster: Any = "auto"
    """See :func:`~napari_srgan.cluster.connection.client_of`."""

    @property
    def on_cluster(self) -> bool:
        """Whether a cluster was asked for by name."""
        return self.cluster is not None and self.cluster is not False and self.cluster != "auto"


@dataclass(frozen=True)
class Written:
    """A result in a file."""

    path: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    """How it was made."""
    note: str = ""
    """What a user should know of the file."""


def upscale_file_job(
    image: Image,
    model: Model,
    output: OutputSettings,
    options: UpscaleOptions = AS_USUAL,
    *,
    notes: Iterable[str] = (),
    pyramid: bool | None = None,
    colour_profile: bytes | None = None,
) -> Job[Written]:
    """Upscale an image into a file of any format that is written.

    Parameters
    ----------
    image, model, options, notes
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    output
        The file; its ending says the format. Zarr and OME-Zarr take results of any size, and a run that was
        stopped goes on there; only these are computed on a cluster.
    pyramid
        Whether there are coarser levels; None: where a plane is large.
    colour_profile
        ICC profile, for formats that keep one.

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
    if pyramid is not None:
        refuse_pyramid(path, wanted=pyramid)
    if ending(path).endswith("zarr"):
        store = yield from upscale_anywhere_job(
            image, model, path, options, notes=notes, overwrite=output.overwrite, cluster=output.cluster
        )
        return Written(store, provenance_of(store) or {})
    if output.on_cluster:
        raise UserError(f"a cluster writes .zarr or .ome.zarr, not {path.name}; change the OUTPUT")
    refuse_collision(path, [*image.files, *origins_of(image.pixels)])
    with open_output(
        path, image.axes, image.pixels.dtype, overwrite=output.overwrite, colour_profile=colour_profile,
        look=image.result_look(other_quantities=model.card.result is not None), pyramid=pyramid,
    ) as file:  # fmt: skip
        result = yield from upscale_job(image, model, options, notes=notes, sink=file)
        spacings = image.spacings or (Spacing(),) * len(image.axes)
        file.finish(result, upscaled_spacings(spacings, image.axes, result.region, model.scale_factor))
        return Written(path, result.provenance, file.note)


def upscale_to_file(
    image: Image,
    model: Model,
    output: OutputSettings,
    options: UpscaleOptions,
    progress: bool,
    colour_profile: bytes | None = None,
) -> Any:
    """Upscale an image into a file, and open that: an array whose parts are read when they are wanted."""
    notes = notes_on(image, model)
    job = upscale_file_job(image, model, output, options, notes=notes, colour_profile=colour_profile)
    written: Written = finish(job, progress)
    if written.note:
        warn_of_image([written.note])
    if ending(written.path).endswith("zarr"):
        return open_finished_store(written.path)
    file = open_image(written.path, image.axes)
    weakref.finalize(file.data, file.close)
    return file.data


def upscale_files(
    place: Place,
    model: Named,
    output: OutputSettings,
    options: UpscaleOptions,
    *,
    axes: str | None,
    series: str | int | None,
    progress: bool,
) -> Any:
    """Upscale an image in a file, or all of them; pixel sizes are those of the file.

    Raises
    ------
    UserError
        If nothing says where the result goes; or if an image cannot be upscaled: of several the others are
        upscaled first.
    """
    if output.path is None:
        kind = "a path" if isinstance(place, Path) else "an address"
        raise UserError(
            f"an image is an array, {str(place)!r} is {kind}; say where the result goes, "
            "out='result.ome.zarr', or open the file first"
        )
    target, images = local_path(output.path), series_of(place, None if series is None else str(series))
    if series != ALL:
        return _upscale_series(images[0], model, output, options, axes, progress)
    if ending(target):
        raise UserError(
            f"series='all' gives a result for each image, and {target.name!r} is the name of one; give a "
            "folder as out="
        )
    results: dict[str, Any] = {}
    failed: list[str] = []
    for image in images:
        try:
            result = _upscale_series(image, model, output, options, axes, progress, folder=target)
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


def _upscale_series(
    series: Series,
    model: Named,
    output: OutputSettings,
    options: UpscaleOptions,
    axes: str | None,
    progress: bool,
    folder: Path | None = None,
) -> Any:
    """Upscale one image into a file, or into a folder under a name of its own."""
    with open_image(series.place, axes, series.part) as stored:
        if stored.note:
            warn_of_image([stored.note])
        image = stored.image(axes)
        chosen = choose_model(model, image.axes)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            name = series.result_name(chosen.scale_factor, ".ome.zarr")
            output = OutputSettings(folder / name, output.overwrite, output.cluster)
        return upscale_to_file(image, chosen, output, options, progress, stored.colour_profile)
