"""Choosing a model in the Upscale widget: what fits, what is new, and all between faithful and sharp."""

from __future__ import annotations

import copy
import gc
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QSlider

from napari_srgan import blend, upscale
from napari_srgan.models import load_model, rename_model, save_model
from napari_srgan.models.library import library
from napari_srgan.viewer.jobs.runner import library_runner_of, runner_of
from napari_srgan.viewer.models.signal import LIBRARY
from napari_srgan.viewer.upscale.choices import NO_PARTNER

RANDOM = np.random.default_rng(0)
COLOR = RANDOM.integers(0, 256, (24, 20, 3), dtype=np.uint8)
GRAY = RANDOM.random((24, 20), dtype=np.float32)


@pytest.fixture
def sharp(library_folder):
    """A partner of photo-x4: its weights, pushed to one side."""
    model = load_model("photo-x4")
    network = copy.deepcopy(model.network)
    pushed = {name: tensor + 0.02 for name, tensor in model.network.state_dict().items()}
    network.load_state_dict(pushed)
    card = model.card.model_copy(update={"name": "photo-x4-gan", "partner": "photo-x4"})
    save_model(replace(model, network=network.eval(), card=card), library_folder / "photo-x4-gan.safetensors")
    return load_model("photo-x4-gan")


def model_field(widget):
    return widget["models"]["model"]


def slider_of(widget):
    return widget["sharpness"]["amount"]


def slider_is_shown(widget):
    return widget["sharpness"].native.isVisibleTo(widget.native)


def add_color(viewer, widget):
    layer = viewer.add_image(COLOR, name="color", rgb=True)
    widget["image"].value = layer
    return layer


def add_gray(viewer, widget):
    layer = viewer.add_image(GRAY, name="gray")
    widget["image"].value = layer
    return layer


def test_likeliest_models_come_first(open_widget):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    assert model_field(widget).choices == ("microscopy-x2", "photo-x4")
    add_color(viewer, widget)
    assert model_field(widget).choices == ("photo-x4", "microscopy-x2")
    widget["image"].value = viewer.layers["gray"]
    assert model_field(widget).choices == ("microscopy-x2", "photo-x4")


def test_models_that_do_not_fit_are_not_offered(open_widget, library_folder, tiny_model):
    save_model(tiny_model(name="five-channels", channels=5), library_folder / "five-channels.safetensors")
    viewer, widget = open_widget()
    assert "five-channels" in model_field(widget).choices  # as long as there is no image
    add_gray(viewer, widget)
    assert "five-channels" not in model_field(widget).choices


def test_model_says_how_it_sees_an_image_of_another_kind(open_widget):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    assert widget["about"].value == f"untrained, for tests (x2, one channel). {NO_PARTNER}"
    model_field(widget).value = "photo-x4"
    assert widget["about"].value.endswith(f"(x4, for RGB; gray is seen as three equal colours). {NO_PARTNER}")
    add_color(viewer, widget)
    model_field(widget).value = "microscopy-x2"
    assert widget["about"].value.endswith(
        f"(x2, for one channel; colours are upscaled one by one). {NO_PARTNER}"
    )


def test_sharp_model_says_that_it_invents(open_widget, sharp):
    viewer, widget = open_widget()
    add_color(viewer, widget)
    assert "invented" not in widget["about"].value
    model_field(widget).value = "photo-x4-gan"
    assert widget["about"].value.endswith("; sharp: fine detail is invented, do not quantify it")


def test_each_file_is_read_once_when_the_library_changes(open_widget, sharp, monkeypatch):
    viewer, widget = open_widget()
    add_color(viewer, widget)
    reads, read_card = [], library.read_card
    monkeypatch.setattr(library, "read_card", lambda file: reads.append(file) or read_card(file))
    gc.collect()  # widgets of docks that other tests have closed look, too, until they are collected
    LIBRARY.tell()
    assert len(reads) == len(set(reads)) == 3
    model_field(widget).value = "microscopy-x2"
    assert len(reads) == 3


def test_added_model_is_chosen_at_once(open_widget, finish_library, files_chosen, model_file):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    files_chosen.append(model_file("fresh"))
    QTest.mouseClick(widget["models"]["add_model"].native, Qt.MouseButton.LeftButton)
    finish_library(viewer)
    assert model_field(widget).value == "fresh"
    assert widget["status"].value == "Added fresh."


def test_broken_file_is_a_sentence(open_widget, finish_library, files_chosen, tmp_path):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"broken")
    files_chosen.append(broken)
    widget["models"]["add_model"].native.click()
    finish_library(viewer)
    assert "broken.safetensors" in widget["status"].value
    assert "color" in widget["status"].native.styleSheet()
    assert model_field(widget).value == "microscopy-x2"


def test_models_may_be_added_during_a_run(open_widget, finish_library, finish, files_chosen, model_file):
    viewer, widget = open_widget()
    long = viewer.add_image(np.zeros((400, 64, 64), np.uint8), name="long", contrast_limits=(0, 255))
    widget["image"].value = long
    widget["buttons"]["run"].native.click()
    files_chosen.append(model_file("fresh"))
    widget["models"]["add_model"].native.click()
    assert library_runner_of(viewer).running == "Adding fresh.safetensors"
    finish_library(viewer)
    assert runner_of(viewer).running == "Upscaling long"
    assert "fresh" in model_field(widget).choices
    runner_of(viewer).cancel()
    finish(viewer)


def test_chosen_model_stays_while_the_library_changes(open_widget, model_file, library_folder):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    model_field(widget).value = "photo-x4"
    file = model_file("another")
    file.rename(library_folder / file.name)
    LIBRARY.look()
    assert "another" in model_field(widget).choices
    assert model_field(widget).value == "photo-x4"


def test_default_takes_the_place_of_a_chosen_model_that_is_gone(open_widget, model_file, library_folder):
    file = model_file("mine")
    file.rename(library_folder / file.name)
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    model_field(widget).value = "mine"
    rename_model("mine", "renamed")
    LIBRARY.tell()
    assert "mine" not in model_field(widget).choices
    assert model_field(widget).value == "microscopy-x2"
    add_color(viewer, widget)
    assert model_field(widget).value == "photo-x4"  # none is chosen any more


def test_slider_is_there_only_with_a_partner(open_widget, sharp):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    assert not slider_is_shown(widget)
    add_color(viewer, widget)
    assert slider_is_shown(widget)
    model_field(widget).value = "microscopy-x2"
    assert not slider_is_shown(widget)


def test_each_partner_is_an_end_of_the_slider(open_widget, sharp):
    viewer, widget = open_widget()
    add_color(viewer, widget)
    field, slider = model_field(widget), slider_of(widget)
    assert (field.value, slider.value) == ("photo-x4", 0)
    field.value = "photo-x4-gan"
    assert slider.value == 100
    slider.value = 40
    assert field.value == "photo-x4-gan"
    assert widget["about"].value == (
        "40% of the way from photo-x4 to photo-x4-gan; sharp: fine detail is invented, do not quantify it"
    )
    slider.value = 0
    assert field.value == "photo-x4"
    slider.value = 100
    assert field.value == "photo-x4-gan"
    field.value = "photo-x4"
    assert slider.value == 0


def test_slider_stays_while_layers_and_models_come_and_go(open_widget, sharp, model_file, library_folder):
    viewer, widget = open_widget()
    add_color(viewer, widget)
    slider_of(widget).value = 40
    viewer.add_points([[1, 1]])
    file = model_file("another")
    file.rename(library_folder / file.name)
    LIBRARY.look()
    assert slider_of(widget).value == 40
    assert slider_is_shown(widget)


def test_result_lies_between_its_ends(open_widget, sharp, run):
    viewer, widget = open_widget()
    layer = add_color(viewer, widget)
    slider = slider_of(widget)
    results = {}
    for percent in (0, 40, 100):
        slider.value = percent
        assert run(viewer, widget).startswith("Added")
        results[percent] = viewer.layers[-1]
    assert results[0].name == "color x4 (photo-x4)"
    assert results[40].name == "color x4 (photo-x4+photo-x4-gan-0.40)"
    assert results[100].name == "color x4 (photo-x4-gan)"
    pixels = {percent: np.asarray(result.data, float) for percent, result in results.items()}
    distance = {p: np.abs(pixels[p] - pixels[0]).mean() for p in pixels}
    assert 0 < distance[40] < distance[100]
    assert np.abs(pixels[40] - pixels[100]).mean() < distance[100]
    expected = upscale(layer.data, blend("photo-x4", "photo-x4-gan", 0.4), axes="YXS", progress=False)
    np.testing.assert_array_equal(results[40].data, expected)


def test_slider_is_moved_by_the_keyboard(open_widget, sharp):
    viewer, widget = open_widget()
    add_color(viewer, widget)
    native = slider_of(widget).native
    slider = native if isinstance(native, QSlider) else native.findChild(QSlider)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert 0 < slider_of(widget).value < 100
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert model_field(widget).value == "photo-x4-gan"


def test_self_ensemble(open_widget, run):
    viewer, widget = open_widget()
    add_gray(viewer, widget)
    widget["self_ensemble"].native.click()
    assert run(viewer, widget).startswith("Added")
    expected = upscale(GRAY, "microscopy-x2", self_ensemble=True, progress=False)
    np.testing.assert_array_equal(viewer.layers[-1].data, expected)
    assert np.abs(expected - upscale(GRAY, "microscopy-x2", progress=False)).max() > 1e-4
