"""Which file is upscaled into which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.images.address import Place
from napari_srgan.images.formats import WRITABLE, ending
from napari_srgan.images.series import Series
from napari_srgan.images.zarr.markers import is_zarr


@dataclass(frozen=True)
class Target:
    """Where results go."""

    path: Path
    is_folder: bool
    """Whether `path` is a folder for results, not a result itself."""

    def file(self, source: Series, factor: int, result_ending: str) -> Path:
        """Name of the result of one input."""
        return self.path / source.result_name(factor, result_ending) if self.is_folder else self.path


def choose_target(output: Path, given: Sequence[Place], inputs: Sequence[Series]) -> Target:
    """Decide whether the output is a folder of results or one result.

    Raises
    ------
    UserError
        If several images are to be written to one file, or the name says no format.
    """
    many = len(inputs) > 1 or any(_is_folder(place) for place in given)
    folder = _is_folder(output)
    if ending(output) and not folder:
        if many:
            raise UserError(
                f"{len(inputs)} images cannot be written to one file {output.name}; give a folder as OUTPUT"
            )
        return Target(output, is_folder=False)
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file, not a folder, and names no format that can be written")
    if output.suffix and not folder and not many:
        raise UserError(f"{output.name!r} names no format that can be written; use {WRITABLE}, or a folder")
    return Target(output, is_folder=True)


def _is_folder(place: Place) -> bool:
    """Whether it is a folder of images, and none itself."""
    return isinstance(place, Path) and place.is_dir() and not ending(place) and not is_zarr(place)
