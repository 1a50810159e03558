"""Which images are meant by files, folders and addresses; and what is left out, which is always said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from napari_srgan.errors import UserError, words_of
from napari_srgan.images.address import Address, Place
from napari_srgan.images.foreign_formats import foreign_format, how_to_read
from napari_srgan.images.formats import ENDINGS, TIFF_ENDINGS, ending
from napari_srgan.images.microscopes.package import readable_by_bioio
from napari_srgan.images.series import Series, series_of
from napari_srgan.images.tiff.ome_files import files_of_image
from napari_srgan.images.video.package import READ as VIDEOS
from napari_srgan.images.zarr.markers import is_zarr
from napari_srgan.results.made_here import made_here

_NAMED = 5
"""Files that are named in one sentence."""
_NO_IMAGES = (
    ".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".ome", ".log", ".ini", ".yml", ".yaml", ".toml", ".html",
    ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".py", ".ipynb", ".ijm", ".groovy", ".m", ".db",
    ".zip", ".safetensors",
)  # fmt: skip
"""Endings of what lies beside images everywhere; nobody wonders why it is not upscaled."""


@dataclass
class Inputs:
    """The images that are meant."""

    places: list[Place] = field(default_factory=list)
    """Each once."""
    notes: list[str] = field(default_factory=list)
    """What is left out, and why."""
    unread: int = 0
    """Images that were left out because they cannot be read."""
    beside: list[Path] = field(default_factory=list)
    """Files that belong to an image of `places`, and were given too."""

    def add_folder(self, folder: Path) -> None:
        """Take the images right in a folder, by name.

        Raises
        ------
        UserError
            If there is none.
        """
        entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
        images = [entry for entry in entries if _can_be_read(entry)]
        results = [image for image in images if made_here(image)]
        unread = [
            entry for entry in entries if entry not in images and (foreign_format(entry) or ending(entry))
        ]
        folders = [entry for entry in entries if entry.is_dir() and entry not in [*images, *unread]]
        others = [
            entry
            for entry in entries
            if entry not in [*images, *unread, *folders] and entry.suffix.lower() not in ("", *_NO_IMAGES)
        ]
        self._note(
            results,
            "a result of napari-srgan|results of napari-srgan",
            folder,
            "; give the file itself to upscale it|; give the files themselves to upscale them",
        )
        self._note(
            unread,
            "in a format that cannot be read here|in formats that cannot be read here",
            folder,
            f"; {how_to_read(unread)}|; {how_to_read(unread)}",
        )
        self._note(folders, "a folder|folders", folder, "; give it too|; give them too")
        self._note(others, "no image that is known here|no images that are known here", folder, "")
        self.unread += len(unread)
        kept = [image for image in images if image not in results]
        if not kept:
            reason = f" that is not left out ({'; '.join(self.notes)})" if self.notes else ""
            raise UserError(
                f"there is no image in the folder {folder}{reason}; images end in {', '.join(ENDINGS)}"
            )
        self.places += kept

    def series(self, which: str | None) -> list[Series]:
        """The images in these places; what has no such image is left out, and told.

        Parameters
        ----------
        which
            The images of a place that are meant; see :func:`~napari_srgan.images.series.series_of`.

        Raises
        ------
        UserError
            If there is none at all.
        """
        images: list[Series] = []
        told: list[str] = []
        for place in self.places:
            try:
                images += series_of(place, which)
            except (UserError, OSError) as error:
                told.append(words_of(error))
        if told and not images:
            raise UserError("; ".join(told))
        self.notes += told
        self.unread += len(told)
        return images

    def _note(self, entries: Sequence[Path], what: str, folder: Path, hint: str) -> None:
        """Say what is left out; what and hint are for one and, after a bar, for several."""
        if entries:
            number = -1 if len(entries) > 1 else 0
            verb = "are" if number else "is"
            told, advice = what.split("|")[number], hint.split("|")[number]
            self.notes.append(f"left out in {folder}, as {_named(entries)} {verb} {told}{advice}")

    def once_each(self) -> None:
        """Leave one file of each image that lies in several."""
        first: dict[frozenset[Path], Place] = {}
        double: dict[Place, list[Path]] = {}
        for place in list(self.places):
            files = _files(place)
            if len(files) < 2:
                continue
            one = first.setdefault(files, place)
            if one is not place and isinstance(place, Path):
                double.setdefault(one, []).append(place)
                self.places.remove(place)
        for one, more in double.items():
            self.beside += more
            verb = "belong" if len(more) > 1 else "belongs"
            self.notes.append(f"{_named(more)} {verb} to the image of {one.name}, which is taken once")


def find_inputs(given: Iterable[Place]) -> Inputs:
    """Find the images meant: files and addresses as they are, folders as the images right in them.

    Raises
    ------
    UserError
        If there is no image in a folder.
    """
    found = Inputs()
    for place in given:
        if isinstance(place, Address) or not place.is_dir() or ending(place) or is_zarr(place):
            found.places.append(place)
        else:
            found.add_folder(place)
    found.once_each()
    return found


def _can_be_read(path: Path) -> bool:
    """Whether it is an image by its name and there is a reader; for some it has to be installed."""
    if not ending(path):
        return bool(foreign_format(path)) and path.is_file() and readable_by_bioio(path)
    return ending(path) not in VIDEOS or find_spec("av") is not None


def _files(place: Place) -> frozenset[Path]:
    if isinstance(place, Path) and ending(place) in TIFF_ENDINGS and place.is_file():
        return frozenset(file.resolve() for file in files_of_image(place))
    return frozenset()


def _named(entries: Sequence[Path]) -> str:
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return ", ".join(entry.name for entry in entries[:_NAMED]) + more
