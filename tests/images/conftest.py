from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.output import NewFile
from napari_srgan.results.writer import RestartableStore

PROVENANCE = {
    "note": "Predicted.",
    "software": "napari-srgan 0",
    "model": "tiny",
    "scale_factor": 2,
    "intensity": [{"channel": 0, "offset": 0.0, "span": 1.0}],
}

Write = Callable[..., Path]


def random_pixels(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 200, shape)
    return (values > 100) if np.dtype(dtype) == bool else values.astype(dtype)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an array as a result, tile by tile."""

    def write(
        name: str,
        data: np.ndarray,
        axes: str,
        spacings: tuple[Spacing, ...] | None = None,
        **options: Any,
    ) -> Path:
        path = tmp_path / name
        if name.endswith("zarr"):
            return _to_zarr(path, data, axes, spacings, **options)
        with open_output(NewFile(path, axes, **options), data.dtype) as output:
            sink = output(data.shape, data.dtype)
            y = axes.index("Y")
            for index in np.ndindex(data.shape[:y]):
                for rows in (slice(0, 7), slice(7, data.shape[y])):
                    key = (*index, rows, slice(0, data.shape[y + 1]))
                    sink[key] = data[key]
            whole = ((0, data.shape[y]), (0, data.shape[y + 1]))
            output.finish(Upscaled(sink, axes, whole, PROVENANCE), spacings)
        return path

    return write


def _to_zarr(
    path: Path, data: np.ndarray, axes: str, spacings: tuple[Spacing, ...] | None, **options: Any
) -> Path:
    """Other pixels are another result."""
    store = RestartableStore(
        path, shape=data.shape, dtype=data.dtype, axes=axes, spacings=spacings,
        fingerprint={"sum": float(data.sum())}, provenance=PROVENANCE, **options,
    )  # fmt: skip
    with store:
        for block in store.missing():
            store.write(block, data[block.slices])
        return store.finish()


def read(path: Path) -> tuple[np.ndarray, StoredImage]:
    with open_image(path) as image:
        return image.data[:], image
