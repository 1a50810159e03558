"""The Upscale widget's "on disk"."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
import zarr

from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.models import save_model
from napari_srgan.results.existing_result import ExistingKind, look_for_result
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.layers.reopen import reopened_layer
from napari_srgan.viewer.qt import dialogs

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (40, 32), dtype=np.uint16)
STACK = RANDOM.integers(100, 4000, (12, 40, 32), dtype=np.uint16)


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    return folder / "cells.ome.zarr"


@pytest.fixture
def on_disk(open_widget, target):
    """A widget that is to write an image to disk."""

    def open_it(image=CELLS, **of):
        viewer, widget = open_widget()
        source = viewer.add_image(image, **{"name": "cells"} | of)
        widget["result"].value = "disk"
        widget["target"]["file"].value = str(target)
        widget["tile"].value = 64
        return viewer, widget, source

    return open_it


@pytest.fixture
def slowly(monkeypatch):
    """Tiles take their time."""
    compute = LazyUpscaling.compute

    def wait(*given):
        time.sleep(0.1)
        compute(*given)

    monkeypatch.setattr(LazyUpscaling, "compute", wait)


def told(widget):
    return widget["there"].value if widget["there"].native.isVisibleTo(widget.native) else ""


def wait_for_progress(viewer, qtbot):
    seen = []
    runner_of(viewer).progressed.connect(lambda progress, _: seen.append(progress.fraction))
    qtbot.waitUntil(lambda: any(seen), timeout=30_000)


def stop_half_way(viewer, widget, qtbot):
    """Run until some of the stack is done, then cancel."""
    widget["buttons"]["run"].native.click()
    wait_for_progress(viewer, qtbot)
    widget["buttons"]["cancel"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=5000)


def test_result_is_a_layer_on_the_image_that_reads_from_disk(on_disk, run, target):
    viewer, widget, source = on_disk(scale=(2, 2), translate=(5, 6), colormap="magma")
    box = viewer.add_shapes([[[20, 20], [20, 30], [40, 30], [40, 20]]], name="roi")
    widget["region"].value = box
    assert run(viewer, widget) == "Added 'cells x2 (microscopy-x2)'."
    layer = viewer.layers["cells x2 (microscopy-x2)"]
    made = layer.metadata["napari-srgan"]
    assert made["file"] == str(target)
    np.testing.assert_allclose(
        layer.data_to_world((0.5, 0.5)), source.data_to_world([start for start, _ in made["region"]])
    )
    assert layer.colormap.name == "magma"
    np.testing.assert_array_equal(layer.data, zarr.open(target)["0"])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("read", "write"))]
    again = reopened_layer(target)
    np.testing.assert_allclose(again.data_to_world((7, 9)), layer.data_to_world((7, 9)))


def test_file_is_suggested_beside_the_image(open_widget, tmp_path, target):
    viewer, widget = open_widget()
    zarr.create_array(tmp_path / "scan.zarr", data=CELLS)
    viewer.open(tmp_path / "scan.zarr", plugin="napari")
    widget["result"].value = "disk"
    file = widget["target"]["file"]
    assert file.value == str(tmp_path / "scan_x2.ome.zarr")
    viewer.add_image(np.zeros((40, 40, 3), np.uint8), name="a/b.tif", rgb=True)
    widget["image"].value = viewer.layers["a/b.tif"]
    assert file.value.endswith("a b_x4.ome.zarr")
    file.value = str(target)
    widget["image"].value = viewer.layers["scan"]
    assert file.value == str(target)  # what somebody chose stays


def test_result_never_takes_the_place_of_its_input(open_widget, run, tmp_path):
    viewer, widget = open_widget()
    zarr.create_array(tmp_path / "scan.zarr", data=CELLS)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "scan.zarr", target_is_directory=True)
    viewer.open(tmp_path / "scan.zarr", plugin="napari")
    widget["result"].value = "disk"
    for name in ("scan.zarr", "scan.zarr/x2.zarr", "link.zarr/x2.zarr"):
        widget["target"]["file"].value = str(tmp_path / name)
        assert "would overwrite the input" in run(viewer, widget)
    widget["target"]["file"].value = str(tmp_path / "link.zarr")
    widget["replace"].value = True
    assert "is shown as the layer 'scan'" in run(viewer, widget)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "scan.zarr", mode="r")[:], CELLS)


@pytest.mark.usefixtures("slowly")
def test_stopped_run_goes_on_and_says_so_before(on_disk, run, qtbot, target):
    viewer, widget, _ = on_disk(STACK, axis_labels=("z", "y", "x"))
    assert told(widget) == ""
    stop_half_way(viewer, widget, qtbot)
    assert widget["status"].value == "Cancelled; what is done is kept."
    assert look_for_result(target).kind is ExistingKind.UNFINISHED
    assert "% of cells.ome.zarr are done already: Run goes on there" in told(widget)
    assert run(viewer, widget).startswith("Added")
    assert "finished already: Run opens it" in told(widget)
    assert run(viewer, widget).startswith("Added")
    assert len(viewer.layers) == 3


@pytest.mark.usefixtures("slowly")
def test_another_model_needs_leave_to_overwrite(on_disk, run, qtbot, library_folder, tiny_model):
    save_model(tiny_model(name="mine"), library_folder / "mine.safetensors")
    viewer, widget, _ = on_disk(STACK, axis_labels=("z", "y", "x"))
    stop_half_way(viewer, widget, qtbot)
    widget.reset_choices()
    widget["models"]["model"].value = "mine"
    assert "model: 'microscopy-x2', now 'mine'" in told(widget)
    assert "begun otherwise" in run(viewer, widget)
    widget["replace"].value = True
    assert run(viewer, widget).startswith("Added")
    assert not widget["replace"].value
    assert told(widget) == "cells.ome.zarr is finished already: Run opens it"


@pytest.mark.usefixtures("slowly")
def test_stopped_while_it_was_to_replace_an_older_one(on_disk, run, qtbot):
    viewer, widget, _ = on_disk(STACK, axis_labels=("z", "y", "x"))
    run(viewer, widget)
    viewer.layers.pop()
    before = told(widget)
    widget["self_ensemble"].value = True
    widget["replace"].value = True
    stop_half_way(viewer, widget, qtbot)
    assert "are done already, and there is an older one" in told(widget)
    widget["self_ensemble"].value = False
    assert "made otherwise (self_ensemble: True, now False)" in told(widget)
    widget["self_ensemble"].value = True
    widget["replace"].value = True
    assert run(viewer, widget).startswith("Added")
    assert told(widget) == before


def test_what_is_shown_or_foreign_is_not_replaced(on_disk, run, target):
    viewer, widget, _ = on_disk()
    run(viewer, widget)
    widget["replace"].value = True
    assert "is shown as the layer 'cells x2 (microscopy-x2)'" in run(viewer, widget)
    other = target.with_name("notes.zarr")
    other.write_text("mine")
    widget["target"]["file"].value = str(other)
    assert "is no image in zarr" in told(widget)
    assert not widget["replace"].native.isVisibleTo(widget.native)
    run(viewer, widget)
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "words"), [("", "No file is chosen"), ("cells.zarr", "does not say in which folder")]
)
def test_names_that_cannot_be_used(on_disk, run, name, words):
    viewer, widget, _ = on_disk()
    widget["target"]["file"].value = name
    assert words in run(viewer, widget)


def test_result_larger_than_memory_is_offered_in_other_ways(on_disk, run, finish, monkeypatch, target):
    viewer, widget, _ = on_disk()
    widget["result"].value = "memory"
    memory = psutil.virtual_memory()
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=1000))
        said = run(viewer, widget)
    assert "memory are free; have it computed only where you look, or write it to a file" in said
    assert widget["offers"].native.isVisibleTo(widget.native)
    monkeypatch.setattr(dialogs, "ask_where_to_write", lambda parent, suggested: target.with_name("new"))
    widget["offers"]["to_disk"].native.click()
    finish(viewer)
    assert viewer.layers[-1].metadata["napari-srgan"]["file"] == str(target.with_name("new.ome.zarr"))
    assert not widget["offers"].native.isVisibleTo(widget.native)


def test_a_tile_size_alone_is_not_made_otherwise(on_disk, run):
    viewer, widget, _ = on_disk()
    run(viewer, widget)
    widget["tile"].value = 128
    assert told(widget).endswith("is finished already: Run opens it")
    assert run(viewer, widget).startswith("Added 'cells x2 (microscopy-x2)")


def test_a_blend_is_another_model(on_disk, run, library_folder, tiny_model):
    model = tiny_model(name="sharp-x2")
    card = model.card.model_copy(update={"partner": "microscopy-x2"})
    save_model(replace(model, card=card), library_folder / "sharp-x2.safetensors")
    viewer, widget, _ = on_disk()
    widget["models"]["model"].value = "microscopy-x2"
    run(viewer, widget)
    assert told(widget).endswith("is finished already: Run opens it")
    widget["sharpness"]["amount"].value = 50
    assert "model: 'microscopy-x2', now 'microscopy-x2+sharp-x2-0.50'" in told(widget)


def test_a_missing_folder_is_told_before_it_is_made(on_disk, target):
    _, widget, _ = on_disk()
    missing = target.parent / "new" / "folder"
    widget["target"]["file"].value = str(missing / "a.ome.zarr")
    assert told(widget) == f"There is no folder {missing}; Run makes it"
    assert not missing.exists()


@pytest.mark.usefixtures("slowly")
def test_folder_that_disappears(on_disk, finish, qtbot, target):
    viewer, widget, _ = on_disk(STACK, axis_labels=("z", "y", "x"))
    widget["buttons"]["run"].native.click()
    wait_for_progress(viewer, qtbot)
    target.parent.rename(target.parent.with_name("elsewhere"))
    finish(viewer)
    assert "has disappeared from" in widget["status"].value
    assert len(viewer.layers) == 1
    assert not target.parent.exists()


@pytest.mark.usefixtures("slowly")
def test_closing_the_window_keeps_what_is_done(on_disk, qtbot, target, capfd):
    viewer, widget, _ = on_disk(STACK, axis_labels=("z", "y", "x"))
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: look_for_result(target).share > 0, timeout=30_000)
    viewer.close()
    mine = ("napari-srgan", "read", "write")
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name.startswith(mine)], timeout=5000)
    assert 0 < look_for_result(target).share < 1
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err
