"""Time `fine_tune_job` against a bare PyTorch loop, and print steps per second and their ratio.

    python benchmarks/train.py [--base microscopy-x2] [--rounds 7] [--steps 20] [--viewer]

The bare loop has the same network, batch, patch, loss, optimiser and precision, and nothing else: its
batches lie ready in memory, weights are not averaged, gradients not clipped, nothing is shown. Both go on in
turns, a few steps each, so that a drifting machine slows both alike; medians of the turns are printed. A
turn with a validation and its checkpoint in it is counted apart. Where other programs run, the ratio of
processor times with OMP_NUM_THREADS=1 says more than that of the clock.

With ``--viewer`` the Fine-tune widget drives the job, in a window with two images, curves and previews. The
bare loop then takes its turns on the same thread, and once more before there is a window. Without a screen:

    xvfb-run -a -s "-screen 0 1280x800x24" python benchmarks/train.py --viewer
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from napari_srgan.inference.devices.choice import choose_device
from napari_srgan.models import Model, load_model
from napari_srgan.networks import build_network
from napari_srgan.progress import Job, Progress
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.fine_tuning.job import FineTuningJob, fine_tune_job
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.loop.losses import pixel_loss
from napari_srgan.training.loop.precision import mixed_precision
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage

READY = 32
"""Batches of the bare loop."""
WARM_UP = 5
"""Steps of each that are not counted."""


@dataclass(frozen=True)
class Cost:
    """Seconds for a step."""

    clock: float
    processor: float
    """Of all threads; does not grow where other programs are in the way."""


@dataclass
class Turns:
    """The bare loop and ours, one entry for each turn."""

    plain: list[tuple[Cost, Cost]] = field(default_factory=list)
    with_validation: list[tuple[Cost, Cost]] = field(default_factory=list)

    def report(self, title: str) -> None:
        print(title)
        _report("training", self.plain)
        _report("training, and a validation with its checkpoint", self.with_validation)


def _report(title: str, turns: list[tuple[Cost, Cost]]) -> None:
    if not turns:
        return
    bare, ours = (median(cost.clock for cost in column) for column in zip(*turns, strict=True))
    ratios = " ".join(f"{one.clock / other.clock:.2f}" for one, other in turns)
    print(f"  {title}: {1 / ours:.2f} steps/s, bare loop {1 / bare:.2f}: {bare / ours:.3f} ({ratios})")
    bare, ours = (median(cost.processor for cost in column) for column in zip(*turns, strict=True))
    print(f"    by processor time: {bare / ours:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--base", help="a model to start from; from scratch if unsaid")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--side", type=int, default=400, help="low-resolution pixels of the images")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20, help="in a turn")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--simulated", action="store_true", help="low resolution from high, patch by patch")
    parser.add_argument("--viewer", action="store_true")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    base = apart(load_model, arguments.base) if arguments.base else None
    factor = base.card.scale_factor if base else arguments.factor
    pair = apart(made_up_pair, arguments.side, factor)

    images = [pair.high if arguments.simulated else pair]

    def settings(steps: int) -> FineTuning:
        return FineTuning(
            minutes=None,
            steps=steps,
            factor=factor,
            batch=arguments.batch,
            patch=arguments.patch,
            device=arguments.device,
        )

    trained = apart(exhaust, fine_tune_job(images, base=base, settings=settings(1)))
    bare = apart(bare_loop, trained, settings(1), device)
    print(
        f"{trained.card.architecture}, {sum(p.numel() for p in trained.network.parameters()):,} weights, "
        f"batch {arguments.batch}, patch {arguments.patch}, x{factor}, {device}, "
        f"{os.cpu_count()} processors, {arguments.rounds} turns of {arguments.steps} steps"
    )
    load = f"load before: {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    with tempfile.TemporaryDirectory() as folder:
        steps = arguments.rounds * arguments.steps + WARM_UP + 1
        job = fine_tune_job(
            images, base=base, settings=settings(steps), checkpoint=Path(folder) / "x.checkpoint"
        )
        turns = Turns()
        taken = in_turns(job, bare, turns, arguments.rounds, arguments.steps)
        if arguments.viewer:
            alone = [apart(cost_of, bare, arguments.steps).clock for _ in range(arguments.rounds)]
            in_the_widget(taken, pair, Path(folder))
            print(f"bare loop before there was a window: {1 / median(alone):.2f} steps/s")
        else:
            apart(exhaust, taken)
    turns.report("driven by the widget in napari's window" if arguments.viewer else "without a window")
    print(load, f"after: {os.getloadavg()[0]:.1f}" if load else "")


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function on a thread that ends with it, as napari calls jobs.

    Where the main thread has ever computed, OpenMP counts its idle helpers as busy, and waits less eagerly
    everywhere: a fifth fewer steps.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def made_up_pair(side: int, factor: int) -> MatchedPair:
    """Cells on a dark ground, 16-bit, and the same made smaller."""
    draw = np.random.default_rng(0)
    blobs = gaussian_filter(draw.random((side * factor, side * factor)), 4) > 0.5
    high = gaussian_filter(blobs * 5000.0, 0.8) + draw.normal(1000, 30, blobs.shape)
    low, high = degrade(high.clip(0).astype(np.uint16)[..., None], factor)
    return match(SourceImage("low", low[..., 0], "YX"), SourceImage("high", high[..., 0], "YX"), factor)


def bare_loop(model: Model, settings: FineTuning, device: torch.device) -> Callable[[], None]:
    """One step of what anybody would write."""
    card = model.card
    network = build_network(card.architecture, {**card.arguments, "back_projection": False})
    network = network.to(device).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-4, betas=(0.9, 0.99))
    assert settings.batch is not None
    assert settings.patch is not None
    sides = settings.patch, settings.patch * card.scale_factor
    batches = [
        [torch.rand(settings.batch, card.channels, side, side) for side in sides] for _ in range(READY)
    ]
    endless = forever(batches)

    def step() -> None:
        low, high = (part.to(device).contiguous(memory_format=torch.channels_last) for part in next(endless))
        with mixed_precision(device):
            result = network(low)
        loss = pixel_loss(settings.pixel_loss, result, high)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()

    return step


def forever(batches: list[list[Tensor]]) -> Iterator[list[Tensor]]:
    while True:
        yield from batches


class Stopwatch:
    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def cost(self, steps: int) -> Cost:
        return Cost(
            (time.perf_counter() - self._clock) / steps, (time.process_time() - self._processor) / steps
        )


def cost_of(step: Callable[[], None], steps: int) -> Cost:
    watch = Stopwatch()
    for _ in range(steps):
        step()
    return watch.cost(steps)


def in_turns(
    job: FineTuningJob, bare: Callable[[], None], turns: Turns, rounds: int, steps: int
) -> Job[Model]:
    """A job that is the training and the bare loop by turns."""
    for _ in range(WARM_UP):
        bare()
    count = 0
    while count < WARM_UP:
        progress = next(job)
        count = step_of(progress)
        yield progress
    for _ in range(rounds):
        alone = cost_of(bare, steps)
        watch, first, validated = Stopwatch(), count, False
        while count < first + steps:
            progress = next(job)
            count = step_of(progress)
            validated |= getattr(progress, "point", None) is not None
            yield progress
        (turns.with_validation if validated else turns.plain).append((alone, watch.cost(steps)))
    while True:
        try:
            yield job.send(Request.FINISH)
        except StopIteration as end:
            model: Model = end.value
            return model


def step_of(progress: Progress) -> int:
    return progress.step if isinstance(progress, TrainingProgress) else 0


def exhaust(job: Job[Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def in_the_widget(job: Job[Model], pair: MatchedPair, folder: Path) -> None:
    """Let the Fine-tune widget drive a job in place of its own, in a window on the screen."""
    os.environ["NAPARI_SRGAN_MODELS"] = os.environ["NAPARI_SRGAN_TRAININGS"] = str(folder)
    import napari
    from qtpy.QtCore import QTimer

    from napari_srgan.viewer.fine_tuning import session as fine_tune_state
    from napari_srgan.viewer.jobs.runner import training_runner_of

    viewer = napari.Viewer()
    for image in (pair.low, pair.high):
        pixels: NDArray[Any] = np.asarray(image.data)
        viewer.add_image(pixels, name=image.name)
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    widget.images.low.value, widget.images.high.value = viewer.layers
    fine_tune_state.fine_tune_job = lambda *_, **__: job
    # What the widget does at the end, it does before the window is closed.
    training_runner_of(viewer).ended.connect(lambda _: QTimer.singleShot(1000, viewer.close))
    widget.controls.start.click()
    if training_runner_of(viewer).running is None:
        raise SystemExit(f"the widget did not start: {widget.status.text()}")
    napari.run()


if __name__ == "__main__":
    main()
