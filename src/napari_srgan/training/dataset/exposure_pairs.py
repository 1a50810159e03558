"""Short and long exposures of the same field, from a folder of PNG files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

from napari_srgan.errors import UserError

SHORT, LONG = "_short.png", "_long.png"


@dataclass(frozen=True)
class ExposurePair:
    """One field, exposed for a short and for a long time."""

    name: str
    short: NDArray[np.float64]
    """``(Y, X)`` in grey levels of its file."""
    long: NDArray[np.float64]
    """``(Y, X)`` of the same pixels, in grey levels of its own file."""

    @property
    def fingerprints(self) -> tuple[bytes, bytes]:
        """Checksums of the pixels of both images: equal for equal images."""
        return _checksum(self.short), _checksum(self.long)


def pair_names(folder: Path) -> list[str]:
    """The names of the pairs in a folder.

    Raises
    ------
    UserError
        If it holds none.
    """
    names = sorted(file.name.removesuffix(SHORT) for file in folder.glob(f"*{SHORT}"))
    if not names:
        raise UserError(f"there are no pairs (NAME{SHORT} and NAME{LONG}) in {folder}")
    return names


def read_pairs(folder: Path, names: Iterable[str]) -> list[ExposurePair]:
    """Read pairs of a folder by their names.

    Raises
    ------
    UserError
        If an image cannot be read, or the two of a pair are no planes of the same shape.
    """
    return [_read_pair(folder, name) for name in names]


def _read_pair(folder: Path, name: str) -> ExposurePair:
    try:
        short, long = (imread(folder / f"{name}{end}").astype(np.float64) for end in (SHORT, LONG))
    except (OSError, ValueError) as error:
        raise UserError(f"the pair {folder / name}{SHORT} cannot be read: {error}") from error
    if short.ndim != 2 or short.shape != long.shape:
        raise UserError(
            f"the exposures of the pair {name} in {folder} have shapes {short.shape} and {long.shape}; "
            "both have to be of one channel and of the same pixels"
        )
    return ExposurePair(name, short, long)


def binned(image: NDArray[Any], factor: int) -> NDArray[np.float64]:
    """Means over ``factor x factor`` pixels of ``(Y, X)``; what fills no block is left out."""
    rows, columns = (size // factor for size in image.shape)
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))


def _checksum(pixels: NDArray[np.float64]) -> bytes:
    return hashlib.sha256(pixels.tobytes()).digest()
