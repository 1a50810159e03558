"""The Upscale widget's results in files that are no zarr."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from napari_srgan.images.formats import open_image

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (40, 32), dtype=np.uint16)
STACK = RANDOM.integers(100, 4000, (3, 2, 40, 32), dtype=np.uint16)
SCALE = (0.5, 1, 0.13, 0.13)
CHANNELS = ["actin", "mito"]


@pytest.fixture
def stack_file(tmp_path):
    """A stack as a microscope writes it, which napari's own reader opens without sizes and names."""
    file = tmp_path / "cells.ome.tif"
    metadata = {
        "axes": "ZCYX", "Channel": {"Name": CHANNELS}, "PhysicalSizeX": 0.13, "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.13, "PhysicalSizeYUnit": "µm", "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm",
    }  # fmt: skip
    tifffile.imwrite(file, STACK, metadata=metadata)
    return file


@pytest.fixture
def to_file(open_widget, tmp_path):
    """A widget that is to write an image into a file in an empty folder."""
    (tmp_path / "results").mkdir()

    def open_it(name, image=CELLS, **of):
        viewer, widget = open_widget()
        layer = viewer.add_image(image, **{"name": "cells"} | of)
        widget["result"].value = "disk"
        path = tmp_path / "results" / name
        widget["target"]["file"].value = str(path)
        return viewer, widget, layer, path

    return open_it


def sizes(path):
    """Axes of the image in a file, and the pixel size along each with its unit."""
    with open_image(path) as stored:
        along = [(spacing.size, spacing.unit) for spacing in stored.spacings]
        return stored.axes, along, [channel.name for channel in stored.look.channels]


def test_ome_tiff_has_sizes_axes_channel_names_and_provenance(open_widget, run, stack_file):
    viewer, widget = open_widget()
    viewer.open(stack_file, plugin="napari")
    (source,) = viewer.layers
    source.axis_labels, source.scale, source.units = "zcyx", SCALE, ("um", "pixel", "um", "um")
    widget["result"].value = "disk"
    path = stack_file.with_name("cells_x2.ome.tif")
    widget["target"]["file"].value = str(path)
    assert run(viewer, widget).startswith("Added")

    axes, along, names = sizes(path)
    assert axes == "ZCYX"
    assert names == CHANNELS
    assert [size for size, _ in along] == pytest.approx([0.5, 1, 0.065, 0.065])
    assert [unit for _, unit in along] == ["micrometer", None, "micrometer", "micrometer"]
    with tifffile.TiffFile(path) as tiff:
        assert "microscopy-x2" in tiff.ome_metadata
        np.testing.assert_array_equal(viewer.layers[-1].data, tiff.asarray())


def test_layer_lies_on_the_image_and_says_how_it_was_made(to_file, run):
    viewer, widget, source, path = to_file("cells.ome.tif", scale=(2, 2), translate=(5, 6), colormap="magma")
    box = viewer.add_shapes([[[20, 20], [20, 30], [40, 30], [40, 20]]], name="roi")
    widget["region"].value = box
    assert run(viewer, widget) == "Added 'cells x2 (microscopy-x2)'."
    layer = viewer.layers["cells x2 (microscopy-x2)"]
    made = layer.metadata["napari-srgan"]
    assert (made["file"], made["model"]) == (str(path), "microscopy-x2")
    np.testing.assert_allclose(
        layer.data_to_world((0.5, 0.5)), source.data_to_world([start for start, _ in made["region"]])
    )
    assert layer.colormap.name == "magma"
    (found,) = path.parent.glob("*")
    assert found == path


def test_axes_without_names_are_told(to_file, run):
    viewer, widget, _, path = to_file("cells.ome.tif", STACK)
    said = run(viewer, widget)
    assert "OME-TIFF has only axes with names" in said
    assert viewer.layers[-1].data.shape == (3, 2, 80, 64)
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(viewer.layers[-1].data, tiff.asarray())


def test_imagej_and_pictures(to_file, run):
    viewer, widget, _, path = to_file("cells.tif", scale=(0.13, 0.13), units=("um", "um"))
    run(viewer, widget)
    with tifffile.TiffFile(path) as tiff:
        assert json.loads(tiff.imagej_metadata["Info"])["model"] == "microscopy-x2"
    assert sizes(path)[1] == [(pytest.approx(0.065), "micrometer")] * 2
    widget["image"].value = viewer.add_image(np.zeros((40, 40, 3), np.uint8), name="photo", rgb=True)
    widget["target"]["file"].value = str(path.with_name("photo.png"))
    assert run(viewer, widget).startswith("Added 'photo x4")
    with Picture.open(path.with_name("photo.png")) as picture:
        assert picture.size == (160, 160)
    assert viewer.layers[-1].rgb


def test_a_file_is_replaced_on_request_only(to_file, run):
    viewer, widget, _, path = to_file("cells.ome.tif")
    path.write_bytes(b"mine")
    assert "exists already" in run(viewer, widget)
    widget.reset_choices()
    widget["target"]["file"].value = str(path)
    assert widget["there"].value == "cells.ome.tif exists already; choose another name, or replace it"
    assert path.read_bytes() == b"mine"
    widget["replace"].value = True
    assert run(viewer, widget).startswith("Added")
    assert not widget["replace"].value
    widget["replace"].value = True
    assert "is shown as the layer" in run(viewer, widget)


def test_a_file_that_is_not_done_leaves_nothing(to_file, finish, qtbot):
    viewer, widget, _, path = to_file("cells.ome.tif", np.tile(STACK, (4, 1, 4, 4)))
    widget["tile"].value = 64
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: widget["progress"].value > 1, timeout=30_000)
    widget["buttons"]["cancel"].native.click()
    finish(viewer)
    assert widget["status"].value == "Cancelled."
    assert list(path.parent.iterdir()) == []


def test_the_input_is_never_overwritten(open_widget, run, stack_file):
    viewer, widget = open_widget()
    before = stack_file.read_bytes()
    viewer.open(stack_file, plugin="napari")
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(stack_file)
    widget["replace"].value = True
    assert "is shown as the layer" in run(viewer, widget)
    widget["replace"].value = False
    assert "would overwrite the input" in run(viewer, widget)
    assert stack_file.read_bytes() == before


def test_other_selected_layers_get_files_of_the_same_kind(to_file, run):
    viewer, widget, layer, path = to_file("cells_2.ome.tif")
    other = viewer.add_image(CELLS, name="other")
    viewer.layers.selection = {layer, other}
    widget["image"].value = layer
    widget["others"].value = True
    run(viewer, widget)
    assert sorted(file.name for file in path.parent.iterdir()) == ["cells_2.ome.tif", "other_x2.ome.tif"]


def test_a_script_writes_layers_into_every_format(make_napari_viewer, tmp_path):
    from napari_srgan import upscale

    layer = make_napari_viewer().add_image(CELLS, name="cells", scale=(0.13, 0.13), units=("um", "um"))
    result = upscale(layer, out=tmp_path / "cells.ome.tif", progress=False)
    assert result.data.shape == (80, 64)
    assert sizes(tmp_path / "cells.ome.tif")[1] == [(pytest.approx(0.065), "micrometer")] * 2


@pytest.mark.parametrize("name", ["cells.ome.tif", "cells.ome.zarr"])
def test_files_of_what_can_be_believed_are_named(to_file, run, name):
    image = np.repeat(np.repeat(CELLS, 4, 0), 4, 1)
    viewer, widget, _, path = to_file(name, image)
    widget["trust"].value = True
    said = run(viewer, widget)
    assert f"What can be believed of it is in {name}.trust.json and {name}.trust.md." in said
    found = sorted(file.name for file in path.parent.iterdir())
    assert found == [name, f"{name}.trust.json", f"{name}.trust.md"]
