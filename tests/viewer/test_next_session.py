"""What is there again in the next session: choices, and settings in napari's Preferences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from npe2 import PluginManifest

import napari_srgan
from napari_srgan.models import read_library, save_model
from napari_srgan.models.library.library import use_folder, user_folder
from napari_srgan.viewer.last_choices import LastChoices, image_kind, last_choices, remember, remember_model
from napari_srgan.viewer.preferences import apply_folder, chosen_index, preferred_device

CELLS = np.random.default_rng(0).integers(100, 4000, (40, 32), dtype=np.uint16)


def again(open_widget, widget, viewer):
    """Close the widget and open it, as another session does."""
    viewer.window.remove_dock_widget(widget.native)
    return open_widget(viewer)[1]


# What was chosen last.


@pytest.fixture
def own(library_folder, tiny_model):
    save_model(tiny_model(name="own-x2"), library_folder / "own-x2.safetensors")


def test_model_by_kind_of_image_and_result(open_widget, run, own, make_napari_viewer, qtbot):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["models"]["model"].value = "own-x2"
    widget["result"].value = "lazy"
    run(viewer, widget)
    qtbot.waitUntil(lambda: bool(last_choices().models), timeout=20_000)
    viewer.close()
    viewer, widget = open_widget(make_napari_viewer())
    viewer.add_image(CELLS, name="others")
    qtbot.waitUntil(lambda: widget["models"]["model"].value == "own-x2", timeout=20_000)
    assert widget["result"].value == "lazy"
    widget["image"].value = viewer.add_image(np.zeros((40, 40, 3), np.uint8), name="rgb", rgb=True)
    assert widget["models"]["model"].value == "photo-x4", "that was chosen for another kind of image"


def test_what_suits_is_not_taken_for_a_choice(open_widget, run, choices_file):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    run(viewer, widget)
    assert last_choices().models == {}


def test_a_model_that_is_gone_is_not_insisted_on(open_widget):
    remember_model(image_kind(rgb=False, movie=False, noisy=False), "gone")
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    assert widget["models"]["model"].value == "microscopy-x2"


def test_restored_defaults_are_those_of_the_next_session_too(open_widget, run, own, qtbot):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["models"]["model"].value = "own-x2"
    widget["result"].value = "lazy"
    run(viewer, widget)
    qtbot.waitUntil(lambda: bool(last_choices().models), timeout=20_000)
    widget["image"].value = viewer.layers["cells"]
    qtbot.waitUntil(lambda: bool(widget["taken"].value), timeout=20_000)
    widget["restore_defaults"].native.click()
    assert last_choices().models == {}
    widget = again(open_widget, widget, viewer)
    widget["image"].value = viewer.layers["cells"]
    assert widget["result"].value == "memory"
    assert widget["models"]["model"].value == "microscopy-x2"


def test_minutes_of_a_training(open_fine_tune, fake_training, finish_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(CELLS, name="cells")
    widget.choices._fields["minutes"].show(3.5)
    widget.controls.start.click()
    finish_training(viewer)
    viewer.window.remove_dock_widget(widget)
    assert last_choices().minutes == 3.5
    widget = open_fine_tune(viewer)[1]
    assert widget.choices._fields["minutes"].value == 3.5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"minutes": -1}', b"\xff", b'{"models": 3}'])
def test_a_file_that_cannot_be_read_is_nothing(choices_file, content):
    choices_file.parent.mkdir()
    choices_file.write_bytes(content)
    assert last_choices() == LastChoices()
    remember(way="disk")
    assert json.loads(choices_file.read_text())["way"] == "disk"


def test_what_cannot_be_written_disturbs_nobody(choices_file):
    choices_file.parent.write_bytes(b"no folder")
    remember(way="disk")
    assert last_choices() == LastChoices()


# napari's Preferences.


@pytest.fixture
def settings(plugin_settings, npe2pm):
    """The plugin's settings, of nobody."""
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_file(Path(napari_srgan.__file__).parent / "napari.yaml"))
    yield get_plugin_settings("napari-srgan").library
    use_folder(None)


def test_the_folder_of_models(settings, monkeypatch, tmp_path, tiny_model):
    usual = user_folder()
    monkeypatch.delenv("NAPARI_SRGAN_MODELS")
    settings.folder = str(tmp_path / "mine")
    apply_folder()
    assert user_folder() == tmp_path / "mine"
    (tmp_path / "mine").mkdir()
    save_model(tiny_model(name="there"), tmp_path / "mine" / "there.safetensors")
    assert read_library().card("there") is not None
    monkeypatch.setenv("NAPARI_SRGAN_MODELS", str(usual))
    assert user_folder() == usual, "the environment comes first"


def test_the_index(settings, monkeypatch):
    monkeypatch.delenv("NAPARI_SRGAN_INDEX", raising=False)
    assert chosen_index() == ""
    settings.index = "https://example.org/index.json"
    assert chosen_index() == "https://example.org/index.json"
    monkeypatch.setenv("NAPARI_SRGAN_INDEX", "https://example.org/other.json")
    assert chosen_index() == "https://example.org/other.json"


def test_the_device(settings, monkeypatch):
    assert preferred_device() == "auto"
    settings.device = "cpu"
    assert preferred_device() == "cpu"
    settings.device = "mps"
    from napari_srgan.viewer import preferences

    monkeypatch.setattr(preferences, "device_kinds", lambda: ["cpu"])
    assert preferred_device() == "auto", "this machine has none"


def test_without_settings_of_plugins_all_is_as_usual(monkeypatch):
    import napari.settings

    monkeypatch.delattr(napari.settings, "get_plugin_settings")
    monkeypatch.delenv("NAPARI_SRGAN_INDEX", raising=False)
    assert (preferred_device(), chosen_index()) == ("auto", "")
