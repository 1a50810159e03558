"""Movies that are no proper ones, and what can happen while one is upscaled: nothing is lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_srgan import upscale
from napari_srgan.models import delete_model
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.models.signal import LIBRARY
from timelapses import moving_spots

MOVIE = (100 + 10 * moving_spots(8, 40, 48)).astype(np.uint16)
LONG = np.random.default_rng(0).integers(0, 255, (3000, 48, 48), dtype=np.uint8)
NAME = "movie-x2"
ADDED = "Added 'movie x2 (movie-x2)'."


@pytest.fixture(autouse=True)
def movie_model(make_movie_model):
    return make_movie_model(NAME)


@pytest.fixture
def opened(open_widget):
    def open_it(data, **of):
        viewer, widget = open_widget()
        widget["image"].value = viewer.add_image(data, name="movie", **of)
        widget["models"]["model"].value = NAME
        return viewer, widget

    return open_it


def with_dark_frame():
    movie = MOVIE.copy()
    movie[4] = 0
    return movie


@pytest.mark.filterwarnings("ignore:the time axis has")  # said in scripts, too
@pytest.mark.parametrize(
    ("data", "axes"),
    [(MOVIE[:1], "TYX"), (MOVIE[:2], "TYX"), (with_dark_frame(), "TYX")],
    ids=["one frame", "two frames", "an empty frame"],
)
def test_odd_movies_are_upscaled(opened, run, movie_model, data, axes):
    viewer, widget = opened(data, axis_labels=("t", "y", "x"))
    assert run(viewer, widget).startswith(ADDED)
    expected = upscale(data, movie_model, axes=axes, progress=False)
    np.testing.assert_array_equal(viewer.layers[-1].data, expected)


def test_one_frame_is_said_to_be_one(opened, run):
    viewer, widget = opened(MOVIE[:1], axis_labels=("t", "y", "x"))
    assert run(viewer, widget) == (
        f"{ADDED} The time axis has 1 frame, and movie-x2 makes each from 5: the others are their mirror "
        "images, and help little."
    )


@pytest.mark.parametrize("way", ["memory", "lazy", "disk"])
def test_frames_that_are_in_no_order_are_said_to_be_so(opened, run, way, tmp_path):
    movie = (100 + 10 * moving_spots(24, 48, 48, drift=(1.5, 0))).astype(np.uint16)
    viewer, widget = opened(movie[np.random.default_rng(1).permutation(24)])
    widget["result"].value = way
    widget["target"]["file"].value = str(tmp_path / "movie.zarr")
    said = run(viewer, widget)
    assert said.startswith("Added 'movie x2 (movie-x2)")
    assert "Frames next to each other are no more alike than frames far apart" in said
    assert "sort them, or take a model for single images." in said


@pytest.mark.filterwarnings("ignore:the time axis has")
def test_five_axes(opened, run, movie_model):
    data = MOVIE[:3, None, None].repeat(2, 1).repeat(2, 2)
    data[:, 1] //= 3
    labels = ("t", "c", "z", "y", "x")
    viewer, widget = opened(data, axis_labels=labels, scale=(30, 1, 2, 0.5, 0.5))
    assert widget["time_axis"].value == 0
    assert run(viewer, widget).startswith(ADDED)
    result = viewer.layers[-1]
    expected = upscale(data, movie_model, axes="TCZYX", progress=False)
    np.testing.assert_array_equal(result.data, expected)
    assert tuple(result.axis_labels) == labels
    assert result.scale.tolist() == [30, 1, 2, 0.25, 0.25]


def test_rgb_movie(opened, run, movie_model):
    data = np.stack([MOVIE // 16, MOVIE // 20, MOVIE // 24], -1).astype(np.uint8)
    viewer, widget = opened(data, rgb=True)
    assert run(viewer, widget).startswith(ADDED)
    assert viewer.layers[-1].rgb
    expected = upscale(data, movie_model, axes="TYXS", progress=False)
    np.testing.assert_array_equal(viewer.layers[-1].data, expected)


def test_model_that_is_gone(opened, run, library_folder):
    viewer, widget = opened(MOVIE)
    (library_folder / f"{NAME}.safetensors").unlink()
    assert "there is no model 'movie-x2'" in run(viewer, widget).lower()
    assert len(viewer.layers) == 1


def test_model_that_is_deleted_gives_its_place_to_the_default(opened, run):
    viewer, widget = opened(MOVIE)
    delete_model(NAME)
    LIBRARY.tell()
    assert widget["models"]["model"].value == "microscopy-x2"
    assert not widget["time_axis"].native.isVisibleTo(widget.native)
    assert run(viewer, widget) == "Added 'movie x2 (microscopy-x2)'."


@pytest.fixture
def under_way(opened, qtbot):
    """A run of a long movie that has begun."""

    def begin():
        viewer, widget = opened(LONG, contrast_limits=(0, 255))
        widget["buttons"]["run"].native.click()
        qtbot.waitUntil(lambda: widget["progress"].value > 0, timeout=30_000)
        return viewer, widget

    return begin


def job_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("napari-srgan")]


def test_cancelled_half_way(under_way, qtbot, run):
    viewer, widget = under_way()
    widget["buttons"]["cancel"].native.click()
    qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=5000)
    assert widget["status"].value == "Cancelled."
    assert [layer.name for layer in viewer.layers] == ["movie"]
    widget["image"].value = viewer.add_image(MOVIE, name="other")
    assert run(viewer, widget).startswith("Added 'other x2 (movie-x2)'.")


def test_window_closed_during_the_run(under_way, qtbot, capfd):
    viewer, _ = under_way()
    viewer.close()
    qtbot.waitUntil(lambda: not job_threads(), timeout=5000)
    qtbot.wait(100)
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err


def test_layer_removed_during_the_run(opened, finish, qtbot):
    viewer, widget = opened(LONG[:300], contrast_limits=(0, 255))
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: widget["progress"].value > 0, timeout=30_000)
    viewer.layers.clear()
    finish(viewer)
    assert [layer.name for layer in viewer.layers] == ["movie x2 (movie-x2)"]
    assert widget["status"].value.startswith(ADDED)


def test_cancelled_on_disk_goes_on(opened, finish, qtbot, run, tmp_path, movie_model):
    viewer, widget = opened(MOVIE.repeat(20, 0), axis_labels=("t", "y", "x"))
    widget["result"].value = "disk"
    widget["target"]["file"].value = str(tmp_path / "movie.ome.zarr")
    widget["buttons"]["run"].native.click()
    qtbot.waitUntil(lambda: widget["progress"].value > 10, timeout=30_000)
    widget["buttons"]["cancel"].native.click()
    finish(viewer)
    assert widget["status"].value == "Cancelled; what is done is kept."
    assert "are done already: Run goes on there" in widget["there"].value
    assert run(viewer, widget).startswith(ADDED)
    expected = upscale(MOVIE.repeat(20, 0), movie_model, axes="TYX", progress=False)
    np.testing.assert_array_equal(np.asarray(viewer.layers[-1].data), expected)
