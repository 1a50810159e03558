"""Two jobs: finding the images in files and folders, and upscaling one of them into a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_srgan.api.batch import Batch, failure_in_words
from napari_srgan.api.inputs import Inputs, find_inputs
from napari_srgan.errors import UserError
from napari_srgan.images.series import Series
from napari_srgan.models import load_model
from napari_srgan.progress import Job, Progress

_TOO_LARGE = "open it in napari, and have it upscaled with the Result 'to a file'"


@dataclass(frozen=True)
class Found:
    """The images in files and folders."""

    images: tuple[Series, ...]
    """Each once, in the order in which they were given."""
    inputs: Inputs
    """What else is to be said of them."""


@dataclass(frozen=True)
class Upscaled:
    """A result in a file."""

    path: Path
    notes: tuple[str, ...]
    """What a user should know of the image or of the file."""


def find_images_job(places: Sequence[Path]) -> Job[Found]:
    """Find the images in files and folders; results of napari-srgan in a folder are left out.

    Parameters
    ----------
    places
        Files as they are; folders, which stand for the images right in them.

    Returns
    -------
    Found
        The images, and what was left out.

    Raises
    ------
    UserError
        If there is no image in a folder, or it cannot be read.
    """
    yield Progress(0, 1, "Looking for images")
    try:
        inputs = find_inputs(places)
        return Found(tuple(dict.fromkeys(inputs.series(None))), inputs)
    except OSError as error:
        unread = error.filename or places[-1]
        raise UserError(f"{unread} cannot be read: {error.strerror or error}") from error


def upscale_image_job(batch: Batch, one: Series, model: str | None) -> Job[Upscaled]:
    """Upscale one image of a batch into its file.

    Parameters
    ----------
    batch
        What the image belongs to.
    one
        The image.
    model
        Name of the model; None: the default for the kind of the image. The first job of a batch loads it.

    Returns
    -------
    Upscaled
        The file, and what is to be said of it.

    Raises
    ------
    UserError
        If it cannot be upscaled, with the name of the image.
    """
    yield Progress(0, 1, "Opening it")
    try:
        if model is not None and batch.model is None:
            batch.model = load_model(model)
        with batch.opened(one) as opened:
            written = yield from opened.job
            notes = (opened.note, *opened.notes, written.note)
            return Upscaled(opened.path, tuple(note for note in notes if note))
    except (UserError, OSError, MemoryError) as error:
        raise UserError(failure_in_words(one, error, _TOO_LARGE)) from error
