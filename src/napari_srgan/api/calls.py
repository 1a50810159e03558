"""Calls of a script: what was asked for, a job that is shown while it runs, layers as images."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from napari_srgan.acquisition.choice import notes_on_input
from napari_srgan.errors import ImageWarning, UserError
from napari_srgan.images.image import Image
from napari_srgan.inference.movies.clip_plans import notes_on_time
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.progress import Job
from napari_srgan.progress_bar import progress_bar, run_job

Named = Model | str | os.PathLike[str] | None
"""A model, its name in the library or its file; None: the default for the kind of image."""


def finish(job: Job[Any], progress: bool) -> Any:
    """Run a job to its end, with a bar if `progress`, and give its result."""
    with progress_bar(wanted=progress) as bar:
        return run_job(job, bar)


def is_layer(image: Any) -> bool:
    """Whether an image is a layer of napari."""
    # Whoever holds a layer has imported napari; nobody else should have to.
    layers = sys.modules.get("napari.layers")
    return layers is not None and isinstance(image, layers.Layer)


def layer_with_warnings(layer: Any) -> Any:
    """A layer, when what its provenance has to say of the image is said."""
    warn_of_image(layer.metadata.get("napari-srgan", {}).get("notes", ()))
    return layer


def notes_on(image: Image, model: Model) -> tuple[str, ...]:
    """Warn of what is odd about an image; return what its time axis does not tell by itself."""
    notes = notes_on_input(image.pixels, image.axes, model.card)
    warn_of_image((*notes_on_time(image.pixels, image.axes, model), *notes))
    return notes


def warn_of_image(notes: Iterable[str]) -> None:
    """Warn of what is odd about an image, in the line of the script that gave it."""
    frame, level = sys._getframe(0), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("napari_srgan."):
        frame, level = frame.f_back, level + 1
    for note in notes:
        warnings.warn(note, ImageWarning, stacklevel=level)


@dataclass(frozen=True)
class OutputSettings:
    """Where a result goes, and who computes it."""

    path: str | os.PathLike[str] | None = None
    """A file, or a folder for several; None: memory."""
    overwrite: bool = False
    """Whether it replaces what has that name already."""
    cluster: Any = "auto"
    """See :func:`~napari_srgan.cluster.connection.client_of`."""
    pyramid: bool | None = None
    """Whether there are coarser levels; None: where a plane is large."""

    @property
    def on_cluster(self) -> bool:
        """Whether a cluster was asked for by name."""
        return self.cluster is not None and self.cluster is not False and self.cluster != "auto"


@dataclass(frozen=True)
class UpscaleCall:
    """A call of :func:`~napari_srgan.upscale`, whose parameters these are.

    Raises
    ------
    UserError
        If what is asked for does not go together.
    """

    image: Any
    model: Named
    options: UpscaleOptions
    output: OutputSettings
    axes: str | None
    series: str | int | None
    progress: bool

    def __post_init__(self) -> None:
        if self.output.path is None and self.output.on_cluster:
            raise UserError("a cluster writes its result to a store; say where, out='result.ome.zarr'")
        if self.series is not None and not self.is_file:
            raise UserError(
                f"series={self.series!r} says which image of a file is meant; leave it out for an array or "
                "a layer"
            )

    @property
    def is_file(self) -> bool:
        """Whether the image is the path or the address of one."""
        return isinstance(self.image, str | os.PathLike)

    @property
    def part(self) -> str | None:
        """Which image of a file is meant, as a word."""
        return None if self.series is None else str(self.series)

    def model_for(self, image: Image) -> Model:
        """The model that was asked for, or the default for such an image.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        if isinstance(self.model, Model):
            return self.model
        name = default_model_name(rgb=image.axes.endswith("S")) if self.model is None else self.model
        return load_model(name)

    def finish(self, job: Job[Any]) -> Any:
        """Run a job to its end, with a bar if one is wanted, and give its result."""
        return finish(job, self.progress)
