"""Several images in one place: series of a file, fields of a plate; and what their results are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.images.address import Place
from napari_srgan.images.factor import result_suffix
from napari_srgan.images.formats import ZIPPED, ending, images_in

ALL = "all"
"""What stands for every image of a place."""
_LONGEST_NAME = 60
_NAMED = 6
"""Images that are named in one sentence."""


@dataclass(frozen=True)
class Series:
    """One image, in a place that may hold several."""

    place: Place
    """The file, the folder or the address."""
    part: str = ""
    """The image in it that is meant, as :func:`~napari_srgan.images.formats.open_image` takes it; the first
    one if it is empty."""
    name: str = ""
    """Part of a file name that tells its result from those of other images; empty if it is alone."""

    def __str__(self) -> str:
        return f"{self.place} ({self.name})" if self.name else str(self.place)

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"{self.place.name} ({self.name})" if self.name else self.place.name

    def result_name(self, factor: int, result_ending: str) -> str:
        """File name of its result, beside those of others.

        Parameters
        ----------
        factor
            Scale factor of the model.
        result_ending
            File ending of the result's format, e.g. ``".ome.tif"``.
        """
        stem = self.place.name
        known = ending(self.place)
        if not known and isinstance(self.place, Path) and self.place.is_file():  # of a format of others
            known = self.place.suffix
        stem = stem[: -len(known)] if known else stem
        return "_".join(filter(None, (stem, self.name, result_suffix(factor)))) + result_ending


def series_of(place: Place, which: str | None = None) -> list[Series]:
    """The images that are meant by a place.

    Parameters
    ----------
    place
        A file, a folder or an address of one or several images.
    which
        ``"all"`` for all images; or the number or the name of a series, or the path of a field (``"A/1/0"``).
        By default the first image is meant.

    Returns
    -------
    list of Series
        The images; with ``"all"`` in the order in which they are listed.

    Raises
    ------
    UserError
        If there is no such image, or it cannot be found out which there are.
    """
    if which is None:
        return [Series(place)]
    found = images_in(place)
    if which == ALL and len(found) == 1:
        return [Series(place, found[0][0])]
    series = [Series(place, part, _in_file_name(part, name)) for part, name in found]
    if which == ALL:
        return series
    chosen = [one for one, (part, name) in zip(series, found, strict=True) if which in (part, name)]
    if len(chosen) == 1:
        return chosen
    if chosen:
        raise UserError(
            f"{len(chosen)} images in {place.name} are called {which!r}; give one of the numbers "
            f"{_listed([one.part for one in chosen])}"
        )
    if not any(part for part, _ in found):
        if _is_zarr(place):  # whoever opens it says what there is instead
            return [Series(place, which, _in_file_name(which, ""))]
        raise UserError(f"{place.name} holds one image, and no series {which!r}; leave that out")
    raise UserError(
        f"there is no series {which!r} in {place.name}; it has "
        f"{_listed([f'{part} ({name})' if name else part for part, name in found])}"
    )


def _is_zarr(place: Place) -> bool:
    kind = ending(place)
    return not kind or kind.endswith("zarr") or kind in ZIPPED


def _in_file_name(part: str, name: str) -> str:
    """What a path or a number, and a name, become in the name of a file."""
    kept = re.sub(r"[^\w.-]+", "_", name).strip("._")[:_LONGEST_NAME]
    path = re.sub(r"[^\w-]+", "_", part)
    return f"{path}-{kept}" if kept else path


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
