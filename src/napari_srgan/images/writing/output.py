"""What all formats have in common when a result is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from napari_srgan.disk.partial_file import Partial
from napari_srgan.errors import UserError
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Upscaled


@dataclass(frozen=True)
class NewFile:
    """A file that a result is to be written to, and what it is to have of the image."""

    path: Path
    """Its name, whose ending says the format."""
    axes: str
    """Axes of the result."""
    overwrite: bool = False
    """Whether it replaces what has that name already."""
    colour_profile: bytes | None = None
    """The ICC profile of the image, for formats that keep one."""
    look: ImageLook = field(default_factory=ImageLook)
    """What is known of the image beside its pixels, for formats that keep it."""
    pyramid: bool | None = None
    """Whether there are coarser levels, for formats that may have them; None: where planes are large."""


class Output(ABC):
    """A file to come: given to ``upscale_job`` as its sink, finished with its result.

    Leaving the context without :meth:`finish` leaves nothing behind::

        with TiffOutput(file) as sink:
            result = run(upscale_job(image, model, sink=sink))
            sink.finish(result)

    Parameters
    ----------
    file
        What is to be written.

    Raises
    ------
    UserError
        If the name is taken or the folder cannot be written to.
    """

    def __init__(self, file: NewFile) -> None:
        self.file = file
        self.path = file.path
        self.note = ""
        """What a user should know of the file once it is written."""
        self.partial = Partial(file.path, overwrite=file.overwrite)

    @abstractmethod
    def check(self, dtype: np.dtype[Any]) -> None:
        """Raise UserError if the format cannot hold a result of a dtype, or of such axes."""

    @abstractmethod
    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Make the array that a result of this shape and dtype is written into."""

    @abstractmethod
    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        """Complete the file under its temporary name."""

    def finish(self, result: Upscaled, spacings: Sequence[Spacing] | None = None) -> Any:
        """Complete the file and give it its name.

        Parameters
        ----------
        result
            The result that the job returned.
        spacings
            Spacings of the result, one for each axis; plain pixels by default.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        try:
            self.write(result, tuple(spacings or (Spacing(),) * len(result.axes)))
            self.partial.commit()
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror or error}") from error
        finally:
            self.discard()
        return self.path

    def discard(self) -> None:
        """Remove what is not complete; nothing after :meth:`finish`."""
        self.partial.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.discard()
