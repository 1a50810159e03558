"""How long the window is frozen while a job runs.

Starts napari, upscales a 16-bit image through the Upscale widget with the real Run button,
and measures the gaps between ticks of a timer in napari's event loop: at rest, which is
what the machine allows; while the job computes, which is ours; and while napari builds and
draws the new layer at the end, which costs the same for any image of that size. Fails if
the longest gap while computing is over 100 ms. With ``--training`` the Fine-tune widget trains a model for so
many minutes instead, with its curves and previews. Needs a display; without one:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/responsiveness.py [SIDE] [--training MINUTES]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

TICK_MS = 2
LONGEST_MS = 100


class Gaps:
    """Times between ticks of the event loop, in ms."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=TICK_MS)
        self._timer.timeout.connect(self.tick)
        self._timer.start()

    def tick(self) -> None:
        """Also called where one phase ends and the next begins."""
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self._last))
        self._last = now

    def stop(self) -> None:
        self.tick()
        self._timer.stop()


def turn_until(done: Callable[[], bool]) -> None:
    """Keep the event loop turning."""
    while not done():
        QApplication.processEvents()
        time.sleep(TICK_MS / 5000)


def at_rest(seconds: float) -> list[float]:
    """Gaps while nothing runs."""
    gaps, until = Gaps(), time.monotonic() + seconds
    turn_until(lambda: time.monotonic() > until)
    gaps.stop()
    return gaps.gaps


def run_once(viewer: Any, widget: Any) -> tuple[list[float], list[float]]:
    """Click Run; gaps until the result is there, and from then until it is shown."""
    gaps = Gaps()
    computing: list[int] = []

    def split() -> None:
        gaps.tick()
        computing.append(len(gaps.gaps))

    viewer.layers.events.inserting.connect(split)
    widget["buttons"]["run"].native.click()
    turn_until(lambda: bool(widget["buttons"]["run"].enabled))
    until = time.monotonic() + 0.5
    turn_until(lambda: time.monotonic() > until)
    gaps.stop()
    viewer.layers.events.inserting.disconnect(split)
    return gaps.gaps[: computing[0]], gaps.gaps[computing[0] :]


def report(phase: str, gaps: list[float]) -> None:
    print(
        f"{phase:<32} {sum(gaps) / 1000:6.1f} s   median {np.median(gaps):6.1f}   "
        f"99th percentile {np.percentile(gaps, 99):6.1f}   longest {max(gaps):6.1f} ms"
    )


def train_once(viewer: Any, minutes: float) -> list[float]:
    """Click Start of the Fine-tune widget, with a pair from the samples; gaps until the model is there."""
    viewer.open_sample("napari-srgan", "er-pair")
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    widget.images.low.value, widget.images.high.value = viewer.layers[-2:]
    widget.choices._fields["minutes"].show(minutes)
    at_rest(1)
    gaps = Gaps()
    widget.controls.start.click()
    if widget.state.runner.running is None:
        raise SystemExit(f"the widget did not start: {widget.status.text()}")
    turn_until(lambda: widget.state.runner.running is None)
    gaps.stop()
    if widget.state.outcome.trained is None:
        raise SystemExit(f"there is no model: {widget.state.outcome.sentence}")
    print(f"{len(widget.state.points)} validations, {len(widget.state.losses)} steps")
    return gaps.gaps


def main() -> int:
    """Print the gaps at rest and of two runs; the first one also loads the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("side", nargs="?", type=int, default=1000)
    parser.add_argument("--training", type=float, metavar="MINUTES")
    arguments = parser.parse_args()
    longest = 0.0
    with TemporaryDirectory() as folder:
        os.environ["NAPARI_SRGAN_MODELS"] = os.environ["NAPARI_SRGAN_TRAININGS"] = folder
        viewer = napari.Viewer()
        print(f"{os.cpu_count()} processors; gaps between ticks of {TICK_MS} ms")
        for phase, gaps in phases(viewer, arguments.side, arguments.training):
            report(phase, gaps)
            if "computing" in phase:
                longest = max(longest, *gaps)
        print(f"load at the end: {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "")
        viewer.close()
    return int(longest > LONGEST_MS)


def phases(viewer: Any, side: int, minutes: float | None) -> Iterator[tuple[str, list[float]]]:
    """What is measured, one thing after the other."""
    if minutes is not None:
        yield "at rest", at_rest(5)
        yield "training, computing", train_once(viewer, minutes)
        return
    image = np.random.default_rng(0).normal(1000, 100, (side, side)).astype(np.uint16)
    viewer.add_image(image, name=f"noise, {side} x {side}")
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    at_rest(1)
    yield "at rest", at_rest(5)
    for name in ("first run", "second run"):
        computing, showing = run_once(viewer, widget)
        yield f"{name}, computing", computing
        yield f"{name}, napari shows the layer", showing


if __name__ == "__main__":
    sys.exit(main())
