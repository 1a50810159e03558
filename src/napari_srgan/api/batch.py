"""Images in files that are upscaled into files of their own, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_srgan.acquisition.choice import notes_on_input
from napari_srgan.api.calls import OutputSettings
from napari_srgan.api.files import Written, upscale_file_job
from napari_srgan.api.targets import Target
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.image import Image
from napari_srgan.images.series import Series
from napari_srgan.inference.movies.clip_plans import notes_on_time
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.progress import Job
from napari_srgan.results.collision import refuse_collision


@dataclass(frozen=True)
class FileUpscaling:
    """One image of a batch, open, and the job that upscales it."""

    image: Image
    model: Model
    path: Path
    """The file of the result."""
    note: str
    """What a user should know of the image's file; mostly empty."""
    notes: tuple[str, ...]
    """What is odd about the image."""
    job: Job[Written]
    """Upscales it; to be run while it is open."""


@dataclass
class Batch:
    """Images that are upscaled with the same model and options, and where their results go."""

    inputs: Sequence[Series]
    target: Target
    beside: Sequence[Path] = ()
    """Files of these images that no result may lie on either."""
    model: Model | None = None
    """None: the default model for the kind of each image."""
    options: UpscaleOptions = AS_USUAL
    axes: str | None = None
    """One letter for each axis of every image; None: as the files say."""
    overwrite: bool = False
    """Whether results replace what has their names already."""
    pyramid: bool | None = None
    """See :class:`~napari_srgan.api.calls.OutputSettings`."""
    cluster: Any = None
    """Client of the cluster that computes; None: this process."""
    written: set[Path] = field(default_factory=set)
    """Results of this batch that are complete."""

    @contextmanager
    def opened(self, one: Series) -> Iterator[FileUpscaling]:
        """Open one of the images, and decide how it is upscaled.

        Raises
        ------
        UserError
            If the image cannot be read or upscaled, or its result would lie on one of the images, or on the
            result of another one.
        """
        with open_image(one.place, self.axes, one.part) as stored:
            image = stored.image(self.axes)
            model = self.model or load_model(default_model_name(rgb=image.axes.endswith("S")))
            path = self.target.file(one, model.scale_factor, stored.ending)
            refuse_collision(path, [*(each.place for each in self.inputs), *self.beside, *stored.other_files])
            if path in self.written:
                raise UserError(f"{path} is the result of another input already; upscale it on its own")
            notes = notes_on_input(image.pixels, image.axes, model.card)
            odd = (*notes_on_time(image.pixels, image.axes, model), *notes)
            yield FileUpscaling(image, model, path, stored.note, odd, self._job(image, model, path, notes))

    def _job(self, image: Image, model: Model, path: Path, notes: Sequence[str]) -> Job[Written]:
        output = OutputSettings(path, self.overwrite, self.cluster, self.pyramid)
        written = yield from upscale_file_job(image, model, output, self.options, notes=notes)
        self.written.add(path)
        return written


def failure_in_words(one: Series, error: Exception, if_too_large: str) -> str:
    """Say why an image could not be upscaled, with its name.

    Parameters
    ----------
    one
        The image.
    error
        What happened.
    if_too_large
        What to do where there was not enough memory.
    """
    if isinstance(error, MemoryError):
        words = f"there is not enough memory for it ({error}); {if_too_large}"
    elif isinstance(error, OSError):
        words = f"{error.strerror or error}"
    elif isinstance(error, UserError):
        words = str(error)
    else:
        words = f"something went wrong that should not have ({type(error).__name__}: {error})"
    return words if one.place.name in words and not one.name else f"{one}: {words}"
