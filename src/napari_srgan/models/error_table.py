"""How wrong results of a model are, by how bright and how structured they are there; kept on its card.

A table is measured on parts of a user's own images that no training has seen. It holds for images of the same
kind of sample, microscope and settings; for others it holds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.ndimage import uniform_filter

WINDOW = 7
"""Pixels of the result along the side of the window around a pixel, whose brightness and structure count."""
STRUCTURE_REACH = WINDOW // 2
SLACK = 0.1
"""Part of the measured range of brightness beyond each end at which a table still holds."""


class ErrorTable(BaseModel):
    """Half the width of an interval around the result in which the truth lies, at nine of ten pixels.

    Rows are classes of brightness, columns of structure: the local standard deviation. All in grey levels of
    the result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: float = Field(gt=0, lt=1)
    """Part of the pixels at which it is meant to hold, over many images."""
    brightness: tuple[float, ...]
    """Limits between the rows, rising."""
    structure: tuple[tuple[float, ...], ...]
    """Limits between the columns of each row, rising."""
    width: tuple[tuple[float, ...], ...]
    """Half the interval's width in each row and column, 0 or more."""
    constant: float = Field(ge=0)
    """The width that would hold as often if it were the same everywhere."""
    blocks: int = Field(ge=1)
    """Blocks of images that it was measured on."""
    covered: float = Field(ge=0, le=1)
    """Part of the pixels at which it held on blocks that were left out when it was made."""
    covered_fine: float = Field(ge=0, le=1)
    """Part of the pixels at which it held there, counting only the tenth of the pixels with most
    structure."""
    limits: tuple[float, float]
    """Brightness between which nearly all pixels lay."""

    @model_validator(mode="after")
    def _is_a_table(self) -> ErrorTable:
        rows = len(self.brightness) + 1
        if len(self.structure) != rows or len(self.width) != rows:
            raise ValueError(
                f"{len(self.brightness)} limits of brightness make {rows} rows; "
                f"got {len(self.structure)} of structure and {len(self.width)} of widths"
            )
        for limits, widths in zip(self.structure, self.width, strict=True):
            if len(widths) != len(limits) + 1 or min(widths) < 0:
                raise ValueError("each row has a width, not negative, for each of its columns")
        return self

    def knows(self, brightness: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the table was measured at places as bright as these, or nearly so.

        Parameters
        ----------
        brightness
            Local means in grey levels, of any shape and real dtype.

        Returns
        -------
        NDArray
            An array of truth values of the same shape.
        """
        low, high = self.limits
        slack = SLACK * (high - low)
        return np.asarray((brightness >= low - slack) & (brightness <= high + slack))

    def at(self, brightness: NDArray[Any], structure: NDArray[Any]) -> NDArray[np.float64]:
        """The table's value at places of some brightness and structure.

        A class's width is that of its middle; between the middles it is interpolated, along brightness and
        along structure. In steps it would hold at the lower end of each class and fail at the upper one where
        most of the truth is one value, as the background of a localisation microscope is.

        Parameters
        ----------
        brightness, structure
            Local mean and local standard deviation in grey levels: arrays of one shape and any real dtype, as
            from :func:`brightness_and_structure`.

        Returns
        -------
        NDArray
            Half the interval's width in grey levels, float64 of the same shape.
        """
        place = np.interp(brightness, _middles(self.limits[0], self.brightness), np.arange(len(self.width)))
        found = np.zeros(brightness.shape)
        for number, (limits, widths) in enumerate(zip(self.structure, self.width, strict=True)):
            weight = 1 - np.abs(place - number)
            near = weight > 0
            found[near] += weight[near] * np.interp(structure[near], _middles(0.0, limits), widths)
        return found


def _middles(start: float, limits: Sequence[float]) -> NDArray[np.float64]:
    """The middles of classes that begin at `start`; the last one is as far beyond its limit as the one before
    it is below."""
    edges = np.array([start, *limits])
    middles = (edges[:-1] + edges[1:]) / 2
    last = edges[-1] if not limits else 2 * edges[-1] - middles[-1]
    return np.append(middles, last)


def brightness_and_structure(result: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Local mean and local standard deviation, over :data:`WINDOW` pixels along each side.

    Parameters
    ----------
    result
        ``(Y, X)`` of any real dtype, finite.

    Returns
    -------
    brightness, structure
        ``(Y, X)`` of float64 each, in grey levels.
    """
    values = np.asarray(result, np.float64)
    middle = float(values.mean())  # squares of small numbers keep their digits
    mean = uniform_filter(values - middle, WINDOW)
    squares = uniform_filter((values - middle) ** 2, WINDOW)
    return mean + middle, np.sqrt(np.maximum(squares - mean**2, 0))
