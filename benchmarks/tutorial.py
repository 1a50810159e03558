"""The pictures of the tutorial in docs/fine-tuning.md: from the sample pair to the finished model.

Uses napari as a person does: opens the sample pair, adds it, checks it, trains, looks while it runs,
and upscales the whole layer with the new model. Trains for as many minutes as are given; the model
is written to a folder that is deleted afterwards. Needs a display of at least 1280 x 800; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/tutorial.py [MINUTES]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (1280, 800)
MINUTES = 10.0
LOOK_EVERY = 25
"""Steps, so that there is a curve to be seen after a few minutes also on a slow machine."""
PART_TO_LOOK_AT = 0.6
"""Of the training, after which a picture is taken."""


def main() -> None:
    """Take all pictures, and print what the widget says."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as models, tempfile.TemporaryDirectory() as trainings:
        os.environ |= {"NAPARI_SRGAN_MODELS": models, "NAPARI_SRGAN_TRAININGS": trainings}
        viewer, widget = _open_pair()
        _check(viewer, widget)
        _train(viewer, widget, minutes)
        _upscale(viewer, widget)
        viewer.close()


def _open_pair() -> tuple[Any, Any]:
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    viewer.open_sample("napari-srgan", "er-pair")
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    _wait(1)
    widget.images.add.click()
    _wait(0.5)
    _save(viewer, "fine-tune-pair")
    return viewer, widget


def _check(viewer: Any, widget: Any) -> None:
    widget.images.check.click()
    _wait_until(lambda: widget.state.runner.running is None)
    _wait(0.5)
    _save(viewer, "fine-tune-check")
    print(widget.images._rows.itemAt(0).widget().about.text())


def _train(viewer: Any, widget: Any, minutes: float) -> None:
    widget.choices._fields["minutes"].show(minutes)
    widget.choices._fields["validate_every"].show(LOOK_EVERY)
    widget.controls.start.click()
    patience = 60 * (2 * minutes + 5)
    _wait_until(lambda: PREVIEW in viewer.layers, patience)
    # The split, on the image it belongs to.
    viewer.reset_view()
    _wait(0.5)
    _save(viewer, "fine-tune-split")
    told = widget.state
    _wait_until(lambda: told.progress is None or told.progress.fraction > PART_TO_LOOK_AT, patience)
    widget.progress.look.click()
    _wait(0.5)
    _save(viewer, "fine-tune-during")
    _wait_until(lambda: told.runner.running is None, patience)
    _wait(0.5)
    _save(viewer, "fine-tune-after")
    print(told.outcome.sentence)
    for point in told.points:
        print(f"step {point.step:6d}  {point.minutes:5.1f} min  {point.psnr:.2f} dB")


def _upscale(viewer: Any, widget: Any) -> None:
    before = len(viewer.layers)
    widget.progress.upscale.click()
    _wait_until(lambda: len(viewer.layers) > before)
    result = viewer.layers[-1]
    for layer in viewer.layers:
        layer.visible = layer is result
    camera = getattr(viewer, "scene", viewer).camera  # it moved in napari 0.9
    first, last = result.extent.world
    camera.center = tuple((first + last) / 2)
    camera.zoom *= 2
    _wait(0.5)
    _save(viewer, "fine-tune-upscaled")


def _save(viewer: Any, name: str) -> None:
    """Write the window as a PNG of 256 colours, which is plenty for a window and small."""
    window = np.asarray(viewer.screenshot(canvas_only=False, flash=False))[..., :3]
    Image.fromarray(window).quantize(256, kmeans=1).save(IMAGES / f"{name}.png", optimize=True)


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def _wait_until(done: Callable[[], bool], timeout: float = 120) -> None:
    until = time.monotonic() + timeout
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"not done after {timeout:.0f} s")
        _wait(0.02)


if __name__ == "__main__":
    main()
