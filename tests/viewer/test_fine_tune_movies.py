"""The Fine-tune widget with models for time-lapses; the training is a stand-in."""

from __future__ import annotations

import numpy as np
import pytest

from napari_srgan.viewer.qt.labels import ERROR_STYLE

RANDOM = np.random.default_rng(0)
HIGH = RANDOM.integers(100, 4000, (6, 64, 80), dtype=np.uint16)
LOW = HIGH.reshape(6, 32, 2, 40, 2).mean(axis=(2, 4)).astype(np.uint16)
MOVIE = "movie-x2"


@pytest.fixture(autouse=True)
def movie_model(make_movie_model):
    return make_movie_model(MOVIE)


@pytest.fixture
def opened(open_fine_tune, fake_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW, name="cells", scale=(1, 2, 2), translate=(0, 0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    return viewer, widget


def labels_of(field):
    return [field.native.itemText(n) for n in range(field.native.count())]


def about(widget):
    return widget.choices._about


def test_movies_can_start_from_a_model_for_time_lapses(opened, finish_training, fake_training):
    viewer, widget = opened
    widget.images.add.click()
    base = widget.choices.base
    assert labels_of(base)[-2:] == ["movie-x2  (x2, time-lapse, yours)", "from scratch"]
    assert not about(widget).isVisibleTo(widget)
    base.value = MOVIE
    assert about(widget).text() == (
        "5 frames of a time-lapse help each other: it learns from layers with an axis that is time."
    )
    assert about(widget).isVisibleTo(widget)
    widget.controls.start.click()
    finish_training(viewer)
    (call,) = fake_training.calls
    assert call["base"] == MOVIE
    assert (call["pairs"][0].low.axes, call["pairs"][0].high.axes) == ("TYX", "TYX")


def test_single_images_learn_from_the_same_layers_as_ever(opened, finish_training, fake_training):
    viewer, widget = opened
    widget.images.add.click()
    widget.controls.start.click()
    finish_training(viewer)
    assert fake_training.calls[0]["pairs"][0].low.axes == "QYX"


def test_high_resolution_alone_with_noise_that_is_new_in_every_frame(opened, finish_training, fake_training):
    viewer, widget = opened
    widget.images.kind.value = "alone"
    widget.images.add.click()
    widget.choices.base.value = MOVIE
    simulation = widget.choices.simulation
    simulation._as_measured.value = False
    assert simulation._noise.native.isVisibleTo(widget)
    assert simulation.degradation(2).noise == "independent"
    simulation._noise.value = "the same in every frame"
    widget.controls.start.click()
    finish_training(viewer)
    assert fake_training.calls[0]["pairs"][0].axes == "TYX"
    assert fake_training.calls[0]["settings"].degradation.noise == "the same in every frame"
    widget.choices.base.value = "microscopy-x2"
    assert not simulation._noise.native.isVisibleTo(widget)
    assert simulation.degradation(2).noise == "independent"


def test_not_offered_for_single_images(open_fine_tune):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH[0], name="still")
    widget.images.add.click()
    assert not [label for label in labels_of(widget.choices.base) if "movie" in label]


def test_a_layer_without_time_is_named(opened, fake_training):
    viewer, widget = opened
    widget.images.kind.value = "alone"
    widget.images.add.click()
    widget.images.high.value = viewer.add_image(HIGH[0], name="still")
    widget.images.add.click()
    widget.choices.base.value = MOVIE
    assert about(widget).text() == (
        "5 frames of a time-lapse help each other, and still alone has no axis that can be time."
    )
    assert about(widget).styleSheet() == ERROR_STYLE
    widget.controls.start.click()
    assert widget.status.text().startswith("movie-x2 is for time-lapses, and 'still' has no axis that can be")
    assert not fake_training.calls


def test_depth_is_never_taken_for_time_unasked(open_fine_tune, fake_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH, name="stack", axis_labels=("z", "y", "x"))
    widget.choices.base.value = MOVIE
    widget.controls.start.click()
    assert (
        "nothing says which axis of 'stack' is time; name it 't' in layer.axis_labels" in widget.status.text()
    )
    assert not fake_training.calls
