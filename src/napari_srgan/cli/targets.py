"""Which file is upscaled into which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.storage.address import Address, Place
from napari_srgan.storage.formats import ENDINGS, ending
from napari_srgan.storage.partial import is_zarr
from napari_srgan.storage.video_package import READ as VIDEOS


@dataclass(frozen=True)
class Target:
    """Where results go."""

    path: Path
    is_folder: bool
    """Whether `path` is a folder for results, not a result itself."""

    def file(self, source: Place, factor: int, result_ending: str) -> Path:
        """Name of the result of one input."""
        if not self.is_folder:
            return self.path
        stem = source.name
        known = ending(source)
        stem = stem[: -len(known)] if known else stem
        return self.path / f"{stem}_x{factor}{result_ending}"


def find_places(given: Sequence[Place]) -> list[Place]:
    """Images meant: those at addresses as they are, files and folders as :func:`find_inputs` takes them."""
    found: list[Place] = []
    for place in given:
        found += [place] if isinstance(place, Address) else find_inputs([place])
    return found


def find_inputs(given: Sequence[Path]) -> list[Path]:
    """Image files meant: files as they are, folders as the images right in them, by name.

    Raises
    ------
    UserError
        If there is no image in a folder.
    """
    found: list[Path] = []
    for path in given:
        if not path.is_dir() or ending(path) or is_zarr(path):
            found.append(path)
            continue
        inside = [
            entry for entry in sorted(path.iterdir()) if _is_meant(entry) and not entry.name.startswith(".")
        ]
        if not inside:
            raise UserError(f"there is no image in the folder {path}; images end in {', '.join(ENDINGS)}")
        found += inside
    return found


def _is_meant(path: Path) -> bool:
    """Whether a file in a folder is taken for an image; videos only where they can be read."""
    kind = ending(path)
    return bool(kind) and (kind not in VIDEOS or find_spec("av") is not None)


def choose_target(output: Path, given: Sequence[Place], inputs: Sequence[Place]) -> Target:
    """Decide whether the output is a folder of results or one result.

    Raises
    ------
    UserError
        If several images are to be written to one file, or the name says no format.
    """
    many = len(inputs) > 1 or any(path not in inputs for path in given)
    folder = output.is_dir() and not is_zarr(output) and not ending(output)
    if ending(output) and not folder:
        if many:
            raise UserError(
                f"{len(inputs)} images cannot be written to one file {output.name}; give a folder as OUTPUT"
            )
        return Target(output, is_folder=False)
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file, not a folder, and names no format that can be written")
    if output.suffix and not folder and not many:
        raise UserError(
            f"{output.name!r} names no format that can be written; "
            f"use one of {', '.join(ENDINGS)}, or a folder"
        )
    return Target(output, is_folder=True)
