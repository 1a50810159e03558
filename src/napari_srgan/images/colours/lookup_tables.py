"""Tables of colours in which intensities are shown: lookup tables (LUTs), and those that are one hue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR = 3
"""Levels of 255 by which the colours of a ramp may differ from an even one: programs round in different
ways."""


def hue_of(table: NDArray[Any]) -> str | None:
    """The colour at the end of a table that goes evenly from black to it, as ``"RRGGBB"``.

    Parameters
    ----------
    table
        ``(N, 3)`` of 8 bits, darkest first.

    Returns
    -------
    str or None
        The colour; None if the table is anything else, or black: then its entries stand for themselves.
    """
    colours = np.asarray(table, np.float64)
    if len(colours) < 2 or not colours[-1].any():
        return None
    even = np.linspace(0, 1, len(colours))[:, None] * colours[-1]
    if np.abs(colours - even).max() > NEAR:
        return None
    return hex_of(table[-1])


def hex_of(colour: Any) -> str:
    """Three values of 8 bits as ``"RRGGBB"``."""
    return "".join(f"{int(value):02X}" for value in colour)


def table_of(colour: str | None, table: bytes | None) -> NDArray[np.uint8]:
    """A whole table of 256 colours: the one that is given, or the ramp from black to a colour.

    Parameters
    ----------
    colour
        The colour as ``"RRGGBB"``; white if None.
    table
        256 times red, green, blue; None for a ramp.

    Returns
    -------
    NDArray
        ``(256, 3)`` of uint8, darkest first.
    """
    if table is not None:
        return np.frombuffer(table, np.uint8).reshape(256, 3)
    end = np.array([int((colour or "FFFFFF")[at : at + 2], 16) for at in (0, 2, 4)])
    ramp: NDArray[np.float64] = np.linspace(0, 1, 256)[:, None] * end
    return ramp.round().astype(np.uint8)


def table_of_8_bits(colormap: NDArray[Any]) -> NDArray[np.uint8]:
    """The ``ColorMap`` of a TIFF with 8 bits.

    Its values have 16 bits (TIFF 6.0, page 23); some programs write them with 8, which would all be black.

    Parameters
    ----------
    colormap
        ``(3, N)`` of an unsigned type, as tifffile gives it.

    Returns
    -------
    NDArray
        ``(N, 3)`` of uint8.
    """
    eight = int(colormap.max(initial=0)) < 256
    return np.asarray(colormap if eight else colormap >> 8).astype(np.uint8).T
