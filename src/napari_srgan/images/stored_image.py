"""An image in a file, not yet read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.images.address import Place
from napari_srgan.images.axes import check_axes
from napari_srgan.images.image import Image, Origin
from napari_srgan.images.look import ImageLook, printable
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.spacing import Spacing, spacings_as

ALL_OF_THEM = "--series all takes all of them"
"""How a user gets more than the first of several images."""


@dataclass(frozen=True)
class StoredImage:
    """What a file says about its image."""

    path: Place
    """Where it lies."""
    data: FileArray
    """Read part by part, where the format allows it."""
    axes: str
    """One letter for each axis of `data`, see :mod:`napari_srgan.images.axes`."""
    spacings: tuple[Spacing, ...]
    """One for each axis of `data`."""
    ending: str
    """What a result of the same format is called, e.g. ``".ome.tif"``."""
    colour_profile: bytes | None = None
    """ICC profile of a picture."""
    note: str = ""
    """What a user should know, e.g. that there are more images in the file."""
    close: Callable[[], None] = lambda: None
    """Called when nothing will be read any more."""
    still_there: Callable[[], None] = lambda: None
    """Raises UserError if it has disappeared, where parts that are missing would be read as zeros."""
    other_files: tuple[Path, ...] = ()
    """Files beside the one at `path` that the image lies in too."""
    coarser: tuple[FileArray, ...] = ()
    """The same image with fewer pixels along Y and X, where there are such levels; finer ones first."""
    look: ImageLook = field(default_factory=ImageLook)
    """What is known of it beside pixels and their sizes."""
    part: str = ""
    """The image at `path` that it is; see :mod:`~napari_srgan.images.series`."""

    @property
    def source(self) -> str:
        """What it is called where it is remembered what a result is made of."""
        return f"{self.path} {self.part}".rstrip()

    def image(self, axes: str | None = None) -> Image:
        """The image, to be upscaled.

        Parameters
        ----------
        axes
            One letter for each axis, if the user knows better than the file.

        Raises
        ------
        UserError
            If it cannot be upscaled, or the axes do not fit it.
        """
        letters = check_axes(axes or self.axes, self.data.shape)
        look = self.look.along(self.axes, letters)
        stem = re.sub(r"(\.ome)?\.\w+$", "", self.path.name.removesuffix(".zip"))
        return Image(
            self.data,
            letters,
            spacings_as(self.spacings, self.axes, letters),
            replace(look, name=look.name or printable(f"{stem} {self.part}".rstrip())),
            self.source,
            (self.path, *self.other_files),
            self.still_there,
            Origin(self.path, axes, self.part),
            self.colour_profile,
        )

    def __enter__(self) -> StoredImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def arrange(
    shape: Sequence[int], letters: str, spacings: tuple[Spacing, ...]
) -> tuple[tuple[int, ...], str, tuple[Spacing, ...]]:
    """Bring the axes of a file into the order images are upscaled in.

    Parameters
    ----------
    shape
        Shape of the array in the file.
    letters
        One letter for each axis, in any order; those we have no meaning for become Q, a second one of a kind
        too.
    spacings
        One spacing for each axis.

    Returns
    -------
    order, axes, spacings
        For each axis, Y and X last and colour samples after them: its number in the file, its letter, its
        spacing.

    Raises
    ------
    UserError
        If there is no plane Y, X in it.
    """
    if missing := set("YX") - set(letters):
        raise UserError(
            f"there is no {' and no '.join(sorted(missing))} axis in it; its axes are {letters!r}"
        )
    colour = letters.index("S") if "S" in letters and shape[letters.index("S")] in (3, 4) else None
    last = [letters.index("Y"), letters.index("X"), *([] if colour is None else [colour])]
    order = [place for place in range(len(letters)) if place not in last] + last
    leading = ""
    for place in order[: -len(last)]:
        leading += _leading_letter(letters, place, leading)
    axes = leading + ("YX" if colour is None else "YXS")
    return tuple(order), axes, tuple(spacings[place] for place in order)


def _leading_letter(letters: str, place: int, taken: str) -> str:
    letter = letters[place]
    if letter == "S" and "C" not in letters:  # two samples, or more than four, are channels and no colour
        letter = "C"
    return letter if letter in "TZC" and letter not in taken else "Q"
