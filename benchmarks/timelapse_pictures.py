"""A frame of movies by every way, and a line of pixels over time; used by timelapse.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_srgan.quality.metrics import psnr

SIDE = 28
"""Low-resolution pixels along the side of a crop."""
LINE = 72
"""Low-resolution pixels along the line of a kymograph, at most."""

Shown = tuple[str, NDArray[np.float32], NDArray[np.float32]]
"""What it is, ``(T, Y, X)`` at low resolution, and in truth."""
Ways = dict[str, Callable[[NDArray[np.float32]], NDArray[Any]]]


def draw_crops(ways: Ways, movies: Iterable[Shown], picture: Path) -> None:
    """Draw the busiest crop of the middle frame of movies: noisy, by every way, and in truth."""
    rows = [_crop_row(ways, shown) for shown in movies]
    titles = ["low resolution", *ways, "truth"]
    figure = Figure(figsize=(1.9 * len(titles), 2.15 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    for line, (name, panels) in zip(axes, rows, strict=True):
        low, high = float(panels[-1].min()), float(np.percentile(panels[-1], 99.8))
        for place, (axis, title, panel) in enumerate(zip(line, titles, panels, strict=True)):
            axis.imshow(panel, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            _bare(axis)
            figures = "" if place in (0, len(titles) - 1) else f"\n{psnr(panel, panels[-1], 1.0):.2f} dB"
            axis.set_title(title + figures, fontsize=8)
        line[0].set_ylabel(name, fontsize=7)
    figure.savefig(picture, dpi=100)


def draw_kymograph(ways: Ways, shown: Shown, picture: Path) -> None:
    """Draw a line of pixels over time: what stays is a vertical stripe, what flickers is none."""
    name, low, truth = shown
    factor = truth.shape[1] // low.shape[1]
    panels = [low, *(way(low) for way in ways.values()), truth]
    if low.shape[1] > low.shape[2]:  # along the longer side
        panels = [panel.transpose(0, 2, 1) for panel in panels]
    width = min(LINE, panels[0].shape[2])
    y, x = _busiest(panels[-1].mean(axis=0)[::factor, ::factor], 1, width)
    panels = [_line(panel, y, x, width, factor if at else 1) for at, panel in enumerate(panels)]
    titles = ["low resolution", *ways, "truth"]
    figure = Figure(figsize=(8, 1.35 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    lowest, highest = float(panels[-1].min()), float(np.percentile(panels[-1], 99.8))
    for axis, title, panel in zip(figure.subplots(len(panels), 1), titles, panels, strict=True):
        axis.imshow(panel, cmap="gray", vmin=lowest, vmax=highest, interpolation="nearest", aspect="auto")
        _bare(axis)
        axis.set_ylabel(title, fontsize=8)
    figure.suptitle(
        f"{name}: a line of pixels, from left to right, over {len(low)} frames, from top to bottom",
        fontsize=8,
    )
    figure.savefig(picture, dpi=100)


def _crop_row(ways: Ways, shown: Shown) -> tuple[str, list[NDArray[Any]]]:
    name, low, truth = shown
    frame, factor = len(low) // 2, truth.shape[1] // low.shape[1]
    y, x = _busiest(truth[frame][::factor, ::factor], SIDE, SIDE)
    high = (frame, slice(y * factor, (y + SIDE) * factor), slice(x * factor, (x + SIDE) * factor))
    results = [way(low)[high] for way in ways.values()]
    return name, [low[frame, y : y + SIDE, x : x + SIDE], *results, truth[high]]


def _line(panel: NDArray[Any], y: int, x: int, width: int, factor: int) -> NDArray[Any]:
    return panel[:, y * factor, x * factor : (x + width) * factor]


def _busiest(image: NDArray[Any], height: int, width: int) -> tuple[int, int]:
    """Where a crop has the largest gradients."""
    change = sum(np.abs(part) for part in np.gradient(image))
    places = [
        (y, x)
        for y in range(0, max(image.shape[0] - height, 0) + 1, 4)
        for x in range(0, max(image.shape[1] - width, 0) + 1, 4)
    ]
    return max(places, key=lambda at: change[at[0] : at[0] + height, at[1] : at[1] + width].sum())


def _bare(axis: Any) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
