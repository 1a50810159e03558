"""An image in a file, not yet read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.inference.arrays import ArrayLike
from napari_srgan.storage.spacing import Spacing


@dataclass(frozen=True)
class StoredImage:
    """What a file says about its image."""

    path: Path
    data: ArrayLike
    """Read part by part, where the format allows it."""
    axes: str
    """One letter for each axis of `data`, see :mod:`napari_srgan.inference.axes`."""
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
    coarser: tuple[ArrayLike, ...] = ()
    """The same image with fewer pixels along Y and X, where there are such levels; finer ones first."""

    def __enter__(self) -> StoredImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class FileArray:
    """An array in a file that may turn out to be damaged when it is read.

    Values come in the byte order of this machine.
    """

    array: Any
    name: str
    """Of the file, for the message."""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        native: np.dtype[Any] = np.dtype(self.array.dtype).newbyteorder("=")
        return native

    def __getitem__(self, key: Any) -> NDArray[Any]:
        try:
            return np.asarray(self.array[key]).astype(self.dtype, copy=False)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # each codec has errors of its own
            raise damaged(self.name, error) from error


def damaged(name: str, error: object) -> UserError:
    """What to say of a file that cannot be read to its end."""
    words = str(error).strip().splitlines()
    reason = f" ({words[0].rstrip('.')})" if words else ""
    return UserError(f"{name} is damaged or cut off{reason}; get the file again from where it was made")


def arrange(array: Any, letters: str, spacings: tuple[Spacing, ...]) -> tuple[Any, str, tuple[Spacing, ...]]:
    """Bring the axes of a file into the order images are upscaled in.

    Parameters
    ----------
    array
        numpy, zarr or dask.
    letters
        One for each axis, in any order; those we have no meaning for become Q, a
        second one of a kind too.
    spacings
        One for each axis.

    Returns
    -------
    array, axes, spacings
        Y and X last, colour samples after them; lazy if it has to be turned.

    Raises
    ------
    UserError
        If there is no plane Y, X in it.
    """
    if missing := set("YX") - set(letters):
        raise UserError(
            f"there is no {' and no '.join(sorted(missing))} axis in it; its axes are {letters!r}"
        )
    colour = letters.index("S") if "S" in letters and array.shape[letters.index("S")] in (3, 4) else None
    last = [letters.index("Y"), letters.index("X"), *([] if colour is None else [colour])]
    order = [place for place in range(len(letters)) if place not in last] + last
    leading = "".join(
        _leading_letter(letters, place, taken=[letters[p] for p in order[:at]])
        for at, place in enumerate(order[: -len(last)])
    )
    if order != sorted(order):
        import dask.array as da

        lazy = array if isinstance(array, np.ndarray) else da.from_array(array, asarray=False)  # type: ignore[no-untyped-call]
        array = lazy.transpose(order)
    axes = leading + ("YX" if colour is None else "YXS")
    return array, axes, tuple(spacings[place] for place in order)


def _leading_letter(letters: str, place: int, taken: list[str]) -> str:
    letter = letters[place]
    if letter == "S":  # two samples, or more than four, are channels and no colour
        letter = "C"
    return letter if letter in "TZC" and letter not in taken else "Q"
