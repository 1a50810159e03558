"""How soon one sees something of a lazily upscaled whole-slide image, and whether the window lives meanwhile.

Opens a zarr of SIDE x SIDE pixels with its coarser levels in a real window, adds the lazy layer, zooms in,
moves a little, comes back, and removes the layer; prints the times and saves what the window showed. Only the
middle of the image holds anything, so that it is written in no time. Fails if adding takes a second or more.
Needs a display; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/lazy.py [SIDE] [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import napari
import numpy as np
import zarr
from PIL import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from skimage.io import imread

from napari_srgan.samples import sample_path
from napari_srgan.viewer.lazy.lazy_layer import lazy_layer
from napari_srgan.viewer.lazy.tile_worker import TILE_THREAD
from napari_srgan.viewer.qt.labels import camera_of

CHUNK, CONTENT, COARSEST = 1024, 4096, 1024
ADDED_WITHIN = 1.0
"""Seconds."""
TICK_MS = 5
OFF_MIDDLE = 170
"""Pixels; a mirror's axis in the middle of the window would look odd."""
WITHIN_THE_SLICE = 0.5
"""Seconds after which napari shows what it had read before."""


class Gaps:
    """The longest time between two ticks of the event loop."""

    def __init__(self) -> None:
        self._last, self.longest = time.perf_counter(), 0.0
        self._timer = QTimer(interval=TICK_MS)
        self._timer.timeout.connect(self.tick)
        self._timer.start()

    def tick(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def skip(self) -> None:
        """What was just done is not what is measured."""
        self._last = time.perf_counter()

    def stop(self) -> float:
        self._timer.stop()
        return self.longest


def write_slide(folder: Path, side: int) -> list[Any]:
    """A pyramid of zarr arrays, finest first, with cells in the middle."""
    cells = nuclei_of(CONTENT)
    levels = []
    while True:
        shape = (side >> len(levels),) * 2
        level = zarr.create_array(
            folder / str(len(levels)), shape=shape, chunks=(CHUNK, CHUNK), dtype=cells.dtype
        )
        start = (shape[0] - cells.shape[0]) // 2
        level[start : start + cells.shape[0], start : start + cells.shape[1]] = cells
        levels.append(level)
        if shape[0] <= COARSEST:
            return levels
        height = cells.shape[0] // 2 * 2
        halves = cells[:height, :height].reshape(height // 2, 2, height // 2, 2)
        cells = halves.mean(axis=(1, 3)).astype(cells.dtype)


def nuclei_of(side: int) -> Any:
    """The sample, mirrored again and again: nothing in it looks like the border of a tile."""
    sample = imread(sample_path("nuclei"))
    more = [(OFF_MIDDLE, side - size) for size in sample.shape]
    return np.pad(sample, more, mode="symmetric")[:side, :side]


def turn_until(done: Callable[[], bool], timeout: float = 60) -> float:
    """Keep the event loop turning; seconds it took."""
    began = time.perf_counter()
    while not done():
        if time.perf_counter() - began > timeout:
            raise TimeoutError(f"not done after {timeout} s")
        QApplication.processEvents()
        time.sleep(0.001)
    return time.perf_counter() - began


def rest(seconds: float = 0.5) -> None:
    until = time.perf_counter() + seconds
    turn_until(lambda: time.perf_counter() > until)


def quiet() -> bool:
    """Whether no tile is computed."""
    return not any(thread.name == TILE_THREAD for thread in threading.enumerate())


class Tour:
    """One look at a slide, step by step, with times and pictures."""

    def __init__(self, viewer: Any, pictures: Path | None) -> None:
        self.viewer = viewer
        self.pictures = pictures
        self.layer: Any = None

    def add(self, levels: list[Any]) -> float:
        """Open the slide, add the lazy layer; seconds that adding took."""
        name = f"slide, {levels[0].shape[0]} x {levels[0].shape[1]}"
        source = self.viewer.add_image(levels, multiscale=True, name=name, contrast_limits=(0, 1500))
        rest()
        lazy_layer(source)  # reads the model's file for the first time
        began = time.perf_counter()
        self.layer = lazy_layer(source)
        self.viewer.add_layer(self.layer)
        added = time.perf_counter() - began
        source.visible = False
        rest()
        self.show("added", added)
        return added

    def look(self, step: str, y: float, x: float, zoom: float) -> None:
        """Go somewhere; times until the first tile and until all tiles are there."""
        gaps = Gaps()
        before = self.pixels()
        camera = camera_of(self.viewer)
        camera.center, camera.zoom = (0, y, x), zoom
        within = time.perf_counter() + WITHIN_THE_SLICE
        moved = turn_until(lambda: self.pixels() is not before or time.perf_counter() > within)
        if self.pixels() is before:
            print(f"{step:<40}            napari has it already")
            return
        before = self.pixels()
        self.show(f"{step}: something to see", moved)
        gaps.skip()
        if quiet():
            rest()
        else:
            first = turn_until(lambda: self.pixels() is not before)
            self.show(f"{step}: first tile", moved + first)
            gaps.skip()
            whole = moved + first + turn_until(quiet)
            rest()
            self.show(f"{step}: all of it", whole)
            gaps.skip()
        print(f"    longest time without the event loop: {1000 * gaps.stop():.0f} ms")

    def pixels(self) -> Any:
        """What the layer shows, another object whenever that is another."""
        return self.layer._slice.image.raw

    def show(self, step: str, seconds: float) -> None:
        """Print a time, save what the window shows."""
        print(f"{step:<40} {seconds:7.2f} s   level {self.layer.data_level}, shows {self.pixels().shape}")
        if self.pictures is not None:
            window = np.asarray(self.viewer.screenshot(canvas_only=False, flash=False))[..., :3]
            name = step.replace(":", "").replace(",", "").replace(" ", "-")
            Image.fromarray(window).quantize(256).save(self.pictures / f"lazy-{name}.png", optimize=True)


def main() -> int:
    """Print the times of one tour."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("side", nargs="?", type=int, default=100_000)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    middle = arguments.side / 2
    with TemporaryDirectory() as folder:
        levels = write_slide(Path(folder), arguments.side)
        viewer = napari.Viewer()
        viewer.window.resize(1280, 800)
        tour = Tour(viewer, arguments.pictures)
        added = tour.add(levels)
        tour.look("zoomed in", middle, middle, 4)
        tour.look("moved", middle + 60, middle + 60, 4)
        tour.look("elsewhere", middle + 900, middle - 900, 4)
        tour.look("back", middle, middle, 4)
        viewer.layers.remove(tour.layer)
        print(f"{'removed: thread gone':<40} {turn_until(quiet):7.2f} s")
        viewer.close()
    return int(added >= ADDED_WITHIN)


if __name__ == "__main__":
    sys.exit(main())
