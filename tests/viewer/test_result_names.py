"""What a result is called: the name that is written is the one that the field shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_srgan.viewer.qt.dialogs import RESULT_TYPES, type_of, with_type

CELLS = np.random.default_rng(0).integers(100, 4000, (40, 32), dtype=np.uint16)
ZARR, OME_TIFF, TIFF = RESULT_TYPES


@pytest.fixture
def disk_widget(open_widget, tmp_path):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["result"].value = "disk"
    return viewer, widget, tmp_path


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("cells_x2.ome.tif", "cells_x2.ome.tif"),
        ("cells_x2.TIF", "cells_x2.TIF"),
        ("cells_x2", "cells_x2.ome.zarr"),
        ("cells.ome", "cells.ome.zarr"),
        ("mouse.3", "mouse.3.ome.zarr"),
    ],
)
def test_field_shows_the_name_that_is_written(disk_widget, run, typed, written):
    viewer, widget, folder = disk_widget
    field = widget["target"]["file"]
    field.value = str(folder / typed)
    field.native.editingFinished.emit()
    assert field.value == str(folder / written)
    assert run(viewer, widget).startswith("Added")
    assert [path.name for path in folder.iterdir() if path.name.startswith(("cells", "mouse"))] == [written]


def test_run_completes_a_name_that_is_still_being_typed(disk_widget, run):
    viewer, widget, folder = disk_widget
    widget["target"]["file"].value = str(folder / "cells_x2")
    assert run(viewer, widget).startswith("Added")
    assert widget["target"]["file"].value == str(folder / "cells_x2.ome.zarr")


def test_napari_s_half_of_an_ending_is_not_in_the_name(open_widget, tmp_path):
    viewer, widget = open_widget()
    tifffile.imwrite(tmp_path / "cells.ome.tif", CELLS)
    viewer.open(tmp_path / "cells.ome.tif", plugin="napari")
    viewer.open(tmp_path / "cells.ome.tif", plugin="napari")
    widget["result"].value = "disk"
    assert viewer.layers[0].name == "cells.ome"
    assert widget["target"]["file"].value == str(tmp_path / "cells_x2.ome.zarr")
    widget["image"].value = viewer.layers[1]
    assert widget["target"]["file"].value == str(tmp_path / "cells [1]_x2.ome.zarr")


def test_a_format_that_is_not_written_is_told_before_a_run(disk_widget, run):
    viewer, widget, folder = disk_widget
    widget["target"]["file"].value = str(folder / "cells.lsm")
    assert ".lsm is read, not written" in widget["there"].value
    assert ".lsm is read, not written" in run(viewer, widget)


@pytest.mark.parametrize(
    ("name", "kind", "changed", "becomes"),
    [
        ("cells.ome.zarr", OME_TIFF, True, "cells.ome.tif"),  # a dialog that leaves the name as it was
        ("cells.ome.tif", ZARR, False, "cells.ome.tif"),  # typed, another type shown
        ("cells", OME_TIFF, True, "cells.ome.tif"),
        ("cells", ZARR, False, "cells.ome.zarr"),
        ("cells.ome.tiff", OME_TIFF, True, "cells.ome.tiff"),
        ("cells.tif", OME_TIFF, True, "cells.ome.tif"),
        ("cells.zarr", ZARR, True, "cells.zarr"),
        ("mouse.3", TIFF, True, "mouse.3.tif"),
    ],
)
def test_type_that_is_chosen_in_the_dialog(name, kind, changed, becomes):
    assert with_type(Path("/data") / name, kind, changed=changed) == Path("/data") / becomes


def test_a_name_has_a_type():
    assert [type_of(Path(name)) for name in ("a.OME.TIFF", "a.tif", "a.zarr", "a")] == [
        OME_TIFF,
        TIFF,
        ZARR,
        ZARR,
    ]
