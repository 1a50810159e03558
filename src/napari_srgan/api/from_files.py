"""Images in files, zarr and plates, upscaled into stores."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from napari_srgan.api.calls import choose_model, finish, say_of
from napari_srgan.cluster.dispatch import upscale_anywhere_job
from napari_srgan.cluster.source import FileSource
from napari_srgan.errors import ImageWarning, UserError, words_of
from napari_srgan.images.address import Place, local_path
from napari_srgan.images.axes import axes_of
from napari_srgan.images.formats import ending, open_image
from napari_srgan.images.series import ALL, Series, series_of
from napari_srgan.images.spacing import spacings_as
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.models import Model


def to_zarr(image: Any, model: Model, out: Path, options: dict[str, Any], progress: bool) -> Any:
    """Upscale into a store, and open that."""
    return open_finished_store(finish(upscale_anywhere_job(image, model, out, **options), progress))


def file_to_zarr(
    path: Place,
    model: Model | str | os.PathLike[str] | None,
    out: str | os.PathLike[str] | None,
    series: str | int | None,
    options: dict[str, Any],
    progress: bool,
) -> Any:
    """Upscale an image in a file, or all of them; pixel sizes are those of the file."""
    if out is None:
        kind = "a path" if isinstance(path, Path) else "an address"
        raise UserError(
            f"an image is an array, {str(path)!r} is {kind}; say where the result goes, "
            "out='result.ome.zarr', or open the file first"
        )
    target, images = local_path(out), series_of(path, None if series is None else str(series))
    if series != ALL:
        return _one_to_zarr(images[0], model, target, options, progress, into_folder=False)
    if ending(target):
        raise UserError(
            f"series='all' gives a result for each image, and {target.name!r} is the name of one; give a "
            "folder as out="
        )
    results: dict[str, Any] = {}
    failed: list[str] = []
    for image in images:
        try:
            result = _one_to_zarr(image, model, target, dict(options), progress, into_folder=True)
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


def _one_to_zarr(
    image: Series,
    model: Model | str | os.PathLike[str] | None,
    target: Path,
    options: dict[str, Any],
    progress: bool,
    *,
    into_folder: bool,
) -> Any:
    """Upscale one image into a store, or into a folder under a name of its own."""
    origin = FileSource(image.place, options["axes"], image.part)
    with open_image(image.place, options["axes"], image.part) as stored:
        if stored.note:
            warnings.warn(stored.note, ImageWarning, stacklevel=4)
        axes = options["axes"] = axes_of(stored.data, options["axes"] or stored.axes)
        options |= {
            "spacings": spacings_as(stored.spacings, stored.axes, axes), "source": stored.source,
            "inputs": [image.place, *stored.other_files], "still_there": stored.still_there,
            "origin": origin,
        }  # fmt: skip
        chosen = choose_model(model, axes)
        options["look"] = stored.result_look(axes, other_quantities=chosen.card.result is not None)
        options["notes"] = say_of(stored.data, axes, chosen, 6)
        if into_folder:
            target.mkdir(parents=True, exist_ok=True)
            target /= image.result_name(chosen.scale_factor, ".ome.zarr")
        return to_zarr(stored.data, chosen, target, options, progress)
