"""What `upscale` was asked for: made once where it is entered, and handed on as it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from napari_srgan.api.calls import Named, finish
from napari_srgan.errors import UserError
from napari_srgan.images.image import Image
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.progress import Job


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
