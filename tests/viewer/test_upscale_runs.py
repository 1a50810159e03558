"""What a run of the Upscale widget is about: one plane, several layers, and what is said before and after."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_srgan.viewer.jobs.runner import runner_of

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (40, 32), dtype=np.uint16)
STACK = RANDOM.integers(100, 4000, (4, 40, 32), dtype=np.uint16)
LONG = np.zeros((60, 64, 64), np.uint8)


def said(widget):
    """What is shown of how large the result will be."""
    return widget["size"].value


# The size of a result.


def test_the_size_is_said_before_the_run(open_widget):
    viewer, widget = open_widget()
    viewer.add_image(np.zeros((512, 512), np.uint16), name="cells")
    assert said(widget) == "x2 on 512 x 512: 1024 x 1024, 2.1 MB"
    widget["image"].value = viewer.add_image(np.zeros((20, 8, 3), np.uint8), rgb=True)
    assert said(widget) == "x4 on 20 x 8: 80 x 32, 8 kB"
    widget["image"].value = viewer.add_image(np.zeros((3, 100, 50), np.float32))
    assert said(widget) == "x2 on 3 x 100 x 50: 3 x 200 x 100, 240 kB"
    widget["region"].value = "plane"
    assert said(widget) == "x2 on 100 x 50: 200 x 100, 80 kB"
    widget["region"].value = "visible"
    assert said(widget) == "", "it depends on where one looks"
    box = viewer.add_shapes([[[1, 10, 20], [1, 10, 29], [1, 19, 29], [1, 19, 20]]])
    widget["region"].value = box
    assert said(widget) == "x2 on 3 x 10 x 10: 3 x 20 x 20, 5 kB"


def test_a_shorter_text_leaves_no_gap(make_napari_viewer, open_widget, qtbot):
    _, widget = open_widget(make_napari_viewer(show=True))
    label = widget["status"].native
    heights = []
    for text in ("One line.", "Many words, " * 30, "One line."):
        widget._say(text)
        qtbot.wait(50)
        heights.append(label.height())
    assert heights[0] == heights[2] < heights[1]


# One plane of a stack.


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr"])
def test_this_plane_only(open_widget, run, kind, tmp_path):
    viewer, widget = open_widget()
    data = {
        "numpy": lambda: STACK,
        "dask": lambda: da.from_array(STACK),
        "zarr": lambda: zarr.create_array(tmp_path / "stack.zarr", data=STACK),
    }[kind]()
    stack = viewer.add_image(data, name="stack", scale=(3, 0.5, 0.5), translate=(10, 2, 3))
    viewer.dims.set_current_step(0, 2)
    widget["region"].value = "plane"
    assert run(viewer, widget) == "Added 'stack [2] x2 (microscopy-x2)'."
    one = viewer.layers[-1]
    assert one.data.shape == (1, 80, 64)
    np.testing.assert_allclose(one.data_to_world((0, 0.5, 0.5)), stack.data_to_world((2, 0, 0)))
    widget["image"].value = viewer.add_image(STACK[2], name="alone")
    run(viewer, widget)
    np.testing.assert_array_equal(one.data[0], viewer.layers[-1].data)


def test_a_plane_is_offered_for_stacks_only(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    offered = widget["region"].native
    assert "this plane only" not in [offered.itemText(n) for n in range(offered.count())]
    widget["image"].value = viewer.add_image(STACK, name="stack")
    assert "this plane only" in [offered.itemText(n) for n in range(offered.count())]


def test_a_plane_that_is_not_shown_is_told(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(STACK, name="stack", translate=(100, 0, 0))
    viewer.add_image(STACK, name="before")
    viewer.dims.set_point(0, 1)
    widget["image"].value = viewer.layers["stack"]
    widget["region"].value = "plane"
    assert run(viewer, widget).startswith("The sliders show no plane of 'stack' now; move them to one")
    assert len(viewer.layers) == 2


def test_a_plane_is_not_written_to_disk(open_widget, run, tmp_path):
    viewer, widget = open_widget()
    viewer.add_image(STACK, name="stack")
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(tmp_path / "plane.ome.zarr")
    widget["region"].value = "plane"
    assert "one plane is not upscaled into a file" in run(viewer, widget).lower()
    assert not list(tmp_path.glob("plane*"))


# Several layers.


@pytest.fixture
def three(open_widget):
    """Three layers, two of them selected beside the one that is chosen."""
    viewer, widget = open_widget()
    for name in ("a", "b", "c"):
        viewer.add_image(CELLS, name=name)
    widget["image"].value = viewer.layers["a"]
    viewer.layers.selection = {viewer.layers["b"], viewer.layers["c"]}
    return viewer, widget


def test_other_selected_layers_are_upscaled_in_the_same_run(three, run):
    viewer, widget = three
    assert widget["others"].text == "And the other 2 selected layers"
    titles = []
    runner_of(viewer).started.connect(titles.append)
    widget["others"].value = True
    expected = [f"Added '{name} x2 (microscopy-x2)'." for name in "abc"]
    assert run(viewer, widget).splitlines() == expected
    assert titles == ["Upscaling a", "Upscaling b", "Upscaling c"]


def test_each_is_named_while_it_is_upscaled(three, run):
    viewer, widget = three
    widget["others"].value = True
    shown = []
    runner_of(viewer).shown.connect(lambda *_: shown.append(widget["status"].value))
    run(viewer, widget)
    assert any(text.startswith("Upscaling a (1 of 3). ") for text in shown)
    assert any(text.startswith("Upscaling c (3 of 3). ") for text in shown)


def test_results_are_not_proposed(three, run):
    viewer, widget = three
    run(viewer, widget)
    viewer.layers.selection = {viewer.layers[-1]}
    assert not widget["others"].native.isVisibleTo(widget.native)


def test_without_the_tick_only_the_chosen_one_is(three, run):
    viewer, widget = three
    run(viewer, widget)
    assert [layer.name for layer in viewer.layers] == ["a", "b", "c", "a x2 (microscopy-x2)"]
    viewer.layers.selection = {viewer.layers["a"]}
    assert not widget["others"].native.isVisibleTo(widget.native)


def test_one_that_cannot_be_upscaled_does_not_stop_the_others(three, run):
    viewer, widget = three
    viewer.layers["b"].data = np.full((40, 32), np.nan, np.float32)
    widget["others"].value = True
    lines = run(viewer, widget).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "Added 'a x2 (microscopy-x2)'.", lines[1].split(":")[0], "Added 'c x2 (microscopy-x2)'.",
    ]  # fmt: skip
    assert "b" in lines[1]


def test_what_cannot_be_read_at_all_is_named_before_the_run(three, run):
    viewer, widget = three
    viewer.layers["b"].data = np.zeros((2,) * 6, np.uint16)
    widget["others"].value = True
    assert run(viewer, widget).startswith("b: ")
    assert len(viewer.layers) == 3


def test_each_gets_a_file_of_its_own(three, run, tmp_path):
    viewer, widget = three
    widget["others"].value = True
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(tmp_path / "mine.ome.zarr")
    run(viewer, widget)
    assert {file.name for file in tmp_path.glob("*.zarr")} == {
        "mine.ome.zarr",
        "b_x2.ome.zarr",
        "c_x2.ome.zarr",
    }


def test_a_cancelled_run_keeps_what_was_added(open_widget, qtbot, finish):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="short")
    viewer.add_image(LONG.repeat(20, axis=0), name="long", contrast_limits=(0, 255))
    widget["image"].value = viewer.layers["short"]
    viewer.layers.selection = {viewer.layers["long"]}
    widget["others"].value = True
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running == "Upscaling long", timeout=30_000)
    widget["buttons"]["cancel"].native.click()
    finish(viewer)
    assert widget["status"].value.splitlines() == ["Added 'short x2 (microscopy-x2)'.", "Cancelled."]


# Closed and opened again.


def test_a_widget_that_was_closed_during_a_run_says_what_came_of_it(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(LONG, name="stack", contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    viewer.window.remove_dock_widget(widget.native)
    _, widget = open_widget(viewer)
    finish(viewer)
    assert widget["status"].value == "Added 'stack x2 (microscopy-x2)'."
    assert widget["progress"].value == 100


# Defaults.


def test_restore_defaults(open_widget, library_folder, tiny_model):
    viewer, widget = open_widget()
    viewer.add_image(STACK, name="stack")
    fields = ("region", "result", "trust", "tile", "self_ensemble")
    before = {name: widget[name].value for name in fields}
    model = widget["models"]["model"]
    suited = model.value
    widget["region"].value, widget["result"].value, widget["trust"].value = "plane", "lazy", True
    widget["tile"].value, widget["self_ensemble"].value, model.value = 64, True, "photo-x4"
    widget["restore_defaults"].native.click()
    assert {name: widget[name].value for name in fields} == before
    assert model.value == suited
    assert "all automatic" in widget["advanced"].text
