"""What the file of a layer says of it, and the layer does not: napari's own reader drops it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari import Viewer
from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.images.formats import read_header
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import UNITS, kind_of
from napari_srgan.significant import significant
from napari_srgan.viewer.layers.provenance import made_of
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes
from napari_srgan.viewer.qt.labels import camera_of
from napari_srgan.viewer.upscale.noise_look import LayerLook


@dataclass(frozen=True)
class FileHeader:
    """Pixel sizes and axes of the image in a file, in the order of a layer's axes."""

    axes: str = ""
    """One letter for each axis; colour samples are none."""
    spacings: tuple[Spacing, ...] = ()
    """One for each axis."""

    @property
    def sizes(self) -> str:
        """The pixel sizes in words, e.g. ``"0.5 x 0.13 x 0.13 µm"``; empty if none is known."""
        known = [one for one in self.spacings if one.unit is not None]
        lengths = [one for one in known if kind_of(one.unit) == "length"]
        times = [f"{significant(one.size)} {_symbol(one)}" for one in known if kind_of(one.unit) == "time"]
        if len({one.unit for one in lengths}) == 1:
            along = [f"{' x '.join(significant(one.size) for one in lengths)} {_symbol(lengths[0])}"]
        else:
            along = [" x ".join(f"{significant(one.size)} {_symbol(one)}" for one in lengths)]
        return ", ".join(filter(None, [*along, *times]))

    @property
    def names(self) -> str:
        """The axes in words, e.g. ``"Z C Y X"``; empty if nobody has named those before Y and X."""
        return " ".join(self.axes) if self.axes.strip("Q") not in ("", "YX") else ""

    def new_to(self, layer: Image) -> str:
        """Say what is known here and not in the layer; empty if nothing is."""
        names = self.names if "Q" in _letters(layer) else ""
        said = [_sizes_new_to(layer, self.sizes), f"axes {names}" if names else ""]
        return ", ".join(filter(None, said))

    def tell(self, layer: Image, viewer: Viewer) -> None:
        """Give a layer what is new to it; what is in view stays in view."""
        step, camera, before = viewer.dims.current_step, camera_of(viewer), tuple(layer.scale)
        sizes = bool(_sizes_new_to(layer, self.sizes))
        center, zoom = camera.center, camera.zoom
        if sizes:
            layer.scale = [one.size for one in self.spacings]
            layer.units = [one.unit or "pixel" for one in self.spacings]
        if "Q" in _letters(layer):
            layer.axis_labels = [
                name if letter == "Q" else letter.lower()
                for letter, name in zip(self.axes, layer.axis_labels, strict=True)
            ]
        viewer.dims.current_step = step
        if sizes:
            ratios = [now / was for now, was in zip(layer.scale, before, strict=True)]
            camera.zoom = zoom / ratios[-1]
            shown = ratios[-len(center) :]
            moved = [at * ratio for at, ratio in zip(center[-len(shown) :], shown, strict=True)]
            camera.center = (*center[: len(center) - len(moved)], *moved)


def _symbol(spacing: Spacing) -> str:
    return UNITS[str(spacing.unit)].symbol


def _letters(layer: Image) -> str:
    try:
        return layer_axes(layer)
    except UserError:  # told when it is run
        return ""


def _sizes_new_to(layer: Image, sizes: str) -> str:
    """Sizes of pixels, if the layer has none of its own."""
    plain = all(size == 1 for size in layer.scale) and all(str(unit) == "pixel" for unit in layer.units)
    return sizes if plain else ""


class HeaderLook(LayerLook[FileHeader]):
    """Tells what the file of a layer says, some time after it was asked."""

    def question(self, image: Image) -> Callable[[], FileHeader]:
        path = image.source.path
        if not path or "://" in path or made_of(image):
            raise UserError("it is read from no file")
        return partial(_header, Path(path), tuple(finest_data(image).shape))

    def nothing(self, why: str) -> FileHeader:
        del why  # nobody has asked for it
        return FileHeader()


def _header(path: Path, shape: tuple[int, ...]) -> FileHeader:
    """What a file says of an array that is read from it as it is stored.

    Parameters
    ----------
    path
        The file.
    shape
        Shape of the array; axes of one pixel may be left out.

    Raises
    ------
    UserError
        If the file is gone, cannot be read, or holds something else than this array.
    """
    stored = read_header(path)
    whole, data = tuple(stored.data.shape), stored.data
    kept = range(len(whole)) if whole == shape else [at for at, size in enumerate(whole) if size > 1]
    if tuple(whole[at] for at in kept) != shape or data.order != tuple(range(data.ndim)):
        raise UserError(f"{path.name} holds an image of another shape")
    plain = [at for at in kept if stored.axes[at] != "S"]
    return FileHeader("".join(stored.axes[at] for at in plain), tuple(stored.spacings[at] for at in plain))
