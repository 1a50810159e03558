"""The pictures of the widgets and the menu in docs/images.

Uses napari as a person does: opens a sample, presses the real Run button, looks before,
during and after. Shows the models that come with the package, and none of yours. The picture of
the slider needs a model that has a partner, that of a movie one for time-lapses. Needs a display
of at least 1280 x 800; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/screenshots.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import zarr
from PIL import Image
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QMenu
from skimage.io import imread

from napari_srgan.samples import sample_path
from napari_srgan.viewer.jobs.runner import runner_of, training_runner_of
from napari_srgan.viewer.qt.labels import grid_of

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1280, 800)
SLIDE = 2048
"""Pixels along Y and X of what is written to disk: the sample, mirrored again and again."""
WIDE = (1270, 620)
"""Pixels; wide enough for all columns of the table."""
MOVIE_MODEL = "timelapse-x2"
CLEAN_MODEL, FEW_PHOTONS = "photo-x4-rdn", 40
"""A model that was trained without noise, and where the noisy image is brightest."""
FRAMES, PHOTONS = 24, 20
"""Of the movie, and where it is brightest."""


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as nothing:
        os.environ["NAPARI_SRGAN_MODELS"] = nothing
        os.environ["NAPARI_SRGAN_CHOICES"] = str(Path(nothing) / "choices.json")
        _the_upscale_widget()
        _to_disk(Path(nothing) / "data")
        _files(Path(nothing) / "plate")
        _a_noisy_image()
        _fine_tune_for_this_noise()
        _the_slider()
        _the_trust_widget()
        _a_movie()
        _the_models_widget()


def _forget_choices() -> None:
    """What was chosen for one picture is not chosen for the next."""
    Path(os.environ["NAPARI_SRGAN_CHOICES"]).unlink(missing_ok=True)


def _open(sample: str, widget: str) -> tuple[Any, Any, Any]:
    """A viewer, the dock of one of the plugin's widgets, and the widget; nothing was chosen before."""
    _forget_choices()
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-srgan", sample)
    dock, widget = viewer.window.add_plugin_dock_widget("napari-srgan", widget)
    _wait(1)
    return viewer, dock, widget


def _the_upscale_widget() -> None:
    viewer, _, widget = _open("nuclei", "Upscale")
    widget["beside"].value = True
    _wait(1)
    _save(viewer, "widget-before")
    _during(viewer, widget)
    _wait_until(lambda: widget["buttons"]["run"].enabled)
    _look_closely(viewer)
    _save(viewer, "widget-after")
    _menu(viewer)
    _an_error(viewer, widget)
    viewer.close()


def _to_disk(folder: Path) -> None:
    """A run that was stopped, and will go on."""
    sample = imread(sample_path("nuclei"))
    slide = np.pad(sample, [(0, SLIDE - size) for size in sample.shape], mode="symmetric")
    zarr.create_array(folder / "slide.zarr", data=slide, chunks=(512, 512))
    _forget_choices()
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open(folder / "slide.zarr", plugin="napari", contrast_limits=(0, int(slide.max())))
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    widget["result"].value = "disk"
    widget["tile"].value = 256
    _wait(1)
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: widget["progress"].value > 60)
    widget["buttons"]["cancel"].native.click()
    _wait_until(lambda: widget["buttons"]["run"].enabled)
    _wait(0.5)
    _save(viewer, "to-disk")
    viewer.close()


def _files(folder: Path) -> None:
    """A folder, of which one file is damaged."""
    folder.mkdir()
    sample = Image.fromarray(imread(sample_path("nuclei")))
    for field in range(1, 6):
        sample.save(folder / f"A0{field} nuclei.tif")
    cut_off = folder / "A03 nuclei.tif"
    cut_off.write_bytes(cut_off.read_bytes()[:200])
    viewer, _, widget = _open("nuclei", "Upscale files")
    widget.session.add([folder])
    _wait_until(lambda: len(widget.session.rows) == 5)
    runner = runner_of(viewer)
    runner.progressed.connect(
        lambda progress, _: "A04" in str(runner.running) and progress.fraction > 0.3 and runner.pause(),
        max_args=2,
    )
    widget.run.click()
    _wait_until(lambda: runner.is_paused)
    _wait(1)
    _save(viewer, "files")
    runner.progressed.disconnect()
    runner.resume()
    _wait_until(lambda: runner.running is None)
    viewer.close()


def _a_noisy_image() -> None:
    """What the widget says of an image with few photons, and of a model that was trained without noise."""
    viewer, widget = _open_noisy()
    if CLEAN_MODEL not in widget["models"]["model"].choices:
        print(f"noisy.png is not made: there is no model {CLEAN_MODEL}")
        viewer.close()
        return
    widget["models"]["model"].value = CLEAN_MODEL
    _wait_until(lambda: CLEAN_MODEL in widget["taken"].value)
    _look_closely(viewer)
    _save(viewer, "noisy")
    viewer.close()


def _open_noisy() -> tuple[Any, Any]:
    """A viewer with the nuclei in few photons, and the Upscale widget that has looked at them."""
    _forget_choices()
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    light = imread(sample_path("nuclei")).astype(np.float64)
    noisy = np.random.default_rng(0).poisson(light * FEW_PHOTONS / np.percentile(light, 99.9))
    viewer.add_image(noisy.astype(np.uint16), name="nuclei, few photons", units=("um", "um"))
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    _wait_until(lambda: bool(widget["taken"].value.strip()))
    return viewer, widget


def _fine_tune_for_this_noise() -> None:
    """The button pressed, the noise measured, and shown beside the simulated one."""
    viewer, widget = _open_noisy()
    widget["fine_tune"].native.click()
    _, fine_tune = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    _wait_until(lambda: "photons" in fine_tune.images.noise_line.text())
    fine_tune.images.check.click()
    _wait_until(lambda: training_runner_of(viewer).running is None)
    layer = viewer.layers[-1]
    camera = getattr(viewer, "scene", viewer).camera
    first, last = layer.extent.world
    camera.center = tuple((first + last) / 2)
    _wait(0.5)
    camera.zoom = 2.7
    _wait(0.5)
    _save(viewer, "fine-tune-noise")
    viewer.close()


def _the_slider() -> None:
    """The image, faithful, half way and sharp."""
    viewer, _, widget = _open("tissue", "Upscale")
    if not widget["sharpness"].native.isVisibleTo(widget.native):
        print("slider.png is not made: the model for the tissue has no partner")
        viewer.close()
        return
    for percent in (0, 50, 100):
        widget["sharpness"]["amount"].value = percent
        widget["buttons"]["run"].native.click()
        _wait_until(lambda: widget["buttons"]["run"].enabled)
    widget["sharpness"]["amount"].value = 50
    grid = grid_of(viewer)
    grid.shape, grid.stride, grid.enabled = (2, 2), 1, True
    viewer.reset_view()
    _look_closely(viewer)
    _save(viewer, "slider")
    viewer.close()


def _the_trust_widget() -> None:
    """What can be believed of a sharp result, and what the network added, in a picture of its own."""
    viewer, _, widget = _open("nuclei", "Upscale")
    widget["models"]["model"].value = "microscopy-x4-gan"
    widget["trust"].value = True
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: runner_of(viewer).running is None and len(viewer.layers) > 2)
    viewer.layers[0].visible = False
    viewer.layers[-1].visible = True
    grid_of(viewer).enabled = True
    _wait(1)
    _look_closely(viewer)
    _save(viewer, "trust")
    viewer.close()


def _a_movie() -> None:
    """A dim movie beside what a model for time-lapses makes of it."""
    _forget_choices()
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    film = _drifting(imread(sample_path("nuclei")).astype(np.float64))
    labels, units = ("t", "y", "x"), ("min", "um", "um")
    viewer.add_image(film, name="nuclei, dim", axis_labels=labels, units=units, scale=(5, 0.65, 0.65))
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    _wait(1)
    if MOVIE_MODEL not in widget["models"]["model"].choices:
        print(f"timelapse-widget.png is not made: there is no model {MOVIE_MODEL}")
        viewer.close()
        return
    widget["models"]["model"].value = MOVIE_MODEL
    widget["drift"].value = True
    widget["beside"].value = True
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: widget["buttons"]["run"].enabled)
    viewer.reset_view()
    _look_closely(viewer)
    _save(viewer, "timelapse-widget")
    viewer.close()


def _drifting(image: Any) -> Any:
    """Frames of an image under a stage that drifts, each with the few photons of a short exposure."""
    draw = np.random.default_rng(0)
    light = image * PHOTONS / image.max()
    size = light.shape[0] - FRAMES
    frames = [light[n : n + size, n // 2 : n // 2 + size] for n in range(FRAMES)]
    return draw.poisson(np.stack(frames)).astype(np.uint16)


def _the_models_widget() -> None:
    viewer, dock, widget = _open("tissue", "Models")
    dock.setFloating(True)
    dock.resize(*WIDE)
    widget.table.choose("photo-x4")
    _wait(1)
    dock.grab().save(str(IMAGES / "models.png"))
    viewer.close()


def _during(viewer: Any, widget: Any) -> None:
    window = viewer.window._qt_window
    window.statusBar()._activity_item._activityBtn.click()
    runner = runner_of(viewer)
    # The sample is done before the window looks a second time: it holds still for the picture.
    runner.progressed.connect(lambda progress, _: progress.fraction > 0.3 and runner.pause(), max_args=2)
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: widget["progress"].value > 30)
    _wait(0.5)
    _save(viewer, "widget-during")
    runner.progressed.disconnect()
    runner.resume()
    window.statusBar()._activity_item._activityBtn.click()


def _look_closely(viewer: Any) -> None:
    camera = getattr(viewer, "scene", viewer).camera  # it moved in napari 0.9
    _wait(0.5)
    camera.zoom *= 2.5
    _wait(0.5)


def _an_error(viewer: Any, widget: Any) -> None:
    shapes = viewer.add_shapes(name="region of interest", ndim=2, units=("um", "um"))
    widget["region"].value = shapes
    widget["buttons"]["run"].native.click()
    _wait(0.5)
    _save(viewer, "widget-error")
    viewer.layers.remove(shapes)


def _menu(viewer: Any) -> None:
    """The opened menu is a window of its own: take the screen."""
    viewer.layers.selection = {viewer.layers["nuclei"]}
    layers = viewer.window.layers_menu
    bar = viewer.window._qt_window.menuBar()
    layers.popup(bar.mapToGlobal(QPoint(bar.actionGeometry(layers.menuAction()).left(), bar.height())))
    _wait(0.5)
    action = next(a for a in layers.actions() if a.text() == "Transform")
    layers.setActiveAction(action)
    transform: QMenu = action.menu()
    transform.popup(layers.mapToGlobal(layers.actionGeometry(action).topRight()))
    transform.setActiveAction(transform.actions()[0])
    _wait(0.5)
    screen = QApplication.primaryScreen().grabWindow(0)
    screen.copy(0, 0, 760, 420).save(str(IMAGES / "menu.png"))
    transform.close()
    layers.close()


def _save(viewer: Any, name: str) -> None:
    """Write the window as a PNG of 256 colours, which is plenty for a window and small."""
    window = np.asarray(viewer.screenshot(canvas_only=False, flash=False))[..., :3]
    Image.fromarray(window).quantize(256).save(IMAGES / f"{name}.png", optimize=True)


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def _wait_until(done: Callable[[], bool], timeout: float = 300) -> None:
    until = time.monotonic() + timeout
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"not done after {timeout} s")
        _wait(0.01)


if __name__ == "__main__":
    main()
