"""The original beside its result, and the viewer as it was afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_srgan.viewer.commands import upscale_selected
from napari_srgan.viewer.qt.labels import camera_of, grid_of, view_size

CELLS = np.random.default_rng(0).integers(100, 4000, (40, 32), dtype=np.uint16)


@pytest.fixture
def among_others(open_widget):
    """A viewer with five layers, one of them hidden, and the widget with the second one chosen."""
    viewer, widget = open_widget()
    for name in ("below", "cells", "other", "hidden"):
        viewer.add_image(CELLS, name=name)
    viewer.add_points([[1, 1]], name="points")
    viewer.layers["hidden"].visible = False
    widget["image"].value = viewer.layers["cells"]
    return viewer, widget


def visible(viewer):
    return [layer.name for layer in viewer.layers if layer.visible]


def named(viewer):
    """Layers whose names stand on the canvas."""
    return [layer.name for layer in viewer.layers if layer.name_overlay.visible]


def cells_of_grid(viewer):
    """Names of the visible layers in each cell of the grid."""
    grid = grid_of(viewer)
    shown = [[viewer.layers[n].name for n in layers] for _, layers in grid.iter_viewboxes(viewer.layers)]
    return [[name for name in names if viewer.layers[name].visible] for names in shown]


def test_the_two_that_are_compared_are_shown_and_no_other(among_others, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    assert grid_of(viewer).enabled
    assert cells_of_grid(viewer) == [["cells"], ["cells x2 (microscopy-x2)"]]
    order = [layer.name for layer in viewer.layers]
    assert order == ["below", "cells", "cells x2 (microscopy-x2)", "other", "hidden", "points"]


def test_unticking_brings_back_what_there_was(among_others, run):
    viewer, widget = among_others
    grid, camera = grid_of(viewer), camera_of(viewer)
    grid.shape, grid.stride = (3, -1), -2
    run(viewer, widget)
    camera.center, camera.zoom = (0, 7, 9), 3.5
    viewer.layers.selection = {viewer.layers["other"], viewer.layers["points"]}
    widget["beside"].value = True
    assert visible(viewer) == ["cells", "cells x2 (microscopy-x2)"]
    camera.center, camera.zoom = (0, 1, 2), 9
    widget["beside"].value = False
    assert visible(viewer) == ["below", "cells", "other", "points", "cells x2 (microscopy-x2)"]
    assert (grid.enabled, tuple(grid.shape), grid.stride) == (False, (3, -1), -2)
    assert (tuple(camera.center), camera.zoom) == ((0, 7, 9), 3.5)
    assert viewer.layers.selection == {viewer.layers["other"], viewer.layers["points"]}


def test_later_results_do_not_go_into_the_grid(among_others, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    widget["beside"].value = False
    run(viewer, widget)
    assert not grid_of(viewer).enabled


def test_the_next_result_takes_the_place_of_the_last(among_others, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    widget["image"].value = viewer.layers["other"]
    run(viewer, widget)
    assert cells_of_grid(viewer) == [["other"], ["other x2 (microscopy-x2)"]]
    widget["beside"].value = False
    assert "hidden" not in visible(viewer)
    assert {"below", "cells", "other", "points"} <= set(visible(viewer))


def test_a_second_run_of_the_same_image_shows_the_same_place_of_it(among_others, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    camera = camera_of(viewer)
    camera.center, camera.zoom = (0, 11, 13), 7.5
    run(viewer, widget)
    assert visible(viewer) == ["cells", "cells x2 (microscopy-x2) [1]"]
    assert (camera.center, camera.zoom) == ((0, 11, 13), 7.5)


def test_both_sides_are_named_while_they_are_beside_each_other(among_others, run):
    viewer, widget = among_others
    viewer.layers["points"].name_overlay.visible = True
    widget["beside"].value = True
    run(viewer, widget)
    assert named(viewer) == ["cells", "cells x2 (microscopy-x2)"]
    widget["beside"].value = False
    assert named(viewer) == ["points"]


def test_it_ends_when_one_of_the_two_is_removed(among_others, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    del viewer.layers["cells x2 (microscopy-x2)"]
    assert not grid_of(viewer).enabled
    assert visible(viewer) == ["below", "cells", "other", "points"]
    widget["beside"].value = False
    widget["beside"].value = True
    assert not grid_of(viewer).enabled, "there is nothing to compare"


def test_a_widget_that_is_opened_again_shows_that_it_is_on(among_others, open_widget, run):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    viewer.window.remove_dock_widget(widget.native)
    _, widget = open_widget(viewer)
    assert widget["beside"].value
    widget["beside"].value = False
    assert not grid_of(viewer).enabled


def test_an_additive_image_is_not_shown_twice(open_widget, run):
    viewer, widget = open_widget()
    cells = viewer.add_image(CELLS, name="cells", blending="additive", colormap="red")
    alone = viewer.screenshot(flash=False)[..., 0].mean()
    said = run(viewer, widget)
    assert "'cells' is hidden, as the brightness of both would add up." in said
    assert not cells.visible
    assert viewer.screenshot(flash=False)[..., 0].mean() == pytest.approx(alone, rel=0.1)
    assert run(viewer, widget).startswith("Added")
    assert viewer.layers[-1].visible, "also the second result of an image that is hidden"


def test_an_additive_image_is_seen_beside_its_result(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells", blending="additive")
    widget["beside"].value = True
    run(viewer, widget)
    assert visible(viewer) == ["cells", "cells x2 (microscopy-x2)"]
    widget["beside"].value = False
    assert visible(viewer) == ["cells x2 (microscopy-x2)"]


def test_the_menu_hides_it_too_and_leaves_others(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    added = viewer.add_image(CELLS, name="red", blending="additive")
    opaque = viewer.add_image(CELLS, name="gray")
    viewer.layers.selection = {added, opaque}
    upscale_selected(viewer)
    finish(viewer)
    assert visible(viewer) == ["gray", "red x2 (microscopy-x2)", "gray x2 (microscopy-x2)"]


def shown_of(viewer, layer):
    """First and last corner of what a cell shows of a layer, in pixels of that layer."""
    half, middle = view_size(viewer) / 2 / camera_of(viewer).zoom, np.array(camera_of(viewer).center[-2:])
    corners = [np.array(layer.world_to_data(middle + sign * half)) for sign in (-1, 1)]
    return np.clip(corners, -0.5, np.array(layer.data.shape) - 0.5)


@pytest.mark.parametrize("window", [(1270, 620), (700, 600), (500, 380)])
@pytest.mark.parametrize("grid", [False, True])
def test_each_cell_shows_what_was_seen_before(make_napari_viewer, open_widget, run, qtbot, window, grid):
    viewer, widget = open_widget(make_napari_viewer(show=True))
    cells = viewer.add_image(CELLS, name="cells", scale=(0.1, 0.1), translate=(5, 7))
    grid_of(viewer).enabled = grid
    viewer.window._qt_window.resize(*window)
    qtbot.wait(100)
    run(viewer, widget)
    viewer.reset_view()
    before = shown_of(viewer, cells)
    np.testing.assert_allclose(before, [(-0.5, -0.5), (39.5, 31.5)])
    camera = camera_of(viewer)
    for _ in range(2):
        zoom = camera.zoom
        widget["beside"].value = True
        qtbot.wait(100)
        np.testing.assert_allclose(shown_of(viewer, cells), before)
        widget["beside"].value = False
        assert camera.zoom == zoom


def test_of_a_detail_each_cell_shows_as_much_as_was_seen(make_napari_viewer, open_widget, run, qtbot):
    viewer, widget = open_widget(make_napari_viewer(show=True))
    cells = viewer.add_image(CELLS, name="cells")
    run(viewer, widget)
    camera = camera_of(viewer)
    camera.zoom, camera.center = 60, (0, 20, 15)
    before = shown_of(viewer, cells)
    widget["beside"].value = True
    qtbot.wait(100)
    now = shown_of(viewer, cells)
    assert (now[0] <= before[0] + 1e-6).all()
    assert (now[1] >= before[1] - 1e-6).all()
    assert (now[1] - now[0]).min() < 1.2 * (before[1] - before[0]).max(), "and is no farther than need be"


def test_images_that_are_out_of_sight_are_brought_into_view(open_widget, run):
    viewer, widget = open_widget()
    cells = viewer.add_image(CELLS, name="cells")
    run(viewer, widget)
    camera_of(viewer).zoom, camera_of(viewer).center = 50, (0, 4000, -900)
    widget["beside"].value = True
    np.testing.assert_allclose(shown_of(viewer, cells), [(-0.5, -0.5), (39.5, 31.5)])


def test_in_3d_each_cell_shows_as_much(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(np.stack([CELLS] * 4), name="cells", axis_labels=("z", "y", "x"))
    run(viewer, widget)
    viewer.dims.ndisplay = 3
    camera = camera_of(viewer)
    camera.zoom, size = 3, view_size(viewer)
    widget["beside"].value = True
    assert camera.zoom == pytest.approx(3 * (view_size(viewer) / size).min())
    widget["beside"].value = False
    assert camera.zoom == 3


def test_a_result_of_the_menu_comes_beside_its_image_too(among_others, run, finish):
    viewer, widget = among_others
    widget["beside"].value = True
    run(viewer, widget)
    viewer.layers.selection = {viewer.layers["other"]}
    upscale_selected(viewer)
    finish(viewer)
    assert cells_of_grid(viewer) == [["other"], ["other x2 (microscopy-x2)"]]


def test_the_original_is_shown_in_the_place_of_its_result(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    original = widget["original"]
    assert not original.native.isVisibleTo(widget.native), "there is nothing to compare"
    run(viewer, widget)
    assert original.native.isVisibleTo(widget.native)
    original.value = True
    assert visible(viewer) == ["cells"]
    original.value = False
    assert visible(viewer) == ["cells", "cells x2 (microscopy-x2)"]
    original.value = True
    run(viewer, widget)
    assert not original.value, "a new result is shown"
    assert visible(viewer) == [layer.name for layer in viewer.layers]
    original.value = True
    widget["beside"].value = True
    assert not original.value
    assert not original.enabled, "both are seen"
    widget["beside"].value = False
    assert original.enabled
    del viewer.layers["cells"]
    assert not original.native.isVisibleTo(widget.native)


def hold(viewer, qtbot, held):
    """Press the key on the canvas, or let it go."""
    canvas = viewer.window._qt_viewer.canvas.native
    (qtbot.keyPress if held else qtbot.keyRelease)(canvas, Qt.Key.Key_U)
    qtbot.wait(20)


def test_while_a_key_is_held_the_original_is_shown(make_napari_viewer, open_widget, run, qtbot):
    viewer, widget = open_widget(make_napari_viewer(show=True))
    viewer.add_image(CELLS, name="cells")
    hold(viewer, qtbot, True)
    hold(viewer, qtbot, False)
    assert visible(viewer) == ["cells"], "there is no result yet"
    run(viewer, widget)
    result = viewer.layers[-1]
    hold(viewer, qtbot, True)
    assert visible(viewer) == ["cells"]
    hold(viewer, qtbot, False)
    assert visible(viewer) == ["cells", result.name]
    viewer.layers["cells"].visible = False
    hold(viewer, qtbot, True)
    assert visible(viewer) == ["cells"]
    hold(viewer, qtbot, False)
    assert visible(viewer) == [result.name]
    del viewer.layers["cells"]
    hold(viewer, qtbot, True)
    assert visible(viewer) == [result.name]


def test_a_key_that_the_user_has_bound_stays_the_users(make_napari_viewer, open_widget):
    viewer = make_napari_viewer()
    pressed = []
    viewer.bind_key("U", lambda _: pressed.append(1))
    open_widget(viewer)
    viewer.keymap[next(key for key in viewer.keymap if str(key) == "U")](viewer)
    assert pressed
