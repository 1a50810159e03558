"""One image that is to be upscaled in a run, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.layers import Image

from napari_srgan.images.factor import verb
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.viewer.jobs.runner import Task
from napari_srgan.viewer.trust.layers import trusted_job
from napari_srgan.viewer.upscale.output_modes import result_job


@dataclass(frozen=True)
class UpscaleRequest:
    """What the fields say."""

    image: Image
    """The layer in the viewer."""
    pixels: Image
    """The layer that is upscaled: the same, or one of its planes."""
    model: Any
    options: UpscaleOptions
    way: str
    """One of :data:`~napari_srgan.viewer.upscale.choices.RESULTS`."""
    axes: str
    """One letter for each axis."""
    path: Path | None
    """The file of a result on disk."""
    replaces: bool
    """Whether the result takes the place of what has that name."""
    trust: bool
    """Whether it is told what can be believed of it."""
    factor: int

    def task(self, deliver: Callable[[Any, Image], None], complain: Callable[[str, Image], None]) -> Task:
        """Make a task of it; the layer is read here and now, except for its pixels.

        Parameters
        ----------
        deliver
            Takes what was made, and the layer it was made of.
        complain
            Takes what went wrong, and the layer.

        Raises
        ------
        UserError
            If the layer cannot be upscaled in that way.
        """
        job: Any = result_job(
            self.way, self.pixels, self.model, self.options, axes=self.axes, path=self.path,
            replace=self.replaces,
        )  # fmt: skip
        if self.trust:
            job = trusted_job(job, self.pixels, self.model, self.axes, self.options)
        return Task(
            f"{verb(self.factor)} {self.pixels.name}", job, lambda made: deliver(made, self.image),
            lambda sentence: complain(sentence, self.image),
        )  # fmt: skip
