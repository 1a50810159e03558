"""Opening results on disk again: the reader that napari finds in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_srgan.storage.found import provenance_of

LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """A reader for results of this package; None for everything else, which is left to other readers."""
    paths = [path] if isinstance(path, str) else list(path)
    return read if all(provenance_of(Path(one)) is not None for one in paths) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Open results as layers that read only what is looked at, each in its place in the world.

    Raises
    ------
    UserError
        If one is damaged.
    """
    from napari_srgan.viewer.stored_levels import open_levels

    paths = [path] if isinstance(path, str) else path
    return [_layer_data(open_levels(Path(one).absolute())) for one in paths]


def _layer_data(stored: Any) -> LayerData:
    from napari_srgan.viewer.layer_files import FILE_KEY
    from napari_srgan.viewer.layers import METADATA_KEY

    rgb = stored.axes.endswith("S")
    letters, spacings = (along[:-1] if rgb else along for along in (stored.axes, stored.spacings))
    ndim, several = len(letters), len(stored.levels) > 1
    state: dict[str, Any] = {
        "name": stored.path.name.removesuffix(".zarr").removesuffix(".ome"),
        "multiscale": several,
        "rgb": rgb,
        "scale": [spacing.size for spacing in spacings],
        "translate": [spacing.origin for spacing in spacings],
        "units": [spacing.unit or "pixel" for spacing in spacings],
        "axis_labels": [
            f"axis {at - ndim}" if letter == "Q" else letter.lower() for at, letter in enumerate(letters)
        ],
        "metadata": {METADATA_KEY: {**stored.made, FILE_KEY: str(stored.path)}},
    }
    if stored.limits is not None:
        state["contrast_limits"] = stored.limits
    return stored.levels if several else stored.levels[0], state, "image"
