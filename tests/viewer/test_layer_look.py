"""A layer that is written keeps what it shows, and what is known of its pixels in the file they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.layers._source import layer_source

from napari_srgan import upscale
from napari_srgan.images.formats import open_image
from napari_srgan.images.look import ImageLook
from napari_srgan.viewer.layers.reopen import reopened_layer

PIXELS = np.random.default_rng(0).integers(0, 4000, (2, 40, 48), dtype=np.uint16)
CHANNELS = {
    "Name": ["DAPI", "GFP"], "Color": [0x0000FFFF, 0x00FF00FF],
    "EmissionWavelength": [461.0, 509.0], "EmissionWavelengthUnit": ["nm"] * 2,
}  # fmt: skip
PLANES = {"DeltaT": [0.0, 1.5], "DeltaTUnit": ["s"] * 2}


def layer_from(path: Path, axes: str = "cyx", **shown: Any) -> Image:
    """A layer as napari opens it: without colours and names of channels."""
    one = {name: values[:1] for name, values in CHANNELS.items()}
    metadata = {"axes": axes.upper(), "Channel": CHANNELS if "c" in axes else one, "Plane": PLANES}
    pixels = PIXELS if axes[0] in "cz" else PIXELS[0]
    if pixels.ndim == 2:
        metadata["Plane"] = {name: values[:1] for name, values in PLANES.items()}
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=metadata)
    with layer_source(path=str(path)):
        return Image(pixels, **{"name": path.name.removesuffix(".tif"), "axis_labels": tuple(axes)} | shown)


def look_of(path: Path) -> ImageLook:
    with open_image(path) as image:
        return image.look


@pytest.mark.parametrize("name", ["out.ome.zarr", "out.zarr"])
def test_channels_of_a_layer_are_those_of_its_file(tmp_path: Path, tiny_model: Any, name: str) -> None:
    layer = layer_from(tmp_path / "i.ome.tif")
    upscale(layer, tiny_model(), out=tmp_path / name, progress=False)
    look = look_of(tmp_path / name)
    assert [(one.name, one.colour, one.emission) for one in look.channels] == [
        ("DAPI", "0000FF", 461), ("GFP", "00FF00", 509),
    ]  # fmt: skip
    assert [plane.time for plane in look.planes] == [0, 1.5]
    again = reopened_layer(tmp_path / name)
    upscale(again, tiny_model(), out=tmp_path / f"again-{name}", progress=False)
    assert look_of(tmp_path / f"again-{name}").channels == look.channels


def test_what_a_user_chose_counts_first(tmp_path: Path, tiny_model: Any) -> None:
    layer = layer_from(tmp_path / "i.ome.tif", "yx", name="nuclei", colormap="red", contrast_limits=(7, 900))
    upscale(layer, tiny_model(), out=tmp_path / "o.ome.zarr", progress=False)
    look = look_of(tmp_path / "o.ome.zarr")
    (channel,) = look.channels
    assert (look.name, channel.name, channel.colour, channel.limits) == (
        "nuclei",
        "nuclei",
        "FF0000",
        (7, 900),
    )
    assert channel.emission == 461


def test_a_layer_that_is_called_like_its_file_keeps_the_name_of_its_channel(
    tmp_path: Path, tiny_model: Any
) -> None:
    upscale(layer_from(tmp_path / "i.ome.tif", "zyx"), tiny_model(), out=tmp_path / "o.zarr", progress=False)
    assert look_of(tmp_path / "o.zarr").name == "i.ome"
    assert [channel.name for channel in look_of(tmp_path / "o.zarr").channels] == ["DAPI"]


def test_other_pixels_than_those_of_the_file_are_not_called_like_them(
    tmp_path: Path, tiny_model: Any
) -> None:
    layer = layer_from(tmp_path / "i.ome.tif", "zyx")
    layer.data = PIXELS[:, :30]
    upscale(layer, tiny_model(), out=tmp_path / "o.zarr", progress=False)
    (channel,) = look_of(tmp_path / "o.zarr").channels
    assert (channel.name, channel.emission) == ("i.ome", None)
