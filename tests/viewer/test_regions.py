"""Which part of an image is upscaled."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Shapes

from napari_srgan import UserError
from napari_srgan.viewer.layers.upscale_layer import layer_axes
from napari_srgan.viewer.qt.labels import grid_of
from napari_srgan.viewer.upscale.regions import check_shown_plane, shapes_region, visible_region

IMAGE = np.zeros((100, 200), np.uint8)


def test_box_of_shapes_in_world_units():
    image = Image(IMAGE, scale=(0.5, 0.5), translate=(10, 20))
    box = Shapes([[[15, 30], [15, 40], [25, 40], [25, 30]]], shape_type="rectangle")
    # 15 is pixel 10, 25 is pixel 30; 30 is pixel 20, 40 is pixel 40.
    assert shapes_region(image, box) == ((10, 31), (20, 41))


def test_box_of_shapes_is_that_of_all_of_them_and_ends_with_the_image():
    shapes = [np.array([[10, 10], [10, 12], [12, 12]]), np.array([[50, 150], [50, 300], [70, 300]])]
    assert shapes_region(Image(IMAGE), Shapes(shapes, shape_type="polygon")) == ((10, 71), (10, 200))


def test_box_on_a_turned_image():
    image = Image(IMAGE, rotate=90)
    corners = [image.data_to_world(p)[-2:] for p in ([20, 30], [20, 50], [40, 50], [40, 30])]
    region = shapes_region(image, Shapes([np.array(corners)], shape_type="polygon"))
    np.testing.assert_allclose(region, ((20, 41), (30, 51)), atol=1)


def test_flat_box_on_a_stack():
    stack = Image(np.zeros((5, 100, 200), np.uint8))
    box = Shapes([[[10, 10], [10, 19], [19, 19], [19, 10]]], shape_type="rectangle")
    assert shapes_region(stack, box) == ((10, 20), (10, 20))


def test_no_shapes():
    with pytest.raises(UserError, match="'roi' has no shapes"):
        shapes_region(Image(IMAGE), Shapes(name="roi"))


def test_shapes_elsewhere():
    far = Shapes([[[500, 500], [500, 510], [510, 510]]], shape_type="polygon", name="roi")
    with pytest.raises(UserError, match="'roi' do not lie on 'cells'"):
        shapes_region(Image(IMAGE, name="cells"), far)


def look_at(viewer, qtbot, center, zoom):
    camera = getattr(viewer, "scene", viewer).camera  # it moved in napari 0.9
    camera.zoom = zoom
    camera.center = center
    for _ in range(3):
        viewer.screenshot(flash=False)
        qtbot.wait(20)


@pytest.mark.parametrize("pyramid", [False, True])
def test_what_is_visible_now(make_napari_viewer, qtbot, pyramid):
    viewer = make_napari_viewer(show=True)
    data = np.zeros((1000, 2000), np.uint8)
    layer = viewer.add_image([data, data[::2, ::2]] if pyramid else data, multiscale=pyramid)
    look_at(viewer, qtbot, (0, 500, 1000), 10)
    (y0, y1), (x0, x1) = visible_region(layer, viewer)
    assert y0 < 500 < y1
    assert x0 < 1000 < x1
    height, width = viewer.screenshot(flash=False).shape[:2]
    assert y1 - y0 == pytest.approx(height / 10, abs=4)
    assert x1 - x0 == pytest.approx(width / 10, abs=4)
    look_at(viewer, qtbot, (0, -5000, -5000), 10)  # nothing new is loaded there
    with pytest.raises(UserError, match="is visible now"):
        visible_region(layer, viewer)


def test_what_a_cell_of_the_grid_shows(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_image(np.zeros((1000, 2000), np.uint8))
    viewer.add_image(np.zeros((1000, 2000), np.uint8))
    grid = grid_of(viewer)
    grid.enabled = True
    look_at(viewer, qtbot, (0, 500, 1000), 10)
    (y0, y1), (x0, x1) = visible_region(layer, viewer)
    height, width = viewer.screenshot(flash=False).shape[:2]
    rows, columns = grid.actual_shape(viewer.layers)
    assert (y1 - y0) * (x1 - x0) == pytest.approx(height * width / rows / columns / 100, rel=0.1)


def test_nothing_visible(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_image(IMAGE, name="cells")
    look_at(viewer, qtbot, (0, 5000, 5000), 10)
    with pytest.raises(UserError, match="nothing of 'cells' is visible"):
        visible_region(layer, viewer)


def test_visible_in_3d_is_no_part_of_a_plane(make_napari_viewer):
    viewer = make_napari_viewer()
    layer = viewer.add_image(np.zeros((5, 20, 20), np.uint8))
    viewer.dims.ndisplay = 3
    with pytest.raises(UserError, match="2-D"):
        visible_region(layer, viewer)


def test_the_planes_that_are_upscaled_are_those_that_are_seen(make_napari_viewer):
    viewer = make_napari_viewer()
    layer = viewer.add_image(np.zeros((64, 64, 40), np.uint8), name="cells")
    check_shown_plane(layer, viewer)
    viewer.dims.order = (2, 0, 1)
    widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")[1]
    widget["buttons"]["run"].native.click()
    assert "'cells' would be upscaled along its last two, which are others" in widget["status"].value
    viewer.dims.ndisplay = 3
    check_shown_plane(layer, viewer)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_layer_whose_last_axis_may_be_channels_is_asked_for(channels):
    layer = Image(np.zeros((64, 64, channels), np.uint16))
    with pytest.raises(UserError, match=r"may be channels or X: .*layer\.axis_labels = \('\?', 'y', 'x'\)"):
        layer_axes(layer)
    layer.axis_labels = ("?", "y", "x")
    assert layer_axes(layer) == "QYX"


def test_a_shape_that_is_a_line_on_the_image_is_told():
    """A box that was drawn while the canvas showed Z and X has no extent along Y."""
    layer = Image(np.zeros((20, 40, 32)), name="stack")
    box = Shapes([[[2, 10, 5], [2, 10, 25], [15, 10, 25], [15, 10, 5]]], name="roi")
    with pytest.raises(UserError, match="'roi' have no extent along Y of 'stack': they were drawn in a view"):
        shapes_region(layer, box)
