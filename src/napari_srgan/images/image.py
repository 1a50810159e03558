"""An image as everything below the entrances sees it: checked once, where it came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_srgan.images.address import Place
from napari_srgan.images.arrays import ArrayLike, check_array
from napari_srgan.images.axes import axes_of, check_axes
from napari_srgan.images.look import ImageLook
from napari_srgan.images.spacing import Spacing


@dataclass(frozen=True)
class Origin:
    """Where an image can be opened again, e.g. by another process; see ``images.formats.open_image``."""

    place: Place
    axes: str | None
    """Letters for the axes of the file, if the user has given them."""
    part: str = ""
    """The image in the file that is meant; empty for the first one."""

    def absolute(self) -> Origin:
        """The same origin with an absolute path, for processes in other working directories."""
        place = self.place.absolute() if isinstance(self.place, Path) else self.place
        return Origin(place, self.axes, self.part)


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels, their axes, and what is known of them; made of an array, a file or a layer.

    It is checked where it is made, and nowhere again. Making it reads no pixel.

    Raises
    ------
    UserError
        If the pixels are none that can be upscaled, or the axes do not fit them.
    """

    pixels: ArrayLike
    """numpy, dask, zarr or xarray: bool, integers or floats ``(..., Y, X[, S])``."""
    axes: str
    """One letter for each axis, see :mod:`napari_srgan.images.axes`."""
    spacings: tuple[Spacing, ...] | None = None
    """One for each axis; None: nothing is known but the count of pixels."""
    look: ImageLook | None = None
    """What is known of it beside pixels and their sizes."""
    name: str = ""
    """What it is called where it is remembered what a result is made of; another name is another image."""
    files: tuple[Place, ...] = ()
    """What it is read from, beyond what the pixels tell themselves."""
    still_there: Callable[[], None] | None = None
    """Raises UserError if it has disappeared, where parts that are missing would be read as zeros."""
    origin: Origin | None = None
    """Where it was opened, if it was."""
    colour_profile: bytes | None = None
    """ICC profile of a picture."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", check_array(self.pixels))
        object.__setattr__(self, "axes", check_axes(self.axes, self.pixels.shape))

    @classmethod
    def of_array(cls, array: Any, axes: str | None = None) -> Image:
        """An image of an array, or of nested lists of numbers.

        Parameters
        ----------
        array
            numpy, dask, zarr or xarray; two to five axes, and colour samples last for RGB.
        axes
            One letter for each axis; None: guessed from names, if the array has any, else from the shape.

        Raises
        ------
        UserError
            If it cannot be upscaled, or its axes cannot be known.
        """
        checked = check_array(array)
        return cls(checked, axes_of(checked, axes))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels.shape)

    def result_look(self, *, other_quantities: bool) -> ImageLook | None:
        """What is known of a result made from it.

        Parameters
        ----------
        other_quantities
            Whether the values of the result are others than those of the image.
        """
        return self.look.of_other_quantities() if self.look and other_quantities else self.look
