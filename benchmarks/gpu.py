"""Is everything right on a GPU, and how fast is it? At most eight minutes on one H200.

    python benchmarks/gpu.py [--device cuda] [--foreign realesr-animevideov3-x4.pth] [--minutes 8]
    python benchmarks/gpu.py --dry

Printed are, in this order: every bundled model beside the CPU; megapixels of the input a second in memory, to
a store and lazily, with the share of the time that the GPU computes and the memory it took; a plain loop over
tiles in float16 with the same weights; the network of a tile compiled by torch and as a CUDA graph; a step of
each stage of a training. With ``--foreign`` that loop is around a checkpoint in Spandrel. What needs a
library that is not installed is left out, and said; a part that fails does not stop the others, but the exit
status is 1. With ``--dry`` all of it runs on the CPU, on a few pixels.
"""

from __future__ import annotations

import argparse
import copy
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from markdown_table import markdown
from numpy.typing import NDArray
from throughput import InNetwork, picture
from torch import nn
from upscale import foreign_model, tile_loop

from napari_srgan.images.image import Image
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.tiles.choice import choose_tiles
from napari_srgan.inference.tiles.cross_fade import seen_around
from napari_srgan.inference.tiles.tiling import Span, Tile
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model, list_models, load_model
from napari_srgan.networks.generator import layout_of
from napari_srgan.progress import Job

TOLERANCE = {"float32": 2e-4, "bfloat16": 0.05, "float16": 0.01}
"""Largest difference to the CPU's float32 that is right, as a part of the range."""
SPEEDS = ("microscopy-x2", "microscopy-x4")

Part = Callable[["Setting"], str]


class LeftOut(Exception):
    """A part that cannot be run here; says why."""


@dataclass
class Setting:
    """What all parts have in common."""

    device: torch.device
    dry: bool
    network: InNetwork
    foreign: Path | None

    @property
    def precisions(self) -> tuple[str, ...]:
        return ("float32",) if self.dry else ("float32", "bfloat16", "float16")

    def image(self, side: int) -> NDArray[Any]:
        return picture(96 if self.dry else side)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, call: Callable[[], object], repeat: int = 5) -> float:
        """Median of a few calls, after one that is not counted."""
        found = []
        for _ in range(1 + (1 if self.dry else repeat)):
            self.wait()
            began = time.perf_counter()
            call()
            self.wait()
            found.append(time.perf_counter() - began)
        return median(found[1:])


def finish(job: Job[Any]) -> Any:
    """Run a job to its end and give its result."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def needs(*libraries: str) -> None:
    for library in libraries:
        try:
            __import__(library)
        except ImportError:
            raise LeftOut(f"{library} is not installed here") from None


# --- Is it right ------------------------------------------------------------------------


def right(setting: Setting) -> str:
    """Every bundled model, whole tiles; the largest difference to the CPU as a part of the range."""
    rows, wrong = [["model", "precision", "largest difference", "allowed"]], []
    draw = np.random.default_rng(0)
    for card in list_models():
        cpu = Engine(load_model(card.name), "cpu", "float32")
        low = draw.random(cpu.tile_shape(1, 24 if setting.dry else 112), np.float32)
        wanted = cpu.run(low)
        for precision in setting.precisions:
            engine = Engine(load_model(card.name), str(setting.device), precision)
            difference = float(np.abs(engine.run(low) - wanted).max() / np.ptp(wanted))
            allowed = TOLERANCE[engine.precision]
            rows.append([card.name, engine.precision, f"{difference:.1e}", f"{allowed:.0e}"])
            if not difference <= allowed:
                wrong.append(f"{card.name} in {engine.precision}: {difference:.1e}")
            engine.forget()
    if wrong:
        raise AssertionError("; ".join(wrong))
    return markdown(rows)


def right_in_tiles(setting: Setting) -> str:
    """Whole images, read, normalised, rounded and cast on the device: pixels that are not the CPU's."""
    gray = setting.image(300)
    missing = gray.astype(np.float32)
    missing[5:9, 7] = np.nan
    colours = np.stack([gray // 128] * 3, -1).clip(0, 255).astype(np.uint8)
    movie = np.stack([gray[:64, :80]] * 5)
    cases: dict[str, tuple[NDArray[Any], str, str]] = {
        "uint16": (gray, "YX", "microscopy-x2"),
        "int32": (gray.astype(np.int32), "YX", "microscopy-x2"),
        "missing pixels": (missing, "YX", "microscopy-x2"),
        "statistics of the plane": (gray, "YX", "microscopy-x4-instance-gan"),
        "RGB, fading": (colours, "YXS", "photo-x4"),
        "clips": (movie, "TYX", "timelapse-x2"),
    }
    known = {card.name for card in list_models()}
    rows, wrong = [["image", "model", "largest difference, grey levels"]], []
    for title, (pixels, axes, name) in cases.items():
        if name not in known:
            continue
        results = []
        for device in ("cpu", str(setting.device)):
            options = UpscaleOptions(device=device, precision="float32", tile=64)
            results.append(
                finish(upscale_job(Image(pixels, axes), load_model(name), options)).data.astype(float)
            )
        difference = float(np.nanmax(np.abs(results[1] - results[0])))
        rows.append([title, name, f"{difference:.3g}"])
        same_holes = np.array_equal(np.isnan(results[0]), np.isnan(results[1]))
        if not same_holes or difference > 2e-3 * np.nanmax(results[0]) + 1:
            wrong.append(f"{title}: {difference:.3g}, missing pixels the same: {same_holes}")
    if wrong:
        raise AssertionError("; ".join(wrong))
    return markdown(rows)


# --- How fast ---------------------------------------------------------------------------


def ways(model: Model, image: NDArray[Any], setting: Setting) -> Iterator[tuple[str, Callable[[], Any]]]:
    options = UpscaleOptions(device=str(setting.device))
    yield "in memory", lambda: finish(upscale_job(Image(image, "YX"), model, options))
    try:
        needs("zarr")
    except LeftOut as reason:
        print(f"\nTo a store: left out, {reason}.")
    else:
        yield "to OME-Zarr", lambda: to_store(image, model, options)
    yield "lazily", lambda: np.asarray(LazyUpscaling(Image(image, "YX"), model, options)[...])


def to_store(image: NDArray[Any], model: Model, options: UpscaleOptions) -> None:
    from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job
    from napari_srgan.results.upscaled_store import StoreRun

    with tempfile.TemporaryDirectory() as folder:
        run = StoreRun(Image(image, "YX"), model, Path(folder) / "out.ome.zarr", options)
        finish(upscale_to_zarr_job(run))


def speed(setting: Setting) -> str:
    """Automatic precision, 16-bit images."""
    heading = "model | way | LR Mpixel/s | GPU computes | processor, ms a LR Mpixel | GPU's peak memory, GiB"
    rows = [heading.split(" | ")]
    for name in SPEEDS:
        image = setting.image(6144 if name == "microscopy-x2" else 3072)
        for way, upscale in ways(load_model(name), image, setting):
            upscale()  # starts what is started once
            setting.wait()
            if setting.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(setting.device)
            computed, processor, began = setting.network.seconds, time.process_time(), time.perf_counter()
            upscale()
            setting.wait()
            seconds, processor = time.perf_counter() - began, time.process_time() - processor
            share = (setting.network.seconds - computed) / seconds
            rate, cost = image.size / 1e6 / seconds, processor * 1e9 / image.size
            rows.append(
                [name, way, f"{rate:.3g}", f"{share:.0%}", f"{cost:.0f}", peak_memory(setting.device)]
            )
    return markdown(rows)


def peak_memory(device: torch.device) -> str:
    return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f}" if device.type == "cuda" else "-"


def beside_a_plain_loop(setting: Setting) -> str:
    """The loop over tiles that people write around a checkpoint, in float16, with the same weights."""
    if setting.foreign is None:
        model, name = load_model("photo-x4"), "photo-x4, as no checkpoint was given (--foreign)"
        network: nn.Module = copy.deepcopy(model.network)
    else:
        needs("spandrel")
        name = f"{setting.foreign.name}, loaded by Spandrel"
        model, network = foreign_model(setting.foreign)
    gray = setting.image(2048)
    colours = np.stack([gray // 128] * 3, -1).clip(0, 255).astype(np.uint8)
    half = torch.float32 if setting.dry else torch.float16
    options = UpscaleOptions(device=str(setting.device))

    def ours() -> None:
        finish(upscale_job(Image(colours, "YXS"), model, options))

    def loop() -> None:
        tile_loop(colours, network, setting.device, dtype=half)

    turns = [(setting.seconds(ours, 1), setting.seconds(loop, 1)) for _ in range(1 if setting.dry else 5)]
    ratio = median(theirs / own for own, theirs in turns)
    rates = [gray.size / 1e6 / median(side) for side in zip(*turns, strict=True)]
    return (
        f"{name}: ours {rates[0]:.2f} LR Mpixel/s, the plain loop {rates[1]:.2f}: "
        f"ours is {ratio:.2f} times as fast"
    )


def compiled(setting: Setting) -> str:
    """The network of the tile that is chosen, milliseconds: does it pay to compile it?"""
    engine = Engine(load_model("microscopy-x2"), str(setting.device))
    whole = Tile(Span(0, 96 if setting.dry else 6144), Span(0, 96 if setting.dry else 6144))
    halo = seen_around(engine.model.card.receptive_radius)
    tile = max(choose_tiles(engine, 1, whole, halo), key=lambda one: one.pixels)
    size = len(tile.y) + 2 * halo, len(tile.x) + 2 * halo
    low = torch.rand(1, 1, *(side // 2 * 2 for side in size), device=setting.device)
    low = low.contiguous(memory_format=layout_of(4, setting.device))
    rows = [["way", "ms", "largest difference to eager"]]
    with torch.inference_mode():
        eager = engine.network(low)
        rows.append(["eager", f"{1e3 * setting.seconds(lambda: engine.network(low)):.2f}", "-"])
        if setting.device.type != "cuda":
            return markdown(rows) + "\n\nCompiled and as a graph: left out, there is no CUDA here."
        for title, made in (
            ("CUDA graph", lambda: as_graph(engine.network, low)),
            ("torch.compile", lambda: torch.compile(engine.network, dynamic=False)),
        ):
            try:
                run = partial(made(), low)
                difference = float((run() - eager).abs().max())
                rows.append([title, f"{1e3 * setting.seconds(run):.2f}", f"{difference:.1e}"])
            except Exception as error:  # each compiler has errors of its own
                rows.append([title, f"failed: {str(error).splitlines()[0][:80]}", "-"])
    return markdown(rows)


def as_graph(network: nn.Module, low: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network for one shape, its kernels ordered at once; it reads the tensor it was made with."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        network(low)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        high = network(low)

    def run(_: torch.Tensor) -> torch.Tensor:
        graph.replay()
        return high

    return run


def training(setting: Setting) -> str:
    """Milliseconds a step of a fine-tuning, validations counted."""
    try:
        from napari_srgan import fine_tune
    except ImportError as error:
        raise LeftOut(str(error)) from None
    side, steps = (96, 2) if setting.dry else (512, 200)
    high = np.stack([picture(side)] * 3)
    rows = [["stage", "ms a step"]]
    for stage, style in (("pixel", "faithful"), ("adversarial", "sharp")):
        small: dict[str, Any] = {"patch": 16, "batch": 2} if setting.dry else {}
        began = time.perf_counter()
        fine_tune(
            high=high, base="microscopy-x2", axes="ZYX", style=style, steps=steps,
            device=str(setting.device), progress=False, **small,
        )  # fmt: skip
        setting.wait()
        rows.append([stage, f"{1e3 * (time.perf_counter() - began) / steps:.1f}"])
    return markdown(rows)


PARTS: dict[str, Part] = {
    "Beside the CPU": right,
    "Whole images beside the CPU": right_in_tiles,
    "How fast": speed,
    "Beside a plain loop": beside_a_plain_loop,
    "Compiled": compiled,
    "A step of a training": training,
}


def machine(device: torch.device) -> str:
    if device.type != "cuda":
        return f"{device}, {platform.machine()}, torch {torch.__version__}"
    found = torch.cuda.get_device_properties(device)
    return (
        f"{found.name}, {found.total_memory / 2**30:.0f} GiB, torch {torch.__version__}, "
        f"cuDNN {torch.backends.cudnn.version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--dry", action="store_true")
    arguments = parser.parse_args()
    device = torch.device("cpu" if arguments.dry else arguments.device)
    setting = Setting(device, arguments.dry, InNetwork(), arguments.foreign)
    print(machine(device))
    began, failed = time.monotonic(), False
    for title, part in PARTS.items():
        print(f"\n## {title}\n\n{part.__doc__}\n", flush=True)
        if time.monotonic() - began > 60 * arguments.minutes * 0.85:
            print("Left out: the time is over.")
            continue
        try:
            print(part(setting), flush=True)
        except LeftOut as reason:
            print(f"Left out: {reason}.")
        except Exception:  # what comes after may show why
            failed = True
            traceback.print_exc(file=sys.stdout)
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
    print(f"\nAll of it took {time.monotonic() - began:.0f} s.")
    sys.exit(failed)


if __name__ == "__main__":
    main()
