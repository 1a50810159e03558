"""Whether a layer is the user's own image, a prediction of a model, or an illustration of this plugin.

Metadata tells it, never the name: a layer can be renamed, and a user's layer can have any name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Layer

from napari_srgan.errors import UserError
from napari_srgan.images.zarr.markers import is_zarr
from napari_srgan.results.existing_result import provenance_of
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY

ILLUSTRATION_KEY = "illustration"
"""Where the plugin's part of a layer's metadata says that it is an illustration."""


def illustration(shows: str) -> dict[str, Any]:
    """Make metadata for a layer that only illustrates something, and is no image to work on.

    Parameters
    ----------
    shows
        What it illustrates, for those who read metadata.
    """
    return {METADATA_KEY: {ILLUSTRATION_KEY: shows}}


def is_illustration(layer: Layer) -> bool:
    """Tell whether a layer is an illustration of this plugin: a preview, a split, an overlay, a map."""
    return ILLUSTRATION_KEY in made_of(layer)


def predicted_by(layer: Layer) -> str:
    """Name the model that made a layer; empty if no model did.

    A result on disk tells it too when it is opened by any other reader of zarr.
    """
    made = made_of(layer)
    if not made and (path := layer.source.path) and "://" not in path and is_zarr(Path(path)):
        made = provenance_of(Path(path)) or {}
    return str(made.get("model") or "")


def check_truth(layer: Layer) -> None:
    """Refuse a layer as a truth that is no measured image.

    Raises
    ------
    UserError
        If a model made it, or it is an illustration.
    """
    if predictor := predicted_by(layer):
        raise UserError(f"{layer.name!r} was made by {predictor}, and is no truth; choose a measured image")
    if is_illustration(layer):
        raise UserError(f"{layer.name!r} illustrates a result, and is no truth; choose a measured image")


def made_of(layer: Layer) -> dict[str, Any]:
    """Return what a layer's metadata says of how this plugin made it; empty for all other layers."""
    made = layer.metadata.get(METADATA_KEY)
    return made if isinstance(made, dict) else {}
