"""What every call of a script has in common: a job that is shown while it runs, and layers as images."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from typing import Any

from napari_srgan.acquisition.choice import notes_on_input
from napari_srgan.errors import ImageWarning
from napari_srgan.inference.movies.clip_plans import notes_on_time
from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.progress import Job
from napari_srgan.progress_bar import progress_bar, run_job


def finish(job: Job[Any], progress: bool) -> Any:
    """Run a job to its end, with a bar if `progress`, and give its result."""
    with progress_bar(wanted=progress) as bar:
        return run_job(job, bar)


def is_layer(image: Any) -> bool:
    """Whether an image is a layer of napari."""
    # Whoever holds a layer has imported napari; nobody else should have to.
    layers = sys.modules.get("napari.layers")
    return layers is not None and isinstance(image, layers.Layer)


def said_of(layer: Any) -> Any:
    """A layer, when what its provenance has to say of the image is said."""
    _say(layer.metadata.get("napari-srgan", {}).get("notes", ()), 4)
    return layer


def say_of(image: Any, axes: str, model: Model, stacklevel: int) -> tuple[str, ...]:
    """Warn of what is odd about an image; return what its time axis does not tell by itself."""
    notes = notes_on_input(image, axes, model.card)
    _say((*notes_on_time(image, axes, model), *notes), stacklevel)
    return notes


def _say(notes: Iterable[str], stacklevel: int) -> None:
    """Warn of what is odd about an image, in the line of the script that gave it."""
    for note in notes:
        warnings.warn(note, ImageWarning, stacklevel=stacklevel)


def choose_model(model: Model | str | os.PathLike[str] | None, axes: str) -> Model:
    if model is None:
        return load_model(default_model_name(rgb=axes.endswith("S")))
    return model if isinstance(model, Model) else load_model(model)
