"""What every call of a script has in common: a job that is shown while it runs, and layers as images."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any

from napari_srgan.acquisition.choice import notes_on_input
from napari_srgan.errors import ImageWarning
from napari_srgan.images.image import Image
from napari_srgan.inference.movies.clip_plans import notes_on_time
from napari_srgan.models import Model
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
