"""Upscale a movie in a napari window as a person does; a screenshot, and a film of before and after.

    python benchmarks/timelapse_window.py MOVIE [--model timelapse-x2] [--out docs/images] [--photons N]

MOVIE is a gray movie, TYX: a TIFF or a video file. It is opened in napari, the model for time-lapses is
chosen in the widget Upscale, and Run is pressed. ``timelapse.png`` is the window, the movie and its result
side by side; ``timelapse.webp`` plays a part of both, the movie enlarged without interpolation. With
``--photons`` the movie is made as a camera sees it that catches so few of them, at half the resolution.
Needs a display of at least 1280 x 800; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/timelapse_window.py MOVIE
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import napari
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from screenshots import SIZE, _look_closely, _wait, _wait_until

from napari_srgan.images.formats import open_image
from napari_srgan.models import load_model
from napari_srgan.training.dataset.movie_validation import few_photons, taken
from napari_srgan.training.dataset.movies import movie
from napari_srgan.viewer.qt.labels import grid_of

LARGEST = 1_500_000
"""Bytes of the film."""
FILM_SIDE, FRAME_TIME = 160, 120
"""Pixels of the movie along the sides of the film's halves, and milliseconds a frame."""
BAR = 14
"""Pixels of the film above both halves, for words."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("movie", type=Path)
    parser.add_argument("--model", default="timelapse-x2")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "images")
    parser.add_argument("--photons", type=float)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as library:
        os.environ["NAPARI_SRGAN_MODELS"] = library
        name = load_model(arguments.model).name
        if Path(arguments.model).is_file():
            shutil.copy(arguments.model, Path(library) / f"{name}.safetensors")
        viewer = napari.Viewer()
        viewer.window.resize(*SIZE)
        layer = _open(viewer, arguments.movie, arguments.photons)
        result = _upscale(viewer, layer, name)
        grid = grid_of(viewer)
        grid.shape, grid.stride, grid.enabled = (1, 2), 1, True
        viewer.dims.set_current_step(0, len(layer.data) // 2)
        viewer.reset_view()
        _look_closely(viewer)
        window = np.asarray(viewer.screenshot(canvas_only=False, flash=False))[..., :3]
        Image.fromarray(window).quantize(256).save(arguments.out / "timelapse.png", optimize=True)
        _film(np.asarray(layer.data), np.asarray(result.data), name, arguments.out / "timelapse.webp")
        viewer.close()


def _open(viewer: Any, file: Path, photons: float | None) -> Any:
    """The movie as a layer, with the time between its frames."""
    with open_image(file) as image:
        if image.axes != "TYX":
            raise SystemExit(f"{file.name} has axes {image.axes}; a gray movie, TYX, is shown")
        frames, spacings = image.data[:], image.spacings
    if photons is not None:
        low = movie(file.stem, frames, 2).low
        frames = taken(low, few_photons(photons), np.random.default_rng(0))[:, 0].numpy()
    layer = viewer.add_image(
        frames,
        name=file.name.split(".")[0],
        axis_labels=("t", "y", "x"),
        scale=[spacing.size for spacing in spacings],
        units=[spacing.unit or "pixel" for spacing in spacings],
        contrast_limits=np.percentile(frames, (0.5, 99.9)),
        interpolation2d="nearest",
    )
    _wait(1)
    return layer


def _upscale(viewer: Any, layer: Any, model: str) -> Any:
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    _wait(1)
    widget["image"].value = layer
    widget["models"]["model"].value = model
    _wait(1)
    before = len(viewer.layers)
    widget["buttons"]["run"].native.click()
    _wait_until(lambda: widget["buttons"]["run"].enabled and len(viewer.layers) > before, timeout=1800)
    (result,) = (other for other in viewer.layers if other is not layer)
    return result


def _film(before: NDArray[Any], after: NDArray[Any], model: str, file: Path) -> None:
    """Both side by side, at the size of the result, in as good a quality as fits."""
    factor = after.shape[1] // before.shape[1]
    y, x = (max(size - FILM_SIDE, 0) // 2 for size in before.shape[1:])
    low, high = np.percentile(before, (0.5, 99.9))
    small = before[:, y : y + FILM_SIDE, x : x + FILM_SIDE]
    large = after[:, y * factor : (y + FILM_SIDE) * factor, x * factor : (x + FILM_SIDE) * factor]
    halves = zip(small.repeat(factor, 1).repeat(factor, 2), large, strict=True)
    frames = [_frame(pair, ("before", model), (low, high)) for pair in halves]
    for quality in range(90, 0, -10):
        frames[0].save(
            file, save_all=True, append_images=frames[1:], duration=FRAME_TIME, loop=0, quality=quality
        )
        if file.stat().st_size <= LARGEST:
            return
    raise SystemExit(f"{file} has {file.stat().st_size} bytes at the lowest quality")


def _frame(pair: tuple[Any, ...], words: tuple[str, str], limits: tuple[float, float]) -> Image.Image:
    low, high = limits
    shown = [np.clip((half - low) / (high - low) * 255, 0, 255).astype(np.uint8) for half in pair]
    height, width = shown[0].shape
    frame = Image.new("L", (2 * width + 2, height + BAR), 255)
    for place, (half, word) in enumerate(zip(shown, words, strict=True)):
        frame.paste(Image.fromarray(half), (place * (width + 2), BAR))
        ImageDraw.Draw(frame).text((place * (width + 2) + 3, 1), word, fill=0)
    return frame


if __name__ == "__main__":
    main()
