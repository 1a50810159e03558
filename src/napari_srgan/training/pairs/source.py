"""One image of a pair, as the user has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, check_array, read_block
from napari_srgan.images.axes import check_axes
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.tiles.batch import ALPHA
from napari_srgan.samples import sample_tiles


@dataclass(frozen=True)
class SourceImage:
    """One image; making it reads nothing."""

    name: str
    """Name of the layer or the file, for sentences."""
    data: ArrayLike
    """numpy, dask, zarr or xarray."""
    axes: str
    """One letter for each axis, as in :mod:`napari_srgan.images.axes`."""
    scale: tuple[float, float] | None = None
    """World units from pixel to pixel, Y and X; None if unknown."""
    origin: tuple[float, float] = (0.0, 0.0)
    """World place of the centre of the first pixel, Y and X."""
    predicted_by: str = ""
    """Name of the model that made the image; empty for measured ones."""

    def checked(self) -> SourceImage:
        """Give the same image with data that can be read and axes that fit it.

        Raises
        ------
        UserError
            If the data cannot be read or the axes do not fit, see
            :func:`~napari_srgan.images.arrays.check_array` and :func:`~napari_srgan.images.axes.check_axes`;
            with the image's name before it.
        """
        try:
            data = check_array(self.data)
            axes = check_axes(self.axes, data.shape)
        except UserError as error:
            raise UserError(f"{self.name!r}: {error}") from error
        return replace(self, data=data, axes=axes)

    @property
    def rgb(self) -> bool:
        return self.axes.endswith("S")

    @property
    def plane_shape(self) -> tuple[int, int]:
        y = self.axes.index("Y")
        return int(self.data.shape[y]), int(self.data.shape[y + 1])

    @property
    def leading(self) -> tuple[tuple[str, int], ...]:
        """Letter and size of each axis before Y."""
        count = self.axes.index("Y")
        return tuple(zip(self.axes[:count], map(int, self.data.shape[:count]), strict=True))

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype

    def read(self, index: tuple[int, ...], region: Region) -> NDArray[Any]:
        """Read a part of a plane: ``(Y, X, K)``, K = 1 or 3 (alpha left out), of the image's dtype."""
        pixels = read_block(self.data, (*index, slice(*region[0]), slice(*region[1])))
        return pixels[..., :ALPHA] if self.rgb else pixels[..., None]


def sample_sources() -> list[SourceImage]:
    """The tiles that come with the package, to learn from where a user has no good image."""
    return [SourceImage(f"sample tile {n}", tile, "YX") for n, tile in enumerate(sample_tiles(), 1)]
