"""The Fine-tune widget, used through its real buttons in a real viewer; the training is a stand-in."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from fake_training import BASE, BICUBIC, ENDLESS
from napari_srgan.errors import UserError
from napari_srgan.models import load_model
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.viewer.fine_tuning import saved_run as fine_tune_plan
from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW, ROLES
from napari_srgan.viewer.jobs.runner import training_runner_of
from napari_srgan.viewer.qt.labels import ERROR_STYLE, camera_of, grid_of

RANDOM = np.random.default_rng(0)
HIGH = RANDOM.integers(100, 4000, (80, 64), dtype=np.uint16)
LOW = HIGH.reshape(40, 2, 32, 2).mean(axis=(1, 3)).astype(np.uint16)


@pytest.fixture
def opened(open_fine_tune, fake_training):
    """A viewer with a pair of layers, and the widget with the pair in its list."""
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW, name="cells", scale=(2, 2), translate=(0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    widget.images.add.click()
    return viewer, widget


@pytest.fixture
def train(finish_training):
    """Clicks Start and waits until the training is over."""

    def train_it(viewer, widget):
        widget.controls.start.click()
        finish_training(viewer)
        return widget.progress.verdict.text()

    return train_it


def rows_of(widget):
    layout = widget.images._rows
    return [layout.itemAt(n).widget() for n in range(layout.count())]


def is_red(label):
    return label.styleSheet() == ERROR_STYLE


# Pairs.


def test_the_finer_layer_is_offered_as_high_resolution(open_fine_tune):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH, name="first")
    viewer.add_image(LOW, name="second")
    assert (widget.images.low.value.name, widget.images.high.value.name) == ("second", "first")


def test_pairs_are_rows_that_can_be_removed(opened):
    viewer, widget = opened
    viewer.add_image(HIGH, name="other")
    widget.images.high.value = viewer.layers["other"]
    widget.images.add.click()
    assert [row.name.text() for row in rows_of(widget)] == ["cells and fine cells", "cells and other"]
    rows_of(widget)[0].remove.click()
    assert [row.name.text() for row in rows_of(widget)] == ["cells and other"]


def test_a_pair_that_is_none_is_refused_in_words(opened):
    viewer, widget = opened
    viewer.add_image(np.zeros((55, 44), np.uint16), name="odd", scale=(1.46, 1.46))
    widget.images.high.value = viewer.layers["odd"]
    widget.images.add.click()
    assert len(rows_of(widget)) == 1
    assert "1.37" in widget.status.text()
    assert is_red(widget.status)


def test_a_pair_goes_with_its_layer(opened):
    viewer, widget = opened
    del viewer.layers["fine cells"]
    assert rows_of(widget) == []


def test_only_image_layers_are_offered(opened):
    viewer, widget = opened
    viewer.add_labels(np.zeros((40, 32), int), name="labels")
    assert "labels" not in [layer.name for layer in widget.images.high.choices]


# Training.


def test_the_model_is_in_the_library_with_its_card(opened, train, fake_training):
    viewer, widget = opened
    said = train(viewer, widget)
    assert said.startswith("The model cells-x2 is in the library. Much better than bicubic")
    assert not is_red(widget.progress.verdict)
    assert len(load_model("cells-x2").history) == fake_training.steps // fake_training.preview_every


def test_start_adds_the_chosen_pair_if_there_is_none(opened, train):
    viewer, widget = opened
    rows_of(widget)[0].remove.click()
    assert train(viewer, widget).startswith("The model cells-x2 is in the library")


def test_a_model_that_is_not_better_is_told_in_red(opened, train, fake_training):
    viewer, widget = opened
    fake_training.psnr = BICUBIC - 1
    assert "Not better than bicubic interpolation and the base microscopy-x2" in train(viewer, widget)
    assert is_red(widget.progress.verdict)


def test_what_was_done_to_the_images_can_still_be_read_when_it_is_over(opened, train, fake_training):
    viewer, widget = opened
    remarks = widget.progress.remarks
    assert not remarks.isVisibleTo(widget)
    fake_training.notes = ("frame 3 of 'cells' is empty and was left out", "frames are not in order")
    train(viewer, widget)
    assert remarks.text() == "Frame 3 of 'cells' is empty and was left out\nFrames are not in order"
    assert remarks.isVisibleTo(widget)
    fake_training.notes = ()
    widget.choices.name.value = "another"
    train(viewer, widget)
    assert not remarks.isVisibleTo(widget)


def test_the_model_is_chosen_in_an_open_upscale_widget_and_in_one_opened_later(opened, train, open_widget):
    viewer, widget = opened
    _, before = open_widget(viewer)
    train(viewer, widget)
    assert before["models"]["model"].value == "cells-x2"
    _, after = open_widget(viewer)
    assert after["models"]["model"].value == "cells-x2"


def test_the_whole_layer_is_upscaled_with_it(opened, train, finish):
    viewer, widget = opened
    train(viewer, widget)
    widget.progress.upscale.click()
    finish(viewer)
    result = viewer.layers["cells x2 (cells-x2)"]
    np.testing.assert_allclose(result.data_to_world((0.5, 0.5)), viewer.layers["cells"].data_to_world((0, 0)))


def test_the_result_of_the_whole_layer_is_gone_to_and_nothing_of_ours_lies_on_it(opened, train, finish):
    viewer, widget = opened
    train(viewer, widget)
    camera_of(viewer).center, camera_of(viewer).zoom = (0, -500, -500), 40
    widget.progress.upscale.click()
    finish(viewer)
    names = {layer.name for layer in viewer.layers if layer.visible}
    assert names == {"cells", "fine cells", "cells x2 (cells-x2)"}
    first, last = viewer.layers["cells x2 (cells-x2)"].extent.world
    np.testing.assert_allclose(camera_of(viewer).center[-2:], (first + last) / 2)


def test_the_preview_is_looked_at_and_left_again(opened, train):
    viewer, widget = opened
    look = widget.progress.look
    assert not look.isEnabled()
    train(viewer, widget)
    camera = camera_of(viewer)
    camera.center, camera.zoom = (0, 7, 9), 3.5
    look.click()
    first, last = viewer.layers[PREVIEW].extent.world
    np.testing.assert_allclose(camera.center[-2:], (first + last) / 2)
    assert look.text() == "Back to where you were"
    look.click()
    assert (tuple(camera.center), camera.zoom) == ((0, 7, 9), 3.5)
    del viewer.layers[PREVIEW]
    widget._draw()
    assert not look.isEnabled()


def test_curves_are_shown_when_there_is_something_in_them(opened, train):
    viewer, widget = opened
    assert not widget.progress.curves.isVisibleTo(widget)
    train(viewer, widget)
    assert widget.progress.curves.isVisibleTo(widget)
    axis = widget.progress.curves._psnr_plot.getAxis("bottom")
    assert all(apart >= 1 and apart == round(apart) for apart, _ in axis.tickSpacing(0, 2, 300))


def test_curves_with_what_is_to_be_beaten(opened, train):
    viewer, widget = opened
    train(viewer, widget)
    curves = widget.progress.curves
    steps, levels = curves._psnr.getData()
    assert list(steps) == [5, 10, 15, 20]
    assert set(levels) == {27.0}
    assert (curves._rival.value(), curves._base.value()) == (BICUBIC, BASE)
    assert curves._loss.getData()[0][0] <= 5


def test_the_preview_changes_in_place_and_takes_neither_selection_nor_camera(opened, fake_training, qtbot):
    viewer, widget = opened
    viewer.layers.selection = {viewer.layers["cells"]}
    camera = camera_of(viewer)
    camera.center, camera.zoom = (0, 7, 9), 3.5
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers)
    preview, first = viewer.layers[PREVIEW], viewer.layers[PREVIEW].data.copy()
    qtbot.waitUntil(lambda: not np.array_equal(preview.data, first))
    assert [layer.name for layer in viewer.layers].count(PREVIEW) == 1
    assert viewer.layers.selection == {viewer.layers["cells"]}
    assert viewer.layers.selection.active is viewer.layers["cells"]
    assert (tuple(camera.center), camera.zoom) == ((0, 7, 9), 3.5)
    widget.controls.cancel.click()


def test_the_preview_waits_while_the_viewer_is_a_grid(opened, fake_training, qtbot):
    viewer, widget = opened
    grid = grid_of(viewer)
    grid.enabled = True
    before = [layer.name for layer in viewer.layers]
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 20)
    assert [layer.name for layer in viewer.layers] == before
    assert not widget.progress.look.isEnabled()
    grid.enabled = False
    assert PREVIEW in viewer.layers
    assert len({layer.name for layer in viewer.layers}) == len(viewer.layers) > len(before) + 1
    widget.controls.cancel.click()


def test_defaults_are_restored(opened):
    _, widget = opened
    choices = widget.choices
    before, base = choices.settings(correct_shift=True), choices.base.value
    choices._fields["minutes"].show(3.0)
    choices._fields["seed"].show(5)
    choices._fields["device"].show("cpu")
    choices.base.value = "from scratch"
    assert choices.settings(correct_shift=True) != before
    choices.restore.click()
    assert choices.settings(correct_shift=True) == before
    assert choices.base.value == base


def test_a_preview_that_is_deleted_stays_deleted(opened, fake_training, qtbot):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers)
    del viewer.layers[PREVIEW]
    seen = fake_training.step
    qtbot.waitUntil(lambda: fake_training.step > seen + 20)
    assert PREVIEW not in viewer.layers
    widget.controls.cancel.click()


def test_the_split_lies_on_the_low_resolution_image(opened, train):
    viewer, widget = opened
    train(viewer, widget)
    split = viewer.layers["split of cells"]
    np.testing.assert_allclose(split.data_to_world((0, 0)), viewer.layers["cells"].data_to_world((2, 3)))
    assert [ROLES[value] for value in split.data[0]] == ["trained on"] * 3 + ["guard band"] + [
        "held back"
    ] * 2


def test_a_paused_training_waits_and_goes_on(opened, fake_training, qtbot):
    _, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 5)
    widget.controls.pause.click()
    qtbot.wait(300)
    at = fake_training.step
    qtbot.wait(300)
    assert fake_training.step == at
    assert "paused" in widget.status.text()
    assert widget.controls.pause.text() == "Resume"
    widget.controls.pause.click()
    qtbot.waitUntil(lambda: fake_training.step > at)
    for _ in range(4):  # faster than it can follow
        widget.controls.pause.click()
    at = fake_training.step
    qtbot.waitUntil(lambda: fake_training.step > at + 5)
    widget.controls.cancel.click()


@pytest.mark.parametrize("paused", [False, True])
def test_stop_keeps_the_best(opened, fake_training, qtbot, finish_training, paused):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 10)
    if paused:
        widget.controls.pause.click()
        qtbot.wait(200)
    widget.controls.finish.click()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("The model cells-x2 is in the library")


def test_settings_reach_the_training(opened, train, fake_training):
    viewer, widget = opened
    wanted = FineTuning(
        name="mine", style="sharp", minutes=2.5, steps=70, patience=3, seed=7, brightness="high",
        held_back=0.3, hold_back="frames", batch=4, patch=24, learning_rate=0.002, pixel_loss="l2",
        width=24, blocks=3,
        discriminator="vgg", adversarial="hinge", adversarial_weight=0.125, perceptual="vgg22",
        perceptual_weight=0.25, device="cpu", correct_shift=False, despite_check=True, validate_every=9,
    )  # fmt: skip
    widget.choices.show_settings(wanted, None)
    widget.choices.name.value = "mine"
    widget.images.correct_shift.value = False
    train(viewer, widget)
    call = fake_training.calls[0]
    assert call["settings"] == wanted
    assert call["base"] is None


def test_defaults_are_those_of_the_training(opened, train, fake_training):
    viewer, widget = opened
    train(viewer, widget)
    call = fake_training.calls[0]
    assert call["settings"] == FineTuning(name="cells-x2")
    assert call["base"] == "microscopy-x2"


def test_a_name_that_is_taken_is_refused(opened, fake_training):
    _, widget = opened
    widget.choices.name.value = "microscopy-x2"
    widget.controls.start.click()
    assert "there is a model 'microscopy-x2' already" in widget.status.text().lower().replace(
        "There", "there"
    )
    assert is_red(widget.status)
    assert fake_training.calls == []


def test_a_wrong_pair_among_good_ones_is_named(opened, train, fake_training):
    viewer, widget = opened
    viewer.add_image(np.rot90(HIGH, 2), name="turned")
    widget.images.high.value = viewer.layers["turned"]
    widget.images.add.click()
    fake_training.error = UserError("cells and turned: the images show the same field turned by 180 degrees")
    assert "turned by 180 degrees" in train(viewer, widget)
    good, bad = rows_of(widget)
    assert "turned by 180" in bad.about.text()
    assert is_red(bad.about)
    assert not is_red(good.about)


def test_an_error_leaves_nothing_behind(opened, train, fake_training, trainings_folder):
    viewer, widget = opened
    fake_training.error = UserError("cells: there is nothing in it to learn from")
    assert is_red(widget.progress.verdict) or "nothing in it" in train(viewer, widget)
    assert list(trainings_folder.iterdir()) == []
    assert widget.controls.start.isVisibleTo(widget)


def test_a_layer_that_goes_while_it_is_read_is_told(opened, fake_training, qtbot, finish_training):
    viewer, widget = opened
    fake_training.reading = 300
    widget.controls.start.click()
    qtbot.waitUntil(lambda: "Reading" in widget.status.text())
    del viewer.layers["cells"]
    assert "cells was removed while it was read" in widget.status.text()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("The model cells-x2 is in the library")


def test_layers_deleted_during_the_training_change_nothing(opened, fake_training, qtbot, finish_training):
    viewer, widget = opened
    fake_training.steps = 400
    widget.controls.start.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers)
    viewer.layers.clear()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("The model cells-x2 is in the library")
    widget.progress.upscale.click()
    assert "there is no image to upscale" in widget.status.text().lower().replace("There", "there")


# What is simulated.


def test_high_resolution_alone_is_simulated(open_fine_tune, fake_training, finish_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH, name="fine cells")
    widget.images.kind.value = "alone"
    widget.images.add.click()
    widget.choices._fields["factor"].show(2)
    simulation = widget.choices.simulation
    assert simulation.isVisibleTo(widget)
    simulation.show_one.click()
    finish_training(viewer)
    assert viewer.layers["simulated from fine cells"].data.ndim == 2
    simulation._as_measured.value = False
    simulation._blur.value = (0.25, 0.5)
    widget.controls.start.click()
    finish_training(viewer)
    settings = fake_training.calls[0]["settings"]
    assert settings.degradation == Degradation(2, blur=(0.25, 0.5))
    assert settings.factor == 2


def test_noise_is_estimated_on_request(open_fine_tune, fake_training, finish_training):
    viewer, widget = open_fine_tune()
    light = np.full((256, 256), 200.0) * np.linspace(0.2, 3, 256)
    viewer.add_image(RANDOM.poisson(light) * 2.0 + 100, name="shot noise")
    widget.images.kind.value = "alone"
    widget.images.add.click()
    widget.choices._fields["factor"].show(2)
    widget.choices.simulation.estimate.click()
    finish_training(viewer)
    least, most = widget.choices.simulation.degradation(2).gain
    assert most == pytest.approx(2, rel=0.2)
    assert least == pytest.approx(most / 4, rel=1e-3)


# A widget that is closed; a window that is closed.


def test_a_reopened_dock_shows_the_running_training(opened, fake_training, open_fine_tune, qtbot):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: len(widget.state.points) > 2)
    viewer.window.remove_dock_widget(widget)
    qtbot.wait(50)
    seen = fake_training.step
    _, again = open_fine_tune(viewer)
    qtbot.waitUntil(lambda: fake_training.step > seen + 10)
    assert again.controls.finish.isVisibleTo(again)
    assert not again.controls.start.isVisibleTo(again)
    assert len(again.progress.curves._psnr.getData()[0]) > 2
    assert [row.name.text() for row in rows_of(again)] == ["cells and fine cells"]
    again.controls.cancel.click()
    qtbot.waitUntil(lambda: again.controls.start.isVisibleTo(again))


def test_a_dock_closed_during_a_check_is_missed_by_nobody(opened, finish_training, open_fine_tune):
    viewer, widget = opened
    widget.images.check.click()
    viewer.window.remove_dock_widget(widget)
    _, again = open_fine_tune(viewer)
    finish_training(viewer)
    assert again.status.text() == "Checked cells and fine cells."
    assert "Not checked yet" not in rows_of(again)[0].about.text()


def test_everything_shown_is_drawn_on_the_main_thread(opened, train):
    viewer, widget = opened
    threads = []
    viewer.layers.events.inserted.connect(lambda: threads.append(threading.current_thread()))
    train(viewer, widget)
    assert set(threads) == {threading.main_thread()}


def test_napari_asks_before_it_closes_a_window_that_trains(opened, fake_training, qtbot):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 5)
    # What the question names, and without which it is not asked.
    (asked,) = viewer.window._task_status_manager.get_status()
    assert "Training cells-x2" in asked
    widget.controls.cancel.click()


def test_a_closed_window_keeps_the_checkpoint(opened, fake_training, qtbot):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 5)
    checkpoint = fake_training.calls[0]["checkpoint"]
    runner = training_runner_of(viewer)
    viewer.close()
    qtbot.waitUntil(lambda: runner.running is None)
    assert checkpoint.read_bytes() == b"what was learned"
    assert [kept.checkpoint for kept in fine_tune_plan.interrupted()] == [checkpoint]
