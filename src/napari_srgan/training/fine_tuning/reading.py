"""Images without a partner, read into memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from napari_srgan.errors import UserError
from napari_srgan.progress import Job, Progress
from napari_srgan.training.pairs.aligned import AlignedPlane
from napari_srgan.training.pairs.budget import InARow, rows_of
from napari_srgan.training.pairs.source import SourceImage


def read_high_job(
    image: SourceImage, factor: int, *, budget: int, in_a_row: InARow | None = None
) -> Job[tuple[list[AlignedPlane], str]]:
    """Copy an image's planes into memory, evenly spread ones if there are too many, or frames in a row.

    Parameters
    ----------
    image
        High resolution.
    factor
        Scale factor of the resolution; planes are cropped at their ends to multiples of it.
    budget
        Bytes that the copies may take.
    in_a_row
        Planes that have to stay together.

    Returns
    -------
    list of AlignedPlane, str
        Without low resolution; and a note if not all planes were read.

    Raises
    ------
    UserError
        If the image is too small, constant, or not finite anywhere.
    """
    image = image.checked()
    sizes = [size for _, size in image.leading]
    indices = list(product(*(range(size) for size in sizes)))
    y, x = (size // factor * factor for size in image.plane_shape)
    if not (y and x):
        raise UserError(f"{image.name!r} is too small for x{factor}: it has {image.plane_shape} pixels")
    colours = 3 if image.rgb else 1
    # Each plane is there as it is, and once more as the network sees it.
    most = max(int(budget / (y * x * colours * (image.dtype.itemsize + 4))), 1)
    chosen = indices
    if in_a_row is not None:
        chosen = list(rows_of(indices, most, in_a_row))
    elif len(indices) > most:
        chosen = [indices[int(i)] for i in np.linspace(0, len(indices) - 1, most)]
    note = "" if len(chosen) == len(indices) else f"{len(chosen)} of {len(indices)} planes are used"
    letters = [letter for letter, _ in image.leading]
    planes = []
    for number, index in enumerate(chosen):
        yield Progress(number, len(chosen), f"Reading {image.name}")
        pixels = np.array(image.read(index, ((0, y), (0, x))))
        finite = np.isfinite(pixels).all(axis=-1)
        blocks = finite.reshape(y // factor, factor, x // factor, factor).all(axis=(1, 3))
        channel = index[letters.index("C")] if "C" in letters else 0
        planes.append(AlignedPlane(image.name, index, channel, None, pixels, blocks))
    if not any(plane.usable.any() for plane in planes):
        raise UserError(f"{image.name!r} has no finite values: there is nothing to learn from it")
    if not any(has_contrast(plane) for plane in planes):
        raise UserError(f"{image.name!r} has the same value everywhere: there is nothing to learn from it")
    return planes, note


def crop_to_common(planes: list[AlignedPlane], factor: int) -> list[AlignedPlane]:
    """Crop planes to the place that all of them have; shifts are corrected plane by plane.

    Parameters
    ----------
    planes
        Planes of one pair.
    factor
        Scale factor of the resolution.
    """
    starts = np.max([plane.origin for plane in planes], axis=0)
    stops = np.min([np.add(plane.origin, plane.usable.shape) for plane in planes], axis=0)
    found = []
    for plane in planes:
        y, x = (
            slice(int(start - at), int(stop - at))
            for start, stop, at in zip(starts, stops, plane.origin, strict=True)
        )
        fine = tuple(slice(s.start * factor, s.stop * factor) for s in (y, x))
        found.append(
            replace(
                plane,
                low=None if plane.low is None else plane.low[y, x],
                high=plane.high[fine],
                usable=plane.usable[y, x],
                origin=(int(starts[0]), int(starts[1])),
            )
        )
    return found


def has_contrast(plane: AlignedPlane) -> bool:
    """Whether there is anything to be seen, in both images if there are two."""
    for image in (plane.low, plane.high):
        if image is None:
            continue
        values = image[np.isfinite(image)]
        if not values.size or values.min() == values.max():
            return False
    return True
