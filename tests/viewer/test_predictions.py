"""Predictions and the plugin's own illustrations are told from measured images, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.viewer.commands import upscale_selected
from napari_srgan.viewer.fine_tuning.layer_pairs import source_image
from napari_srgan.viewer.jobs.runner import runner_of

RANDOM = np.random.default_rng(0)
HIGH = RANDOM.integers(100, 4000, (80, 64), dtype=np.uint16)
LOW = HIGH.reshape(40, 2, 32, 2).mean(axis=(1, 3)).astype(np.uint16)


@pytest.fixture
def upscaled(open_widget, run):
    """A viewer with an image and its prediction, which is selected, and called as a user may call it."""
    viewer, widget = open_widget()
    viewer.add_image(LOW, name="cells")
    run(viewer, widget)
    viewer.layers[-1].name = "fine cells"
    return viewer


def shown_in(field):
    return [field.native.itemText(i) for i in range(field.native.count())]


def test_a_prediction_is_never_guessed_in_fine_tune(upscaled, open_fine_tune):
    _, widget = open_fine_tune(upscaled)
    images = widget.images
    assert images.kind.value == "alone"
    assert images.high.value is upscaled.layers["cells"]
    assert shown_in(images.high) == ["cells", "fine cells  (prediction)"]
    images.kind.value = "pairs"
    assert images.low.value is upscaled.layers["cells"]
    assert images.high.value is upscaled.layers["cells"]


def test_the_measured_pair_is_guessed_beside_a_finer_prediction(upscaled, open_fine_tune, open_widget, run):
    upscaled.add_image(HIGH[:60, :48], name="measured", scale=(0.5, 0.5))
    _, widget = open_fine_tune(upscaled)
    assert (widget.images.low.value.name, widget.images.high.value.name) == ("cells", "measured")


def test_where_all_are_predictions_none_is_chosen(upscaled, open_fine_tune):
    _, widget = open_fine_tune(upscaled)
    del upscaled.layers["cells"]
    assert widget.images.high.value is None
    assert widget.images.low.value is None
    widget.images.add.click()
    assert "choose" in widget.status.text().lower()
    upscaled.add_image(HIGH, name="measured")
    assert widget.images.high.value is upscaled.layers["measured"]


def test_its_noise_is_not_taken_for_that_of_a_camera_unasked(upscaled, open_fine_tune):
    _, widget = open_fine_tune(upscaled)
    upscaled.layers.selection.active = upscaled.layers["fine cells"]
    widget.images.kind.value = "noise of"
    assert widget.images.noisy.value is None
    assert widget.images.high.value is None  # the tiles of the package


def test_a_prediction_as_truth_is_refused_until_it_is_meant(upscaled, open_fine_tune, fake_training, qtbot):
    _, widget = open_fine_tune(upscaled)
    images = widget.images
    images.kind.value = "pairs"
    assert not images.meant.native.isVisibleTo(widget)
    images.high.value = upscaled.layers["fine cells"]
    assert images.meant.native.isVisibleTo(widget)
    images.add.click()
    assert "is a prediction of microscopy-x2, no measured image" in widget.status.text()
    widget.controls.start.click()
    assert "is a prediction of microscopy-x2, no measured image" in widget.status.text()
    assert not fake_training.calls
    images.meant.value = True
    images.add.click()
    assert widget.status.text() == ""
    widget.controls.start.click()
    qtbot.waitUntil(lambda: len(fake_training.calls) > 0)
    (call,) = fake_training.calls
    assert call["settings"].predictions_as_truth
    assert call["pairs"][0].high.predicted_by == "microscopy-x2"
    qtbot.waitUntil(lambda: not widget.state.training, timeout=60_000)


def test_the_tick_is_for_one_prediction_only(upscaled, open_fine_tune):
    _, widget = open_fine_tune(upscaled)
    images = widget.images
    images.high.value = upscaled.layers["fine cells"]
    images.meant.value = True
    images.high.value = upscaled.layers["cells"]
    assert not images.meant.value


def test_a_script_is_refused_too(upscaled):
    source = source_image(upscaled.layers["fine cells"])
    with pytest.raises(UserError, match="prediction of microscopy-x2"):
        next(fine_tune_job([source], base=None, settings=FineTuning(steps=1, factor=2)))


def test_a_duplicate_is_a_prediction_as_well(upscaled, open_fine_tune):
    upscaled.layers.selection = {upscaled.layers["fine cells"]}
    from napari.layers._layer_actions import _duplicate_layer

    _duplicate_layer(upscaled.layers)
    _, widget = open_fine_tune(upscaled)
    assert [name.endswith("(prediction)") for name in shown_in(widget.images.high)] == [False, True, True]


def test_a_reopened_upscale_proposes_the_image_and_not_its_result(upscaled, open_widget):
    assert upscaled.layers.selection.active is upscaled.layers["fine cells"]
    _, widget = open_widget(upscaled)
    assert widget["image"].value is upscaled.layers["cells"]
    upscaled.layers.move(1, 0)
    _, widget = open_widget(upscaled)
    assert widget["image"].value is upscaled.layers["cells"]


def test_illustrations_are_in_no_list(open_fine_tune, open_widget, fake_training, finish_training, run):
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW, name="cells", scale=(2, 2), translate=(0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    widget.images.add.click()
    widget.controls.start.click()
    finish_training(viewer)
    for layer in viewer.layers:
        layer.name = f"my {layer.name}"
    assert len(viewer.layers) == 4  # a preview and a split
    _, upscale = open_widget(viewer)
    _, trust = viewer.window.add_plugin_dock_widget("napari-srgan", "Trust")
    for field in (
        widget.images.low,
        widget.images.high,
        widget.images.noisy,
        upscale["image"],
        trust["image"],
    ):
        names = [layer.name for layer in field.choices if layer is not None]
        assert names == ["my cells", "my fine cells"], field.name


def test_illustrations_are_not_upscaled_with_what_is_selected(
    open_fine_tune, fake_training, finish_training, finish
):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH, name="cells")
    widget.images.add.click()
    widget.controls.start.click()
    finish_training(viewer)
    viewer.layers.selection = set(viewer.layers)
    before = len(viewer.layers)
    upscale_selected(viewer)
    finish(viewer)
    assert runner_of(viewer).running is None
    assert [layer.name for layer in viewer.layers[before:]] == ["cells x2 (microscopy-x2)"]


def test_a_users_layer_that_is_called_like_an_illustration_is_offered(open_widget):
    viewer, widget = open_widget()
    viewer.add_image(LOW, name="preview of the training")
    assert widget["image"].value is viewer.layers[0]


def test_what_is_checked_keeps_who_predicted_it():
    assert SourceImage("a", HIGH, "YX", predicted_by="b").checked().predicted_by == "b"
