"""A result on disk, opened again later: nothing is known then but what is in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.images.factor import result_suffix
from napari_srgan.results.existing_result import provenance_of
from napari_srgan.viewer.layers.layer_look import colormap_of
from napari_srgan.viewer.layers.sources import FILE_KEY
from napari_srgan.viewer.layers.stored_levels import StoredLevels, open_levels
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY


def reopened_layer(path: Path) -> Image:
    """Make a layer that reads only what is looked at, in its place in the world.

    Parameters
    ----------
    path
        The folder of a finished result, in ``.zarr`` or ``.ome.zarr``.

    Raises
    ------
    UserError
        If it is not finished, damaged, or no result of this package.
    """
    if provenance_of(path) is None:
        raise UserError(
            f"{path} is no finished result of napari-srgan; choose the folder in .ome.zarr or .zarr that was "
            "written, or open other images with napari's own File > Open"
        )
    stored = open_levels(path.absolute())
    several = len(stored.levels) > 1
    return Image(stored.levels if several else stored.levels[0], multiscale=several, **_state(stored))


def _name(stored: StoredLevels) -> str:
    """The name that its layer had when it was written; that of the file, where no layer's is known."""
    made, image = stored.made, stored.look.name
    if not image or "scale_factor" not in made:
        return stored.path.name.removesuffix(".zarr").removesuffix(".ome")
    return f"{image} {result_suffix(int(made['scale_factor']))} ({made['model']})"


def _state(stored: StoredLevels) -> dict[str, Any]:
    rgb = stored.axes.endswith("S")
    ndim = len(stored.axes) - rgb
    letters, spacings = stored.axes[:ndim], stored.spacings[:ndim]
    state: dict[str, Any] = {
        "name": _name(stored),
        "rgb": rgb,
        "scale": [spacing.size for spacing in spacings],
        "translate": [spacing.origin for spacing in spacings],
        "units": [spacing.unit or "pixel" for spacing in spacings],
        "axis_labels": [
            f"axis {at - ndim}" if letter == "Q" else letter.lower() for at, letter in enumerate(letters)
        ],
        "metadata": {METADATA_KEY: {**stored.made, FILE_KEY: str(stored.path)}},
    }
    if not rgb and (colormap := colormap_of(stored.look)) is not None:
        state["colormap"] = colormap
    if stored.limits is not None:
        state["contrast_limits"] = stored.limits
    return state
