"""Coarser levels in OME-TIFF, as SubIFDs of each plane.

https://ome-model.readthedocs.io/en/stable/ome-tiff/specification.html#sub-resolutions: the full resolution is
what it is without a pyramid, and readers that know nothing of the levels see only that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.images.writing.pyramid import halve

LARGE = 4096
"""Pixels along Y or X beyond which a result has a pyramid: about what a large screen shows at once."""
COARSEST = 512
"""Pixels along Y and X below which no viewer needs a coarser level."""
_REDUCED = 1
"""NewSubfileType of an image of reduced resolution (TIFF 6.0, page 36)."""

Allocate = Callable[[tuple[int, ...], np.dtype[Any]], Any]


def level_shapes(shape: tuple[int, ...], y: int, *, wanted: bool | None = None) -> list[tuple[int, ...]]:
    """Shapes of the levels, the finest left out; along Y and X each is half of the one before, rounded up.

    Parameters
    ----------
    shape
        Shape of the finest level.
    y
        Number of its Y axis; X follows.
    wanted
        True: also make levels of images that are not large (at least one); False: make none. By default only
        large images have them.
    """
    plane = shape[y : y + 2]
    if wanted is False or (not wanted and max(plane) <= LARGE):
        return []
    found: list[tuple[int, ...]] = []
    while max(plane) > (COARSEST if found else 1):
        plane = tuple(-(-size // 2) for size in plane)
        found.append((*shape[:y], *plane, *shape[y + 2 :]))
    return found


def write_pyramid(
    path: Path,
    data: NDArray[Any],
    y: int,
    shapes: list[tuple[int, ...]],
    options: dict[str, Any],
    layout: Callable[[NDArray[Any]], dict[str, Any]],
    allocate: Allocate,
) -> None:
    """Write an OME-TIFF with a pyramid.

    Parameters
    ----------
    path
        Path of a new file.
    data
        The finest level, of any real dtype.
    y
        Number of its Y axis; X follows.
    shapes
        Shapes of the coarser levels, from :func:`level_shapes`.
    options
        Options of ``tifffile.imwrite`` for the finest level.
    layout
        A function that gives the options for the layout of a level in the file: compression, tiles.
    allocate
        A function that makes an array for a level.
    """
    options = dict(options)
    of_file = {key: options.pop(key) for key in ("ome", "bigtiff") if key in options}
    shown: dict[str, Any] = {
        key: options[key] for key in ("photometric", "extrasamples", "resolutionunit") if key in options
    }
    with tifffile.TiffWriter(path, **of_file) as file:
        file.write(data, subifds=len(shapes), **options)
        for number, level in enumerate(_levels(data, y, shapes, allocate), 1):
            if "resolution" in options:
                shown["resolution"] = tuple(per_unit / 2**number for per_unit in options["resolution"])
            file.write(level, subfiletype=_REDUCED, metadata=None, **shown, **layout(level))


def _levels(
    data: NDArray[Any], y: int, shapes: list[tuple[int, ...]], allocate: Allocate
) -> Iterator[NDArray[Any]]:
    finer = data
    for shape in shapes:
        level = allocate(shape, data.dtype)
        for plane in np.ndindex(shape[:y]):
            level[plane] = halve(finer[plane], (0, 1))
        yield level
        finer = level
