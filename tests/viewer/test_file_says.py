"""What the file of a layer says and napari's own reader has dropped: offered, and used on a click."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan import upscale
from napari_srgan.images.formats import open_image, read_header
from napari_srgan.viewer.qt.labels import camera_of

STACK = np.random.default_rng(0).integers(100, 4000, (5, 2, 40, 32), dtype=np.uint16)
SIZES = {
    "PhysicalSizeX": 0.13, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.13, "PhysicalSizeYUnit": "µm",
    "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm",
}  # fmt: skip
SAID = "The file says 0.5 x 0.13 x 0.13 µm, axes Z C Y X"


@pytest.fixture
def stack_file(tmp_path):
    file = tmp_path / "cells.ome.tif"
    tifffile.imwrite(file, STACK, metadata={"axes": "ZCYX", "Channel": {"Name": ["actin", "mito"]}, **SIZES})
    return file


@pytest.fixture
def opened(open_widget):
    """A viewer with a file, opened by napari's own reader, and the widget."""

    def open_it(file, **of):
        viewer, widget = open_widget()
        viewer.open(file, plugin="napari", **of)
        return viewer, widget, viewer.layers[-1]

    return open_it


def told(widget):
    return widget["file_says"].value if widget["use_it"].native.isVisibleTo(widget.native) else ""


@pytest.fixture
def settled(qtbot):
    """Waits until a widget has heard of the file, if it ever does."""

    def settle(widget):
        qtbot.waitUntil(lambda: widget["taken"].value != "", timeout=20_000)
        qtbot.wait(300)
        return told(widget)

    return settle


def test_nothing_is_changed_before_the_click(opened, qtbot, stack_file):
    _, widget, layer = opened(stack_file)
    qtbot.waitUntil(lambda: told(widget) == SAID, timeout=20_000)
    assert tuple(layer.scale) == (1, 1, 1, 1)
    assert {str(unit) for unit in layer.units} == {"pixel"}


def test_click_gives_the_layer_what_the_file_says(opened, qtbot, stack_file):
    viewer, widget, layer = opened(stack_file)
    viewer.dims.set_current_step(0, 3)
    camera = camera_of(viewer)
    camera.center, camera.zoom = (20, 10), 8
    assert widget["axis_0"].native.isVisibleTo(widget.native)
    qtbot.waitUntil(lambda: told(widget) == SAID, timeout=20_000)
    widget["use_it"].native.click()
    assert tuple(layer.scale) == (0.5, 1, 0.13, 0.13)
    assert [str(unit) for unit in layer.units] == ["micrometer", "pixel", "micrometer", "micrometer"]
    assert layer.axis_labels == ("z", "c", "y", "x")
    assert told(widget) == ""
    assert not widget["axis_0"].native.isVisibleTo(widget.native)
    assert "80 x 64, 0.065\N{NO-BREAK SPACE}µm" in widget["size"].value
    # What was in view is.
    assert viewer.dims.current_step[0] == 3
    assert camera.center[-2:] == pytest.approx((20 * 0.13, 10 * 0.13))
    assert camera.zoom == pytest.approx(8 / 0.13)


def test_result_is_that_of_the_file(opened, run, qtbot, stack_file):
    viewer, widget, _ = opened(stack_file)
    qtbot.waitUntil(lambda: told(widget) == SAID, timeout=20_000)
    widget["use_it"].native.click()
    run(viewer, widget)
    assert tuple(viewer.layers[-1].scale) == pytest.approx((0.5, 1, 0.065, 0.065))


def test_sizes_that_somebody_has_set_stay(opened, qtbot, stack_file):
    _, widget, layer = opened(stack_file, scale=(2, 1, 3, 3))
    qtbot.waitUntil(lambda: told(widget) == "The file says axes Z C Y X", timeout=20_000)
    widget["use_it"].native.click()
    assert tuple(layer.scale) == (2, 1, 3, 3)
    assert layer.axis_labels == ("z", "c", "y", "x")


def test_axes_of_one_pixel_are_left_out_by_napari(opened, qtbot, tmp_path):
    file = tmp_path / "cells.ome.tif"
    tifffile.imwrite(file, STACK[None], metadata={"axes": "TZCYX", **SIZES})
    _, widget, layer = opened(file)
    assert layer.data.shape == STACK.shape
    qtbot.waitUntil(lambda: told(widget) == SAID, timeout=20_000)


def test_header_of_a_zarr(tmp_path, tiny_model):
    upscale(STACK[0, 0], tiny_model(), out=tmp_path / "cells.ome.zarr", progress=False)
    group = zarr.open_group(tmp_path / "cells.ome.zarr", mode="r+")
    assert read_header(tmp_path / "cells.ome.zarr").data.shape == group["0"].shape


@pytest.mark.parametrize("what", ["gone", "another", "broken", "nothing new"])
def test_nothing_is_offered_and_nothing_is_an_error(
    make_napari_viewer, open_widget, settled, stack_file, tmp_path, what
):
    if what == "nothing new":
        stack_file = tmp_path / "plain.tif"
        tifffile.imwrite(stack_file, STACK[0, 0])
    viewer = make_napari_viewer()
    viewer.open(stack_file, plugin="napari")
    if what == "gone":
        stack_file.unlink()
    elif what == "another":
        tifffile.imwrite(stack_file, STACK[:, :, :20], metadata={"axes": "ZCYX", **SIZES})
    elif what == "broken":
        stack_file.write_bytes(stack_file.read_bytes()[:2000])
    _, widget = open_widget(viewer)
    assert settled(widget) == ""


def test_header_is_read_without_pixels(stack_file, tmp_path):
    header = read_header(stack_file)
    with open_image(stack_file) as whole:
        assert (header.axes, header.spacings, header.look) == (whole.axes, whole.spacings, whole.look)
        assert (header.data.shape, header.data.dtype) == (whole.data.shape, whole.data.dtype)
    with pytest.raises(Exception, match="opened without pixels"):
        header.data[0]


def test_pixel_size_of_the_result_is_told_where_it_is_known(open_widget):
    viewer, widget = open_widget()
    viewer.add_image(STACK[0, 0], name="known", scale=(0.13, 0.26), units=("um", "um"))
    assert widget["size"].value == "x2 on 40 x 32: 80 x 64, 0.065 x 0.13\N{NO-BREAK SPACE}µm, 10 kB"
    viewer.layers["known"].scale = (0.13, 0.13)
    assert widget["size"].value == "x2 on 40 x 32: 80 x 64, 0.065\N{NO-BREAK SPACE}µm, 10 kB"
    viewer.layers["known"].units = ("pixel", "pixel")
    assert widget["size"].value == "x2 on 40 x 32: 80 x 64, 10 kB"
