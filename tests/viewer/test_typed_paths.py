"""Fields for paths, while somebody types: what stands there is no path yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_srgan.errors import UserError
from napari_srgan.viewer.typed_path import typed_file

CELLS = np.zeros((40, 32), np.uint16)
UNKNOWN_USER = "~there-is-nobody-of-that-name/a.ome.zarr"
LONG = "/" + "a" * 5000
TYPED = [
    "/tmp/cells_x2.ome.zarr",
    "~/cells",
    UNKNOWN_USER,
    "C:\\cells",
    LONG,
    "//",
    "..",
    "/dev/null/a.ome.zarr",
]


def letter_by_letter(field, text):
    """Replace what stands in a field as a person does; an error of a slot fails the test."""
    native = field.native
    native.selectAll()
    for end in range(1, min(len(text), 60) + 1):
        native.setText(text[:end])
    native.setText(text)
    native.editingFinished.emit()


@pytest.mark.parametrize("text", TYPED)
def test_nothing_that_is_typed_into_upscale_is_an_error(open_widget, text):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["result"].value = "disk"
    letter_by_letter(widget["target"]["file"], text)


@pytest.mark.parametrize("text", TYPED)
def test_nothing_that_is_typed_into_upscale_files_is_an_error(make_napari_viewer, text):
    viewer = make_napari_viewer()
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale files")
    letter_by_letter(widget.settings["target"]["folder"], text)


@pytest.mark.parametrize("text", ["/", "~/", "/tmp/"])
def test_a_folder_is_no_file(text):
    with pytest.raises(UserError, match=r"is a folder; type the name of a file behind it"):
        typed_file(text)


def test_a_home_that_is_nobodys_is_told():
    with pytest.raises(UserError, match="the home of a user that does not exist"):
        typed_file(UNKNOWN_USER)


def test_a_home_is_understood():
    assert typed_file(" ~/a.ome.tif ") == Path.home() / "a.ome.tif"
