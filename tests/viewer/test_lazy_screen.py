"""Lazy layers in a real window: something at once, the rest as it comes, nothing that nobody looks at."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import dask.array
import numpy as np
import pytest
from napari.layers import Image
from napari.settings import get_settings
from napari.utils.notifications import notification_manager
from tests.conftest import make_tiny_model

from napari_srgan.errors import UserError
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.progress_bar import progress_bar, run_job
from napari_srgan.viewer.lazy import refresh as lazy_screen
from napari_srgan.viewer.lazy.lazy_layer import lazy_layer
from napari_srgan.viewer.lazy.tile_worker import TILE_THREAD
from napari_srgan.viewer.qt.labels import camera_of
from upscalings import array_job, options_in

CELLS = np.random.default_rng(0).integers(100, 4000, (512, 512), dtype=np.uint16)
MODEL = make_tiny_model()
with progress_bar(wanted=False) as bar:
    REAL = run_job(array_job(CELLS, MODEL, device="cpu", precision="float32", tile=64), bar).data
ENLARGED = CELLS.repeat(2, 0).repeat(2, 1)


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setattr(lazy_screen, "LOOK_EVERY", 20)


@pytest.fixture
def tiles(monkeypatch):
    """Holds tiles back until they are let through, and counts them."""
    return HeldTiles(monkeypatch)


@pytest.fixture
def open_viewer(make_napari_viewer):
    """Makes a window in which the original has as many pixels as the whole of it needs."""

    def open_it():
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(800, 600)
        return viewer

    return open_it


class HeldTiles:
    def __init__(self, monkeypatch):
        self.places, self.cancelled, self.forgotten = [], [], 0
        self.gate, self.error = threading.Semaphore(0), None
        compute, forget = LazyUpscaling.compute, LazyUpscaling.forget

        def held(lazy, place, watch=None):
            self.places.append(place)
            while not self.gate.acquire(timeout=0.01):
                if watch is not None and watch.cancelled:
                    self.cancelled.append(place)
                    break
            if self.error is not None:
                raise self.error
            compute(lazy, place, watch)

        def counted(lazy):
            self.forgotten += 1
            forget(lazy)

        monkeypatch.setattr(LazyUpscaling, "compute", held)
        monkeypatch.setattr(LazyUpscaling, "forget", counted)

    def let_through(self, count=1000):
        self.gate.release(count)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == TILE_THREAD]


def add(viewer, image=CELLS, **options):
    source = Image(image, contrast_limits=(0, 4000))
    exact, others = options_in({"device": "cpu", "precision": "float32", "tile": 64} | options)
    layer = lazy_layer(source, MODEL, exact, **others)
    viewer.add_layer(layer)
    return layer


def zoom_to(viewer, qtbot, layer, y, x, times=12):
    """Look at a place of the layer closely."""
    camera = camera_of(viewer)
    camera.center = (0, *layer.data_to_world([*[0] * (layer.ndim - 2), y, x])[-2:])
    camera.zoom = times

    def there():
        rows, columns = in_view(layer)
        inside = rows.start <= y < rows.stop and columns.start <= x < columns.stop
        return layer.data_level == 0 and inside and rows.stop - rows.start < 1024

    qtbot.waitUntil(there, timeout=5000)


def in_view(layer):
    (top, left), (bottom, right) = layer.corner_pixels[:, -2:]
    return slice(top, bottom + 1), slice(left, right + 1)


def shown(layer):
    return np.asarray(layer._slice.image.raw)


def shows(layer, whole):
    """Whether the screen shows this part of a whole plane."""
    return np.array_equal(shown(layer), whole[in_view(layer)])


def test_enlarged_original_is_shown_until_tiles_come(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    assert not tiles.places
    zoom_to(viewer, qtbot, layer, 300, 300)
    assert shows(layer, ENLARGED)
    tiles.let_through()
    qtbot.waitUntil(lambda: shows(layer, REAL), timeout=20_000)
    qtbot.waitUntil(lambda: not threads())
    assert len(tiles.places) == len(set(tiles.places)) < 64


@pytest.mark.parametrize("rotate", [0, 30])
def test_levels_lie_on_the_original_on_the_screen(open_viewer, qtbot, tiles, rotate):
    viewer = open_viewer()
    step = np.where(np.arange(96) < 41, 200, 3000).astype(np.uint16) * np.ones((96, 1), np.uint16)
    source = viewer.add_image(step, contrast_limits=(0, 4000), scale=(3, 2), rotate=rotate)
    layer = viewer.add_layer(lazy_layer(source, MODEL, UpscaleOptions(device="cpu")))
    layer.visible = False
    qtbot.wait(100)
    original = viewer.screenshot(flash=False)
    assert len(np.unique(original)) > 2
    source.visible, layer.visible = False, True
    for level in (0, 1):
        layer.locked_data_level = level
        np.testing.assert_array_equal(viewer.screenshot(flash=False), original)
    tiles.let_through()


def test_tiles_are_shown_one_by_one_from_the_middle(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 512, 512, times=4)
    tiles.let_through(1)
    qtbot.waitUntil(lambda: not shows(layer, ENLARGED), timeout=5000)
    different = np.argwhere(shown(layer) != ENLARGED[in_view(layer)])
    assert np.ptp(different, axis=0).max() < 128
    middle = np.array(shown(layer).shape) / 2
    assert np.abs(different.mean(axis=0) - middle).max() < 128
    tiles.let_through()


def test_place_that_is_zoomed_in_on_comes_first(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    viewer.window.resize(1500, 950)  # all of it is in view at its finest level
    layer = add(viewer)
    qtbot.waitUntil(lambda: len(tiles.places) == 1)
    assert layer.data_level == 0
    camera = camera_of(viewer)
    camera.center, camera.zoom = (0, 480, 40), 20
    qtbot.wait(50)
    tiles.let_through(1)
    qtbot.waitUntil(lambda: len(tiles.places) == 2)
    assert (tiles.places[1].row, tiles.places[1].column) == (7, 0)
    tiles.let_through()


def test_what_is_not_looked_at_any_more_is_dropped(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 100, 100)
    qtbot.waitUntil(lambda: len(tiles.places) == 1)
    zoom_to(viewer, qtbot, layer, 900, 900)
    qtbot.waitUntil(lambda: len(tiles.places) == 2)
    assert tiles.cancelled == tiles.places[:1]
    assert (tiles.places[1].row, tiles.places[1].column) > (5, 5)
    viewer.reset_view()
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert len(tiles.cancelled) == 2


def test_hidden_layer_computes_nothing(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    layer.visible = False
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    tiles.let_through()
    layer.visible = True
    qtbot.waitUntil(lambda: shows(layer, REAL), timeout=20_000)


def test_window_lives_while_tiles_are_computed(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    began = time.monotonic()
    zoom_to(viewer, qtbot, layer, 300, 300)
    for _ in range(5):
        qtbot.wait(10)
    assert time.monotonic() - began < 5
    assert threads()  # held all the while
    tiles.let_through()


def test_removed_layer_gives_its_memory_back(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert tiles.forgotten == 1
    tiles.let_through()
    viewer.add_layer(layer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    qtbot.waitUntil(lambda: shows(layer, REAL), timeout=20_000)


def test_other_layers_may_go(make_napari_viewer, qtbot, tiles):
    viewer = make_napari_viewer()
    other = viewer.add_image(CELLS)
    layer = add(viewer)
    layer.locked_data_level = 0
    viewer.layers.remove(other)
    assert threads()
    assert not tiles.forgotten
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert tiles.forgotten == 1


def test_closing_the_window_stops_the_thread(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    viewer.close()
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    assert tiles.forgotten


def test_layer_without_a_viewer_can_be_collected():
    layer = lazy_layer(Image(CELLS), MODEL, UpscaleOptions(device="cpu"))
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None


def test_one_notification_and_no_second_try(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    tiles.error = UserError("the store is gone")
    tiles.let_through()
    notification_manager.records.clear()
    zoom_to(viewer, qtbot, layer, 300, 300)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    qtbot.waitUntil(lambda: len(notification_manager.records) > 0)
    qtbot.wait(100)
    layer.refresh()
    qtbot.wait(100)
    assert len(tiles.places) == len(set(tiles.places)) > 1
    (told,) = notification_manager.records
    assert "The store is gone" in told.message
    assert shows(layer, ENLARGED)


def test_failed_tiles_are_tried_again_when_the_layer_is_hidden_and_shown(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    tiles.error = UserError("the store is gone")
    tiles.let_through()
    zoom_to(viewer, qtbot, layer, 300, 300)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    tiles.error = None
    layer.visible = False
    layer.visible = True
    qtbot.waitUntil(lambda: shows(layer, REAL), timeout=20_000)


def test_input_that_cannot_be_read_is_told_once(open_viewer, qtbot):
    def broken(block, block_info=None):
        if block_info and broken_now:
            raise OSError("chunk 3.4 does not decode")
        return block

    broken_now = []
    image = dask.array.from_array(CELLS, chunks=(64, 64)).map_blocks(
        broken, dtype=CELLS.dtype, meta=np.empty((0, 0), CELLS.dtype)
    )
    viewer = open_viewer()
    layer = add(viewer, image)
    notification_manager.records.clear()
    broken_now.append(True)
    zoom_to(viewer, qtbot, layer, 300, 300)
    qtbot.waitUntil(lambda: not threads(), timeout=5000)
    qtbot.wait(200)
    told = [record.message for record in notification_manager.records]
    assert sum("chunk 3.4 does not decode" in message.lower() for message in told) == 1


def test_other_data_are_shown_as_they_are(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    layer = add(viewer)
    layer.data = [ENLARGED + 1, CELLS + 1]
    assert tiles.forgotten == 1
    zoom_to(viewer, qtbot, layer, 300, 300)
    assert shows(layer, ENLARGED + 1)
    assert not threads()


def test_movie_and_volume(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    stack = np.stack([CELLS // 2, CELLS // 3, CELLS])
    layer = add(viewer, stack, axes="ZYX")
    viewer.dims.set_point(0, 2)
    zoom_to(viewer, qtbot, layer, 300, 300)
    assert shows(layer, ENLARGED)
    tiles.let_through()
    qtbot.waitUntil(lambda: not threads(), timeout=20_000)
    qtbot.waitUntil(lambda: shows(layer, np.asarray(layer.data[0][2])), timeout=5000)
    assert {place.index for place in tiles.places} == {(2,)}
    viewer.dims.ndisplay = 3
    np.testing.assert_array_equal(shown(layer), stack)


def test_in_3d_there_is_no_border_between_what_is_there_and_what_is_not(open_viewer, qtbot, tiles):
    viewer = open_viewer()
    stack = np.stack([CELLS[:128, :128], CELLS[128:256, :128]])
    layer = add(viewer, stack, axes="ZYX")
    zoom_to(viewer, qtbot, layer, 100, 100)
    tiles.let_through(1)
    qtbot.waitUntil(lambda: len(tiles.places) > 1, timeout=5000)
    layer.locked_data_level = 0
    viewer.dims.ndisplay = 3
    enlarged = stack.repeat(2, 1).repeat(2, 2)
    qtbot.waitUntil(lambda: np.array_equal(shown(layer), enlarged), timeout=5000)
    tiles.let_through()
    qtbot.waitUntil(lambda: not threads(), timeout=20_000)
    real = np.asarray(layer.data[0])
    assert not np.array_equal(real, enlarged)
    qtbot.waitUntil(lambda: np.array_equal(shown(layer), real), timeout=5000)


def test_where_napari_slices_asynchronously(open_viewer, qtbot, tiles, monkeypatch):
    monkeypatch.setattr(get_settings().experimental, "async_", True)
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    tiles.let_through()
    qtbot.waitUntil(lambda: shows(layer, REAL), timeout=20_000)


def test_where_napari_has_no_such_inside(open_viewer, qtbot, monkeypatch):
    from napari_srgan.viewer.lazy import napari_internals as napari_slices

    monkeypatch.setattr(napari_slices, "_MAKE", "_made_otherwise")
    viewer = open_viewer()
    layer = add(viewer)
    zoom_to(viewer, qtbot, layer, 300, 300)
    assert shows(layer, REAL)
