"""The button that writes a result in memory into a file."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan.images.formats import open_image
from napari_srgan.results.existing_result import provenance_of
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.layers.reopen import reopened_layer
from napari_srgan.viewer.qt import dialogs

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (40, 32), dtype=np.uint16)
STACK = RANDOM.integers(100, 4000, (3, 2, 40, 32), dtype=np.uint16)
UM = ("um", "um")


@pytest.fixture
def answers(monkeypatch):
    """Answers to the questions where to write, and whether to replace what is there."""
    given = {"asked": [], "path": None, "replace": True}

    def where(_parent, suggested):
        given["asked"].append(suggested)
        return given["path"]

    monkeypatch.setattr(dialogs, "ask_where_to_write", where)
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda parent, path: given["replace"])
    return given


@pytest.fixture
def save(finish):
    """Clicks the button, waits, and returns what the widget says in the end."""

    def save_it(viewer, widget):
        widget["save"].native.click()
        finish(viewer)
        return widget["status"].value

    return save_it


def is_offered(widget):
    return widget["save"].native.isVisibleTo(widget.native)


def test_saved_as_ome_tiff_with_all_that_is_known(open_widget, run, save, answers, tmp_path):
    file = tmp_path / "cells.ome.tif"
    tifffile.imwrite(file, STACK, metadata={"axes": "ZCYX", "Channel": {"Name": ["actin", "mito"]}})
    viewer, widget = open_widget()
    viewer.open(file, plugin="napari")
    (source,) = viewer.layers
    source.axis_labels, source.scale = "zcyx", (0.5, 1, 0.13, 0.13)
    source.units = ("um", "pixel", "um", "um")
    assert not is_offered(widget)
    run(viewer, widget)
    assert is_offered(widget)
    answers["path"] = path = tmp_path / "mine.ome.tif"
    assert save(viewer, widget) == f"Saved mine.ome.tif in {tmp_path}."
    assert answers["asked"] == [tmp_path / "cells_x2.ome.tif"]

    result = viewer.layers[-1]
    with open_image(path) as stored:
        assert stored.axes == "ZCYX"
        assert [spacing.size for spacing in stored.spacings] == pytest.approx([0.5, 1, 0.065, 0.065])
        assert [spacing.unit for spacing in stored.spacings][2:] == ["micrometer"] * 2
        assert [channel.name for channel in stored.look.channels] == ["actin", "mito"]
        np.testing.assert_array_equal(stored.data[...], result.data)
    with tifffile.TiffFile(path) as tiff:
        assert "microscopy-x2" in tiff.ome_metadata


def test_saved_is_what_would_have_been_written(open_widget, run, save, answers, tmp_path):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells", scale=(0.13, 0.13), translate=(5, 6), units=UM)
    run(viewer, widget)
    kinds = (".ome.tif", ".tif", ".ome.zarr")
    for kind in kinds:
        answers["path"] = tmp_path / f"saved{kind}"
        assert save(viewer, widget).startswith("Saved")
    widget["result"].value = "disk"
    for kind in kinds:
        widget["target"]["file"].value = str(tmp_path / f"written{kind}")
        run(viewer, widget)
        with (
            open_image(tmp_path / f"saved{kind}") as saved,
            open_image(tmp_path / f"written{kind}") as written,
        ):
            np.testing.assert_array_equal(saved.data[...], written.data[...])
            assert (saved.axes, saved.spacings, saved.look) == (written.axes, written.spacings, written.look)
    saved, written = (provenance_of(tmp_path / f"{name}.ome.zarr") for name in ("saved", "written"))
    assert saved.keys() == written.keys()
    assert len(list(zarr.open_group(tmp_path / "saved.ome.zarr").array_keys())) > 0


def test_saved_zarr_opens_again_in_its_place(open_widget, run, save, answers, tmp_path):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells", scale=(2, 2), translate=(5, 6), units=UM, colormap="magma")
    run(viewer, widget)
    result = viewer.layers[-1]
    answers["path"] = tmp_path / "cells.ome.zarr"
    save(viewer, widget)
    again = reopened_layer(tmp_path / "cells.ome.zarr")
    np.testing.assert_allclose(again.data_to_world((7, 9)), result.data_to_world((7, 9)))
    np.testing.assert_allclose(again.contrast_limits, result.contrast_limits)
    assert again.metadata["napari-srgan"]["model"] == "microscopy-x2"


def test_selected_result_is_saved_and_only_what_is_in_memory(open_widget, run, save, answers, tmp_path):
    viewer, widget = open_widget()
    one, two = (viewer.add_image(CELLS + at, name=name) for at, name in enumerate(("one", "two")))
    for image in (one, two):
        widget["image"].value = image
        run(viewer, widget)
    viewer.layers.selection.active = viewer.layers["one x2 (microscopy-x2)"]
    answers["path"] = tmp_path / "a.ome.tif"
    save(viewer, widget)
    np.testing.assert_array_equal(tifffile.imread(answers["path"]), viewer.layers.selection.active.data)
    assert answers["asked"][-1].name == "one_x2.ome.tif"
    for name in ("one", "two"):
        viewer.layers.remove(f"{name} x2 (microscopy-x2)")
    assert not is_offered(widget)
    widget["result"].value = "lazy"
    run(viewer, widget)
    assert not is_offered(widget)


def test_nothing_is_replaced_unasked_and_never_the_image(open_widget, run, save, answers, tmp_path):
    file = tmp_path / "cells.tif"
    tifffile.imwrite(file, CELLS)
    viewer, widget = open_widget()
    viewer.open(file, plugin="napari")
    run(viewer, widget)
    answers["path"] = other = tmp_path / "other.ome.tif"
    other.write_bytes(b"mine")
    answers["replace"] = False
    save(viewer, widget)
    assert other.read_bytes() == b"mine"
    answers["replace"] = True
    assert save(viewer, widget).startswith("Saved other.ome.tif")
    answers["path"] = file
    assert "is shown as the layer" in save(viewer, widget)
    del viewer.layers["cells"]
    assert "would overwrite the input" in save(viewer, widget)
    np.testing.assert_array_equal(tifffile.imread(file), CELLS)


def test_what_a_format_cannot_hold_is_told(open_widget, run, save, answers, tmp_path):
    viewer, widget = open_widget()
    viewer.add_image(CELLS.astype(np.int64), name="cells")
    run(viewer, widget)
    answers["path"] = tmp_path / "cells.ome.tif"
    assert "OME-TIFF cannot hold int64" in save(viewer, widget)
    assert answers["asked"][-1].name == "cells_x2.ome.zarr"
    assert list(tmp_path.glob("cells*")) == []
    assert runner_of(viewer).running is None
