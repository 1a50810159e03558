"""How many pixels a second each way of upscaling makes, where the time goes, and what tiles cost.

    python benchmarks/throughput.py [--models microscopy-x2 microscopy-x4] [--side 2500] [--folder FOLDER]
    python benchmarks/throughput.py --tiles [--models ...]

The first prints megapixels of the input a second: in memory, to OME-Zarr, and read from a lazy array. Each
way runs in a process of its own, for the threads that one leaves behind slow down the next. Before, each
upscales 64 x 64 pixels: what that takes is the cost of starting, and is not part of the rates.
The second prints the cost of a pixel for tiles of many sides, and of those that are chosen if nobody says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from upscale import MATRIX_OPERATIONS, matrix_product, operations

import napari_srgan
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.lazy import LAZY_TILE
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.choice import choose_side, choose_tiles
from napari_srgan.inference.tiles.cross_fade import seen_around
from napari_srgan.inference.tiles.tiling import Span, Tile
from napari_srgan.models import Model, load_model

WAYS = ("in memory", "to OME-Zarr", "lazy")
SIDES = (64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1280)


class InNetwork:
    """Time inside of the network and pixels that went through it, of all engines of this process."""

    def __init__(self) -> None:
        self.pixels = 0
        self._seconds = 0.0
        self._events: list[tuple[Any, Any]] = []
        inner = NetworkRunner._forward

        def forward(runner: NetworkRunner, network: Any, low: torch.Tensor) -> Any:
            self.pixels += low.shape[2] * low.shape[3]
            began = time.perf_counter()
            if runner.device.type != "cuda":
                result = inner(runner, network, low)
                self._seconds += time.perf_counter() - began
                return result
            hooks = [network.register_forward_pre_hook(self._begin), network.register_forward_hook(self._end)]
            try:
                return inner(runner, network, low)
            finally:
                for hook in hooks:
                    hook.remove()

        NetworkRunner._forward = forward  # type: ignore[method-assign]

    @property
    def seconds(self) -> float:
        """On a GPU by its own clock, without copies."""
        if self._events:
            torch.cuda.synchronize()
        return self._seconds + sum(first.elapsed_time(last) / 1e3 for first, last in self._events)

    def _begin(self, *_: Any) -> None:
        self._events.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
        self._events[-1][0].record()

    def _end(self, *_: Any) -> None:
        self._events[-1][1].record()


def picture(side: int) -> NDArray[np.uint16]:
    """Blurred spots with the noise of a camera."""
    draw = np.random.default_rng(0)
    smooth = gaussian_filter(draw.random((side, side), np.float32), 2) * 20_000
    return (smooth + draw.poisson(40, (side, side))).astype(np.uint16)


def upscale(way: str, image: NDArray[Any], model: Model, folder: Path, options: dict[str, Any]) -> None:
    if way == "in memory":
        napari_srgan.upscale(image, model, progress=False, **options)
    elif way == "to OME-Zarr":
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            out = Path(inside) / "out.ome.zarr"
            napari_srgan.upscale(image, model, out=out, progress=False, **options)
    else:
        np.asarray(napari_srgan.upscale(image, model, lazy=True, progress=False, **options))


def measure(way: str, name: str, precision: str, side: int, folder: Path, device: str) -> dict[str, Any]:
    """One way, in this process."""
    model, image = load_model(name), picture(side)
    options = {"device": device, "precision": precision}
    began = time.perf_counter()
    upscale(way, image[:64, :64], model, folder, options)
    start = time.perf_counter() - began
    network = InNetwork()
    processor, began = time.process_time(), time.perf_counter()
    upscale(way, image, model, folder, options)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    engine = Engine(model, device, precision)
    rates = [matrix_rate(engine) for _ in range(5)]
    work = operations(model.network) * image.size
    return {
        "rate": image.size / 1e6 / seconds, "processor": processor / (image.size / 1e6), "start": start,
        "halo": network.pixels / image.size - 1, "network": network.seconds / seconds,
        "peak": work / seconds / max(rates), "precision": engine.precision,
        "memory": psutil.Process().memory_info().rss / 2**20,
    }  # fmt: skip


def matrix_rate(engine: Engine) -> float:
    """Operations a second in matrix products, in the precision of the engine."""
    began = time.perf_counter()
    matrix_product(engine.dtype, engine.device)
    if engine.device.type == "cuda":
        torch.cuda.synchronize()
    return MATRIX_OPERATIONS / (time.perf_counter() - began)


def print_ways(arguments: argparse.Namespace) -> None:
    print(
        "| model | precision | way | Mpixel/s | processor, s/Mpixel | starting, s | halo | in the network "
        "| of the matrix peak |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for name in arguments.models:
        for precision in arguments.precisions:
            for way in WAYS:
                one = [name, precision, way, str(arguments.side), str(arguments.folder), arguments.device]
                command = [sys.executable, __file__, "--one", json.dumps(one)]
                answers = [
                    json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
                    for _ in range(arguments.repeat)
                ]
                found = {
                    key: median(answer[key] for answer in answers) for key in answers[0] if key != "precision"
                }
                print(
                    f"| {name} | {answers[0]['precision']} | {way} | {found['rate']:.3f} | "
                    f"{found['processor']:.2f} | {found['start']:.1f} | {found['halo']:+.0%} | "
                    f"{found['network']:.0%} | {found['peak']:.0%} |",
                    flush=True,
                )


def print_tiles(arguments: argparse.Namespace) -> None:
    """What a pixel costs in tiles of all sides, with reading and rounding; all in turn."""
    for name in arguments.models:
        for precision in arguments.precisions:
            model = load_model(name)
            engine = Engine(model, arguments.device, precision)
            halo = seen_around(model.card.receptive_radius)
            image = picture(max(SIDES) + 2 * halo)
            work = PlaneWork(engine, PlaneStack(image, "YX", model.card), Tile(Span(0, 0), Span(0, 0)))
            whole = Tile(Span(0, arguments.side), Span(0, arguments.side))
            on_disk, in_memory = choose_side(engine, 1, halo), choose_tiles(engine, 1, whole, halo)
            eager = round(float(np.sqrt(max(tile.pixels for tile in in_memory))))
            costs: dict[int, list[float]] = {side: [] for side in sorted({*SIDES, on_disk, eager, LAZY_TILE})}
            for turn in range(arguments.repeat + 1):
                for side, seen in costs.items():
                    middle = Tile(Span(halo, halo + side), Span(halo, halo + side))
                    began = time.perf_counter()
                    work.frames((), middle, None, Watch(), rounded=True)
                    if turn:
                        seen.append((time.perf_counter() - began) / (side * side / 1e6))
            seconds = {side: median(seen) for side, seen in costs.items()}
            best = min(seconds.values())
            print(
                f"\n{name}, {engine.precision}, halo {halo}:\n\n| side of a tile | s/Mpixel | of the best |"
            )
            print("| --- | --- | --- |")
            for side, cost in seconds.items():
                chosen = {on_disk: ", to disk", eager: f", in memory of {arguments.side} pixels"}
                lazy = ", lazy" if side == LAZY_TILE else ""
                print(f"| {side}{chosen.get(side, '')}{lazy} | {cost:.2f} | {cost / best:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["microscopy-x2", "microscopy-x4"])
    parser.add_argument("--precisions", nargs="+", default=["auto", "float32"])
    parser.add_argument("--side", type=int, default=2500)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--tiles", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, precision, way, side, folder, device = json.loads(arguments.one)
        print(json.dumps(measure(way, name, precision, int(side), Path(folder), device)))
        return
    print(f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f} at the start")
    (print_tiles if arguments.tiles else print_ways)(arguments)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
