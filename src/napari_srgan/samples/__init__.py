"""Small images that come with the package, for a first try; see NOTICE.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.errors import UserError


@dataclass(frozen=True)
class SampleImage:
    """One bundled image, as a user would have it: nothing about it is prepared."""

    title: str
    """Title of the image for a menu."""
    file: str
    """Name of the PNG in this folder."""
    axes: str
    """One letter for each axis of the array in the file."""
    pixel_size: float | None
    """Micrometres from pixel to pixel in Y and X, where it is known."""
    attribution: str
    """Source and licence, in one line."""


SAMPLES: dict[str, SampleImage] = {
    "nuclei": SampleImage(
        title="Nuclei (fluorescence, 16 bit)",
        file="nuclei.png",
        axes="YX",
        pixel_size=0.656,
        attribution="BBBC039, Broad Bioimage Benchmark Collection, CC0-1.0",
    ),
    "tissue": SampleImage(
        title="Tissue (brightfield, RGB)",
        file="tissue.png",
        axes="YXS",
        pixel_size=None,
        attribution="CMMI, through scikit-image, no known copyright restrictions",
    ),
}
"""All samples by name."""


@dataclass(frozen=True)
class SamplePair:
    """Two bundled images of one field, from which a model can learn."""

    low: str
    """Name of the low-resolution PNG in this folder."""
    high: str
    """Name of the high-resolution PNG in this folder."""
    factor: int
    """How many times finer the high-resolution image is."""
    attribution: str
    """Source and licence, in one line."""


ER_PAIR = SamplePair(
    low="er-widefield.png",
    high="er-storm.png",
    factor=4,
    attribution="SFSRM, Chen et al. 2023, BSD-3-Clause",
)
"""Endoplasmic reticulum: widefield and STORM."""


def sample_path(name: str) -> Path:
    """File of a sample.

    Parameters
    ----------
    name
        A key of :data:`SAMPLES`.

    Raises
    ------
    UserError
        If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise UserError(f"there is no sample {name!r}; there is: {', '.join(SAMPLES)}")
    return Path(__file__).parent / SAMPLES[name].file


_TILES = "tiles.tif"
"""Name of the stack of tiles to learn from, in this folder."""


def sample_tiles() -> NDArray[np.uint16]:
    """Images of much detail and little noise, to learn from where a user has none.

    Returns
    -------
    ndarray
        ``(8, 192, 192)`` uint16: membrane, mitochondria, actin twice, nuclei, epithelium twice, small nuclei;
        all of the same range of brightness. The bundled models have been trained on them.
    """
    return np.asarray(tifffile.imread(Path(__file__).parent / _TILES))
