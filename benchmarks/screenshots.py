"""The pictures of the widget and the menu in docs/images.

Uses napari as a person does: opens a sample, presses the real Run button, looks before,
during and after. Needs a display of at least 1280 x 800; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/screenshots.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QApplication, QMenu

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1280, 800)


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-srgan", "nuclei")
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
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


def _during(viewer: Any, widget: Any) -> None:
    window = viewer.window._qt_window
    window.statusBar()._activity_item._activityBtn.click()
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: widget["progress"].value > 30)
    _save(viewer, "widget-during")
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


def _wait_until(done: Callable[[], bool], timeout: float = 60) -> None:
    until = time.monotonic() + timeout
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"not done after {timeout} s")
        _wait(0.01)


if __name__ == "__main__":
    main()
