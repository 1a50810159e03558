"""Models for time-lapses in the Upscale widget: to whom they are offered, and which axis is time."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_srgan.viewer.upscale.choices import NO_PARTNER

RANDOM = np.random.default_rng(0)
MOVIE = RANDOM.integers(100, 4000, (6, 20, 24), dtype=np.uint16)


@pytest.fixture(autouse=True)
def movie_model(make_movie_model):
    return make_movie_model("movie-x2")


@pytest.fixture
def choose(open_widget):
    """Opens the widget with a layer and the model for time-lapses."""

    def choose_it(data, model="movie-x2", **of):
        viewer, widget = open_widget()
        layer = viewer.add_image(data, **{"name": "movie"} | of)
        widget["image"].value = layer
        widget["models"]["model"].value = model
        return viewer, widget

    return choose_it


def shown(widget, name):
    return widget[name].native.isVisibleTo(widget.native)


def offered(widget):
    """Text, whether it can be chosen, and the tooltip of each model."""
    native = widget["models"]["model"].native
    items = [native.model().item(n) for n in range(native.count())]
    return {item.text(): (item.isEnabled(), item.data(Qt.ItemDataRole.ToolTipRole)) for item in items}


def time_choices(widget):
    native = widget["time_axis"].native
    return [native.itemText(n) for n in range(native.count())]


def test_offered_where_an_axis_can_be_time(choose):
    _, widget = choose(MOVIE)
    assert offered(widget)["movie-x2  (x2, time-lapse, yours)"][0]
    assert widget["about"].value == (
        f"untrained, for tests (x2, one channel; 5 frames help each other). {NO_PARTNER}"
    )
    names = ["microscopy-x2  (x2, faithful)", "movie-x2  (x2, time-lapse, yours)", "photo-x4  (x4, faithful)"]
    assert list(offered(widget)) == names  # the default, then what is made for movies


@pytest.mark.parametrize(("data", "labels"), [(MOVIE[0], None), (MOVIE, ("c", "y", "x"))])
def test_greyed_out_with_the_reason_elsewhere(choose, data, labels):
    _, widget = choose(data, model="microscopy-x2", axis_labels=labels)
    able, reason = offered(widget)["movie-x2  (x2, time-lapse, yours, needs a time axis)"]
    assert not able
    assert reason == (
        "5 frames of a time-lapse help each other in this model, and 'movie' has no axis that can be time"
    )


def test_default_comes_back_where_there_is_no_time(choose):
    viewer, widget = choose(MOVIE)
    widget["image"].value = viewer.add_image(MOVIE[0], name="still")
    assert widget["models"]["model"].value == "microscopy-x2"
    assert not shown(widget, "time_axis")


def test_time_axis_is_asked_only_for_a_model_that_needs_it(choose):
    _, widget = choose(MOVIE)
    assert shown(widget, "time_axis")
    assert not shown(widget, "axis_0")
    assert time_choices(widget) == ["Axis -3 (6)"]
    widget["models"]["model"].value = "microscopy-x2"
    assert not shown(widget, "time_axis")
    assert shown(widget, "axis_0")
    assert widget["axis_0"].value == "Q"


def test_named_time_is_preselected_and_depth_can_be_chosen(choose):
    _, widget = choose(MOVIE[:, None].repeat(3, 1), axis_labels=("z", "t", "y", "x"))
    assert time_choices(widget) == ["Axis z, depth (6)", "Axis t, time (3)"]
    assert widget["time_axis"].value == 1
    widget["time_axis"].value = 0
    widget.reset_choices()  # as when a layer comes
    assert widget["time_axis"].value == 0


def test_user_has_to_choose_among_axes_without_names(choose):
    _, widget = choose(MOVIE[:, None].repeat(3, 1))
    assert time_choices(widget) == ["choose…", "Axis -4 (6)", "Axis -3 (3)"]
    assert shown(widget, "axis_0")
    widget["buttons"]["run"].native.click()
    assert "nothing says which axis of 'movie' is time; choose the Time axis" in widget["status"].value
    widget["time_axis"].value = 1
    assert shown(widget, "axis_0")
    assert not shown(widget, "axis_1")
    assert time_choices(widget)[-1] == "Axis -3 (3)"


def test_both_ways_to_say_it_agree(choose):
    _, widget = choose(MOVIE[:, None].repeat(3, 1))
    widget["axis_0"].value = "T"
    assert widget["time_axis"].value == 0
    widget["time_axis"].value = 1
    assert widget["axis_0"].value == "Q"
    assert not shown(widget, "axis_1")


def test_channels_are_no_time(choose):
    _, widget = choose(MOVIE[:, None].repeat(3, 1))
    widget["axis_1"].value = "C"
    assert time_choices(widget) == ["Axis -4 (6)"]
    assert widget["time_axis"].value == 0


def test_rgb_movie_may_have_a_model_for_one_channel(choose):
    _, widget = choose(RANDOM.integers(0, 255, (5, 40, 40, 3), dtype=np.uint8), rgb=True)
    assert widget["models"]["model"].value == "movie-x2"
    assert "colours are upscaled one by one; 5 frames help each other" in widget["about"].value
    assert time_choices(widget) == ["Axis -3 (5)"]


def test_names_that_axes_get_while_the_widget_is_open_are_seen(choose, run):
    viewer, widget = choose(MOVIE[:, None].repeat(3, 1))
    assert widget["time_axis"].value == -1
    viewer.layers["movie"].axis_labels = ("t", "z", "y", "x")
    assert time_choices(widget) == ["Axis t, time (6)", "Axis z, depth (3)"]
    assert widget["time_axis"].value == 0
    assert not shown(widget, "axis_0")
    assert run(viewer, widget).startswith("Added")
    assert viewer.layers[-1].metadata["napari-srgan"]["axes"] == "TZYX"


def test_pixels_that_a_layer_gets_while_the_widget_is_open_are_seen(choose, run):
    viewer, widget = choose(MOVIE, "microscopy-x2")
    widget["axis_0"].value = "T"
    viewer.layers["movie"].data = MOVIE[0]
    assert not shown(widget, "axis_0")
    assert run(viewer, widget).startswith("Added")
    assert viewer.layers[-1].metadata["napari-srgan"]["axes"] == "YX"


def test_other_pixels_of_the_same_kind_leave_what_was_chosen(choose):
    viewer, widget = choose(MOVIE, "microscopy-x2")
    widget["axis_0"].value = "C"
    viewer.layers["movie"].data = MOVIE + 1
    assert widget["axis_0"].value == "C"
