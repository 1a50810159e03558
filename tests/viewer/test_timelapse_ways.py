"""Movies through the Upscale widget, in all its ways; results lie on the original."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_srgan import upscale
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.viewer.layers.reopen import reopened_layer
from napari_srgan.viewer.lazy.tile_worker import TILE_THREAD
from timelapses import moving_spots

MOVIE = (100 + 10 * moving_spots(8, 40, 48)).astype(np.uint16)
NAME = "movie-x2"
PLACED = {
    "name": "cells", "axis_labels": ("t", "y", "x"), "units": ("min", "um", "um"), "scale": (5, 0.5, 0.5),
    "translate": (10, 3, 4),
}  # fmt: skip


@pytest.fixture(autouse=True)
def movie_model(make_movie_model):
    return make_movie_model(NAME)


@pytest.fixture
def expected(movie_model):
    return upscale(MOVIE, movie_model, axes="TYX", progress=False)


@pytest.fixture
def opened(open_widget):
    def open_it(data=MOVIE, model=NAME, viewer=None, **of):
        viewer, widget = open_widget(viewer)
        layer = viewer.add_image(data, **PLACED | of)
        widget["image"].value = layer
        widget["models"]["model"].value = model
        return viewer, widget, layer

    return open_it


def lies_on(result, source, factor=2):
    """Every pixel's centre is where it was, in time too."""
    shift = (factor - 1) / 2
    for frame in (0, 5):
        here = result.data_to_world((frame, shift, shift))
        np.testing.assert_allclose(here, source.data_to_world((frame, 0, 0)))
    assert tuple(result.axis_labels) == tuple(source.axis_labels)
    assert [str(unit) for unit in result.units] == [str(unit) for unit in source.units]
    return True


def test_in_memory(opened, run, expected):
    viewer, widget, source = opened()
    assert run(viewer, widget).startswith("Added 'cells x2 (movie-x2)'.")
    result = viewer.layers[-1]
    np.testing.assert_array_equal(result.data, expected)
    assert lies_on(result, source)
    assert result.scale.tolist() == [5, 0.25, 0.25]
    assert result.metadata["napari-srgan"]["axes"] == "TYX"


def test_of_a_region(opened, run, expected):
    viewer, widget, source = opened()
    corners = [[10, *source.data_to_world((0, *at))[1:]] for at in ((4, 6), (4, 25), (23, 25), (23, 6))]
    widget["region"].value = viewer.add_shapes([corners], name="roi")
    run(viewer, widget)
    result = viewer.layers[-1]
    (y0, y1), (x0, x1) = result.metadata["napari-srgan"]["region"]
    np.testing.assert_array_equal(result.data, expected[:, 2 * y0 : 2 * y1, 2 * x0 : 2 * x1])
    np.testing.assert_allclose(result.data_to_world((0, 0.5, 0.5)), source.data_to_world((0, y0, x0)))


def test_on_disk(opened, run, expected, tmp_path):
    viewer, widget, source = opened()
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(tmp_path / "cells.ome.zarr")
    run(viewer, widget)
    result = viewer.layers[-1]
    np.testing.assert_array_equal(np.asarray(result.data), expected)
    assert lies_on(result, source)
    again = reopened_layer(tmp_path / "cells.ome.zarr")
    assert lies_on(again, source)


def test_depth_that_is_treated_as_time_has_no_micrometres_in_the_file(opened, run, tmp_path):
    labels = {"axis_labels": ("z", "y", "x"), "units": ("um", "um", "um")}
    viewer, widget, source = opened(**labels)
    widget["time_axis"].value = 0
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(tmp_path / "cells.ome.zarr")
    run(viewer, widget)
    assert lies_on(viewer.layers[-1], source)  # the layer is the stack that it was
    again = reopened_layer(tmp_path / "cells.ome.zarr")
    assert (again.axis_labels[0], str(again.units[0]), again.scale[0]) == ("t", "pixel", 5)


@pytest.fixture
def computed(monkeypatch):
    """Places of the tiles that are computed."""
    places = []
    compute = LazyUpscaling.compute

    def counted(lazy, place, watch=None):
        places.append(place)
        compute(lazy, place, watch)

    monkeypatch.setattr(LazyUpscaling, "compute", counted)
    return places


def test_lazily_the_clips_that_are_looked_at(opened, run, expected, make_napari_viewer, qtbot, computed):
    viewer, widget, source = opened(viewer=make_napari_viewer(show=True))
    viewer.window.resize(900, 700)
    viewer.dims.set_current_step(0, 0)
    widget["result"].value = "lazy"
    run(viewer, widget)
    layer = viewer.layers[-1]
    assert lies_on(layer, source)
    layer.locked_data_level = 0

    def look_at(frame):
        viewer.dims.set_current_step(0, frame)
        rows, columns = (slice(low, high + 1) for low, high in layer.corner_pixels[:, -2:].T)
        qtbot.waitUntil(
            lambda: np.array_equal(layer._slice.image.raw, expected[frame, rows, columns]), timeout=30_000
        )
        qtbot.waitUntil(lambda: TILE_THREAD not in [thread.name for thread in threading.enumerate()])
        return sorted({place.index for place in computed})

    assert look_at(0) == [(0,)]
    assert look_at(2) == [(0,)]  # of the same clip, and so there at once
    assert look_at(7) == [(0,), (6,)]
    np.testing.assert_array_equal(layer.data[0][4].compute(), expected[4])


@pytest.mark.parametrize("way", ["memory", "lazy", "disk"])
def test_drift_of_the_stage_is_corrected_on_request(opened, run, movie_model, way, tmp_path):
    drifting = (100 + 10 * moving_spots(6, 48, 48, drift=(4, 0))).astype(np.uint16)
    viewer, widget, source = opened(drifting)
    widget["result"].value = way
    widget["target"]["file"].value = str(tmp_path / "cells.ome.zarr")
    widget["drift"].value = True
    run(viewer, widget)
    result = viewer.layers[-1]
    assert result.metadata["napari-srgan"]["align"] == "drift"
    corrected = upscale(drifting, movie_model, axes="TYX", align="drift", progress=False)
    assert not np.array_equal(corrected, upscale(drifting, movie_model, axes="TYX", progress=False))
    np.testing.assert_array_equal(np.asarray(result.data[0] if way == "lazy" else result.data), corrected)
    assert lies_on(result, source)
    if way == "disk":
        assert widget["there"].value == "cells.ome.zarr is finished already: Run opens it"
        widget["drift"].value = False
        assert "made otherwise (align: 'drift', now None)" in widget["there"].value


def test_drift_is_asked_for_models_for_time_lapses_only(opened, run):
    viewer, widget, _ = opened()
    assert widget["drift"].native.isVisibleTo(widget.native)
    widget["drift"].value = True
    widget["models"]["model"].value = "microscopy-x2"
    assert not widget["drift"].native.isVisibleTo(widget.native)
    assert run(viewer, widget).startswith("Added 'cells x2 (microscopy-x2)'.")
