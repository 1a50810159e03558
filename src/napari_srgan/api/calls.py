"""What every call of a script has in common: a job that is shown while it runs, and layers as images."""

from __future__ import annotations

import sys
from typing import Any

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
