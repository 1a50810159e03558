"""The Upscale widget, used through its real buttons in a real viewer."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_srgan.models import save_model
from napari_srgan.viewer.jobs import runner as jobs
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.upscale.choices import NO_PARTNER

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (40, 32), dtype=np.uint16)
LONG = np.zeros((4000, 64, 64), np.uint8)


def labels_of(field):
    return [field.native.itemText(i) for i in range(field.native.count())]


def test_result_appears_exactly_on_the_image(open_widget, run):
    viewer, widget = open_widget()
    source = viewer.add_image(CELLS, name="cells", scale=(0.5, 0.5), translate=(3, 4), rotate=30)
    assert run(viewer, widget) == "Added 'cells x2 (microscopy-x2)'."
    result = viewer.layers["cells x2 (microscopy-x2)"]
    assert result.data.shape == (80, 64)
    np.testing.assert_allclose(result.data_to_world((0.5, 0.5)), source.data_to_world((0, 0)))
    np.testing.assert_allclose(result.data_to_world((78.5, 62.5)), source.data_to_world((39, 31)))
    assert widget["progress"].value == 100


def test_layers_are_added_on_the_main_thread(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS)
    threads = []
    viewer.layers.events.inserted.connect(lambda: threads.append(threading.current_thread()))
    run(viewer, widget)
    assert threads == [threading.main_thread()]


def test_no_layer_is_overwritten(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    run(viewer, widget)
    run(viewer, widget)
    assert len(viewer.layers) == 3
    assert len({layer.name for layer in viewer.layers}) == 3


def test_model_follows_the_kind_of_image_until_one_is_chosen(open_widget):
    viewer, widget = open_widget()
    gray = viewer.add_image(CELLS, name="gray")
    color = viewer.add_image(np.zeros((40, 40, 3), np.uint8), name="color", rgb=True)
    widget["image"].value = color
    assert widget["models"]["model"].value == "photo-x4"
    widget["image"].value = gray
    assert widget["models"]["model"].value == "microscopy-x2"
    widget["models"]["model"].value = "photo-x4"
    widget["image"].value = color
    widget["image"].value = gray
    assert widget["models"]["model"].value == "photo-x4"


def test_model_is_shown_with_its_line_and_factor(open_widget):
    _, widget = open_widget()
    assert "microscopy-x2  (x2, faithful)" in labels_of(widget["models"]["model"])
    assert widget["about"].value == (f"untrained, for tests (x2, one channel). {NO_PARTNER}")


def test_models_dropped_into_the_users_folder_appear(open_widget, library_folder, tiny_model):
    _, widget = open_widget()
    save_model(tiny_model(name="mine"), library_folder / "mine.safetensors")
    widget.reset_choices()
    assert "mine  (x2, yours)" in labels_of(widget["models"]["model"])


def test_axes_are_asked_only_where_they_are_not_evident(open_widget, run):
    viewer, widget = open_widget()
    flat = viewer.add_image(CELLS, name="flat")
    stack = viewer.add_image(np.stack([CELLS, CELLS]), name="stack")
    named = viewer.add_image(np.stack([CELLS, CELLS]), name="named", axis_labels=("z", "y", "x"))
    dock = widget.native
    for layer, asked in ((flat, 0), (named, 0), (stack, 1)):
        widget["image"].value = layer
        rows = [widget[f"axis_{n}"] for n in range(3)]
        assert sum(row.native.isVisibleTo(dock) for row in rows) == asked
    assert widget["axis_0"].label == "Axis -3 (2)"
    widget["axis_0"].value = "C"
    run(viewer, widget)
    assert viewer.layers[-1].metadata["napari-srgan"]["axes"] == "CYX"


def test_box_of_a_shapes_layer(open_widget, run):
    viewer, widget = open_widget()
    source = viewer.add_image(CELLS, name="cells", scale=(2, 2))
    box = viewer.add_shapes([[[20, 20], [20, 30], [40, 30], [40, 20]]], name="roi")
    assert "box of roi" in labels_of(widget["region"])
    widget["region"].value = box
    run(viewer, widget)
    result = viewer.layers["cells x2 (microscopy-x2)"]
    assert result.metadata["napari-srgan"]["region"] == ((10, 21), (10, 16))
    np.testing.assert_allclose(result.data_to_world((0.5, 0.5)), source.data_to_world((10, 10)))


def test_what_needs_no_answer_is_folded_away_and_told_in_a_line(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    folded = [widget[name] for name in ("device", "precision", "tile", "self_ensemble")]
    heading, dock = widget["advanced"], widget.native
    assert heading.text == "▸ Advanced: all automatic"
    assert not any(field.native.isVisibleTo(dock) for field in folded)
    heading.native.click()
    assert all(field.native.isVisibleTo(dock) for field in folded)
    widget["tile"].value, widget["self_ensemble"].value = 64, True
    assert heading.text == "▾ Advanced: 64 pixels, self-ensemble"
    heading.native.click()
    assert heading.text == "▸ Advanced: 64 pixels, self-ensemble"
    assert not any(field.native.isVisibleTo(dock) for field in folded)
    run(viewer, widget)
    made = viewer.layers[-1].metadata["napari-srgan"]
    assert (made["tile"], made["self_ensemble"]) == (64, True)


def test_what_is_wrong_with_an_image_is_not_said_of_the_next(open_widget, run):
    viewer, widget = open_widget()
    odd = viewer.add_image(np.zeros((40, 40, 2)), name="odd")
    widget["image"].value = odd
    assert "last axis" in run(viewer, widget)
    widget["image"].value = viewer.add_image(CELLS, name="cells")
    assert widget["status"].value == ""
    assert run(viewer, widget).startswith("Added")
    widget["image"].value = odd
    assert widget["status"].value.startswith("Added"), "what is no complaint stays"


def test_two_clicks_are_one_job(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    button = widget["buttons"]["run"].native
    button.click()
    assert not button.isEnabled()
    button.click()
    finish(viewer)
    assert len(viewer.layers) == 2
    assert button.isEnabled()


def test_second_run_is_refused_in_words(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["buttons"]["run"].native.click()
    widget["buttons"]["run"].changed.emit(True)  # a click that came before it was greyed out
    assert widget["status"].value == (
        "Upscaling cells is still running: wait until it is done, or cancel it first"
    )
    finish(viewer)
    assert len(viewer.layers) == 2


def test_cancel_stops_at_once_and_run_works_again(open_widget, finish, run, qtbot):
    viewer, widget = open_widget()
    viewer.add_image(LONG, name="long", contrast_limits=(0, 255))
    buttons = widget["buttons"]
    assert not buttons["cancel"].enabled
    buttons["run"].native.click()
    qtbot.waitUntil(lambda: widget["status"].value.startswith("Upscaling x2 with"), timeout=30_000)
    buttons["cancel"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=3000)
    assert widget["status"].value == "Cancelled."
    assert len(viewer.layers) == 1
    assert not [t for t in threading.enumerate() if t.name.startswith("napari-srgan")]
    viewer.add_image(CELLS, name="cells")
    widget["image"].value = viewer.layers["cells"]
    assert run(viewer, widget).startswith("Added")


def test_cancel_in_the_activity_dock(open_widget, qtbot):
    from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar

    viewer, widget = open_widget()
    viewer.add_image(LONG, name="long", contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    dock = viewer.window._qt_window._activity_dialog
    (bar,) = dock.findChildren(QtLabeledProgressBar)
    assert "Upscaling long" in bar.description_label.text()
    qtbot.waitUntil(lambda: bar.qt_progress_bar.maximum() == 100)
    bar.cancel_button.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=5000)
    assert widget["status"].value == "Cancelled."
    qtbot.waitUntil(lambda: not dock.findChildren(QtLabeledProgressBar))


def test_progress_rises_and_the_event_loop_keeps_turning(open_widget, finish, monkeypatch):
    monkeypatch.setattr(jobs, "SHOWN_EVERY", 1)
    monkeypatch.setattr(jobs, "SELDOM", 1)
    viewer, widget = open_widget()
    viewer.add_image(LONG[:150], name="stack", contrast_limits=(0, 255))
    seen, ticks = [], []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: (ticks.append(1), seen.append(widget["progress"].value)))
    widget["buttons"]["run"].native.click()
    timer.start()
    finish(viewer)
    timer.stop()
    assert len(ticks) > 10
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_closing_the_window_stops_the_job(open_widget, qtbot, capfd):
    viewer, widget = open_widget()
    viewer.add_image(LONG, name="long", contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: widget["progress"].value > 0, timeout=30_000)
    viewer.close()
    qtbot.waitUntil(lambda: not _job_threads(), timeout=5000)
    qtbot.wait(100)
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err
    assert len(viewer.layers) <= 1


def test_closing_the_widget_leaves_the_job_alone(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(LONG[:50], name="stack", contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    viewer.window.remove_dock_widget(widget.native)
    finish(viewer)
    assert "stack x2 (microscopy-x2)" in viewer.layers


def test_a_widget_that_is_opened_again_during_a_run_shows_how_far_it_is(open_widget, qtbot):
    viewer, widget = open_widget()
    viewer.add_image(LONG, name="long", contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    viewer.window.remove_dock_widget(widget.native)
    _, widget = open_widget(viewer)
    assert widget["progress"].native.isVisibleTo(widget.native)
    assert widget["status"].value
    qtbot.waitUntil(lambda: widget["progress"].value > 0, timeout=30_000)
    widget["buttons"]["cancel"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=5000)


def _job_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("napari-srgan")]


IMPORTED = 'print("triton" in sys.modules, "triton._C.libtriton" in sys.modules)'
OWN = """
import sys, numpy, napari_srgan
napari_srgan.upscale(numpy.zeros((20, 20), numpy.uint8), "microscopy-x2", progress=False)
"""
SPANDREL = """
import sys, numpy, torch, napari_srgan
shapes = {"0.weight": (8, 3, 3, 3), "0.bias": (8,), "1.weight": (8,), "2.weight": (8, 8, 3, 3),
          "2.bias": (8,), "3.weight": (8,), "4.weight": (12, 8, 3, 3), "4.bias": (12,)}
torch.save({f"body.{name}": torch.randn(shape) for name, shape in shapes.items()}, sys.argv[1])
model = napari_srgan.load_model(sys.argv[1])
assert model.card.architecture == "spandrel"
napari_srgan.upscale(numpy.zeros((20, 20, 3), numpy.uint8), model, axes="YXS", progress=False)
"""


@pytest.mark.parametrize("code", [OWN, SPANDREL])
def test_triton_is_not_imported(code, tmp_path):
    """Its LLVM crashes a process that draws through Mesa's."""
    command = [sys.executable, "-c", code + IMPORTED, str(tmp_path / "compact.pth")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "False"], done.stderr
