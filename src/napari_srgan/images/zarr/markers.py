"""By what a folder is known to be zarr, and a store to be a result of ours."""

from __future__ import annotations

from pathlib import Path

PROVENANCE_KEY = "napari-srgan"
SPACING_KEY = "spacings"
"""Attribute of a plain array: a list with ``size``, ``unit`` and ``origin`` of each axis."""
LOOK_KEY = "napari-srgan-look"
"""Attribute with what is known of the image beside its pixels, as far as OME-Zarr has no place for it."""
FINISHED_KEY = "napari-srgan-finished"
"""Attribute of a finished store: what it was made from and how, by which it is recognised."""


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup", ".zattrs"))
