"""The Upscale widget looks at the image: what it says of its noise, and which model it shows first."""

from __future__ import annotations

import threading
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.utils.notifications import notification_manager
from scipy.ndimage import gaussian_filter

from napari_srgan.models import TrainedInput, save_model
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.upscale import noise_look as image_look

pytestmark = pytest.mark.usefixtures("ideal_model")

DRAW = np.random.default_rng(0)
LIGHT = 2 + 28 * np.hypot(*np.indices((128, 128))) / 180
NOISY = DRAW.poisson(LIGHT).astype(np.uint16)
CLEAN = (4000 * gaussian_filter(DRAW.random((128, 128)), 1.5)).astype(np.uint16)
ROBUST = TrainedInput(photons=(3, 300), blur=(0, 2))


@pytest.fixture
def robust(library_folder, tiny_model):
    model = tiny_model(name="robust-x2")
    told = model.card.model_copy(update={"trained_input": ROBUST})
    save_model(replace(model, card=told), library_folder / "robust-x2.safetensors")


def chosen(widget):
    return widget["models"]["model"].value


def line(widget):
    """What the widget says of the image; empty if it says nothing."""
    return widget["taken"].value.strip()


def is_warning(widget):
    return "color" in widget["taken"].native.styleSheet()


@pytest.fixture
def show(qtbot):
    """Chooses a layer in the widget and waits for what is said of it."""

    def show_it(viewer, widget, data, **of):
        layer = viewer.add_image(data, **of)
        widget["image"].value = layer
        qtbot.waitUntil(lambda: bool(line(widget)), timeout=60_000)
        return layer

    return show_it


def test_a_noisy_image_is_warned_of(open_widget, show):
    viewer, widget = open_widget()
    assert line(widget) == ""
    show(viewer, widget, NOISY, name="noisy")
    assert line(widget).startswith("About 30 photons, noise well above the detail; microscopy-x2 was trained")
    assert line(widget).endswith("without noise and takes it for detail: fine-tune a model on such images")
    assert is_warning(widget)
    assert chosen(widget) == "microscopy-x2"


def test_a_clean_image_is_not(open_widget, show):
    viewer, widget = open_widget()
    show(viewer, widget, CLEAN, name="clean")
    assert line(widget).startswith("Hardly any noise")
    assert not is_warning(widget)


@pytest.mark.usefixtures("robust")
def test_the_model_that_suits_is_shown_first(open_widget, show, qtbot):
    viewer, widget = open_widget()
    noisy = show(viewer, widget, NOISY, name="noisy")
    assert chosen(widget) == "robust-x2"
    assert line(widget).endswith("; robust-x2 was trained on such images")
    assert not is_warning(widget)
    show(viewer, widget, CLEAN, name="clean")
    qtbot.waitUntil(lambda: chosen(widget) == "microscopy-x2", timeout=60_000)
    widget["image"].value = noisy
    qtbot.waitUntil(lambda: chosen(widget) == "robust-x2", timeout=60_000)


@pytest.mark.usefixtures("robust")
def test_what_the_user_chose_stays(open_widget, show):
    viewer, widget = open_widget()
    show(viewer, widget, CLEAN, name="clean")
    widget["models"]["model"].value = "photo-x4"
    widget["models"]["model"].value = "microscopy-x2"
    viewer.layers.clear()
    show(viewer, widget, NOISY, name="noisy")
    assert chosen(widget) == "microscopy-x2"
    assert line(widget).endswith("choose robust-x2")
    assert is_warning(widget)
    widget["models"]["model"].value = "robust-x2"
    assert line(widget).endswith("robust-x2 was trained on such images")
    widget["models"]["model"].value = "photo-x4"
    assert line(widget).endswith("what noise photo-x4 was trained on is unknown")
    assert not is_warning(widget)


def test_a_model_that_suits_better_is_taken_when_it_comes(open_widget, show, robust, library_folder):
    (library_folder / "robust-x2.safetensors").rename(library_folder.parent / "robust-x2.safetensors")
    viewer, widget = open_widget()
    show(viewer, widget, NOISY, name="noisy")
    assert chosen(widget) == "microscopy-x2"
    (library_folder.parent / "robust-x2.safetensors").rename(library_folder / "robust-x2.safetensors")
    widget.reset_choices()
    assert chosen(widget) == "robust-x2"


def test_the_result_says_it_too(open_widget, show, run):
    viewer, widget = open_widget()
    show(viewer, widget, NOISY[:64, :64], name="noisy")
    said = run(viewer, widget)
    assert said.startswith("Added 'noisy x2 (microscopy-x2)'. About ")
    assert said.endswith("microscopy-x2 was trained without noise and takes it for detail: fine-tune a model on such images.")  # fmt: skip  # noqa: E501
    (note,) = viewer.layers[-1].metadata["napari-srgan"]["notes"]
    assert "takes it for detail" in note


@pytest.fixture
def slow():
    """A layer's pixels that come when they are let come."""
    gate, asked = threading.Event(), threading.Event()

    def read(block):
        asked.set()
        assert gate.wait(60)
        return NOISY if block.shape == NOISY.shape else np.zeros(block.shape, NOISY.dtype)

    empty = da.zeros((1, *NOISY.shape), chunks=(1, *NOISY.shape), dtype=NOISY.dtype)
    image = da.map_blocks(lambda block: read(block[0])[None], empty, dtype=NOISY.dtype, meta=NOISY[None])
    yield image, asked, gate
    gate.set()


@pytest.fixture
def look_slowly(show, slow, qtbot):
    """Chooses such a layer, and waits until it is being looked at."""
    image, asked, gate = slow

    def look(viewer, widget):
        show(viewer, widget, CLEAN, name="clean")
        gate.set()  # napari reads it, too
        layer = viewer.add_image(image, name="slow", contrast_limits=(0, 60))
        qtbot.wait(50)
        gate.clear()
        asked.clear()
        widget["image"].value = layer
        qtbot.waitUntil(asked.is_set, timeout=60_000)
        return gate

    return look


def test_the_window_does_not_wait(open_widget, look_slowly, qtbot):
    viewer, widget = open_widget()
    gate = look_slowly(viewer, widget)
    assert line(widget) == ""
    assert widget["buttons"]["run"].enabled
    assert runner_of(viewer).running is None
    gate.set()
    qtbot.waitUntil(lambda: "photons" in line(widget), timeout=60_000)


def test_what_comes_too_late_is_dropped(open_widget, look_slowly, qtbot):
    viewer, widget = open_widget()
    gate = look_slowly(viewer, widget)
    widget["image"].value = viewer.layers["clean"]
    qtbot.waitUntil(lambda: bool(line(widget)), timeout=60_000)
    said = line(widget)
    gate.set()
    qtbot.waitUntil(lambda: not looks(), timeout=60_000)
    qtbot.wait(50)
    assert line(widget) == said


def looks():
    return [thread for thread in threading.enumerate() if thread.name == image_look.LOOK_THREAD]


def test_closing_the_window_during_a_look_is_no_trouble(open_widget, look_slowly, qtbot):
    viewer, widget = open_widget()
    gate = look_slowly(viewer, widget)
    viewer.close()
    gate.set()
    qtbot.waitUntil(lambda: not looks(), timeout=60_000)
    qtbot.wait(50)


def test_other_pixels_are_looked_at_again(open_widget, show, qtbot):
    viewer, widget = open_widget()
    layer = show(viewer, widget, CLEAN, name="image")
    layer.data = NOISY
    qtbot.waitUntil(lambda: "photons" in line(widget), timeout=60_000)


def test_a_layer_is_looked_at_once(open_widget, show, qtbot, monkeypatch):
    viewer, widget = open_widget()
    seen = []
    look_at = image_look.look_at
    monkeypatch.setattr(image_look, "look_at", lambda *of: seen.append(of) or look_at(*of))
    show(viewer, widget, CLEAN, name="clean")
    widget.reset_choices()
    viewer.add_points(np.zeros((1, 2)))
    qtbot.wait(100)
    assert len(seen) == 1


def test_a_lazy_result_is_not_computed_for_it(open_widget, show, qtbot):
    viewer, widget = open_widget()
    show(viewer, widget, CLEAN, name="clean")
    widget["result"].value = "lazy"
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=60_000)
    lazy = viewer.layers[-1]
    lazy.visible = False
    widget["image"].value = lazy
    assert line(widget).endswith("it is computed only where it is looked at")


@pytest.mark.parametrize("data", [np.zeros((40, 40)), np.ones((8, 8)), NOISY > 10])
def test_of_an_image_that_tells_nothing_it_says_so(open_widget, show, data):
    viewer, widget = open_widget()
    show(viewer, widget, data, name="odd")
    assert line(widget).startswith("Nothing can be told of its noise and blur: ")
    assert not is_warning(widget)


def test_pixels_that_cannot_be_read_are_no_trouble(open_widget, show):
    class Broken:
        shape, dtype, ndim = (64, 64), np.dtype(np.uint8), 2

        def __getitem__(self, key):
            if threading.current_thread().name == image_look.LOOK_THREAD:
                raise OSError("the disk is gone")
            return np.zeros((64, 64), np.uint8)[key]

        def __array__(self, dtype=None, copy=None):
            return np.zeros((64, 64), np.uint8)

    viewer, widget = open_widget()
    show(viewer, widget, Broken(), name="broken", contrast_limits=(0, 255), multiscale=False)
    assert "cannot be read" in line(widget)


def test_the_menu_command_says_it_in_a_notification(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(NOISY[:64, :64], name="noisy")
    before = len(notification_manager.records)
    get_app_model().commands.execute_command("napari-srgan.upscale_selected").result()
    finish(viewer)
    said = [record.message for record in notification_manager.records[before:]]
    assert len(said) == 1
    assert said[0].startswith("noisy: About ")
    assert "microscopy-x2 was trained without noise" in said[0]
