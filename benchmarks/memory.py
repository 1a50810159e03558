"""Upscale images of 1, 10 and 100 gigapixels to disk, and print the memory that each takes.

    python benchmarks/memory.py FOLDER [--gigapixels 1 10 100] [--model microscopy-x4]

The input is computed where it is read, so that it takes no memory and no disk. The first image goes through
a bundled model. The others go through a network that only repeats pixels, as days of arithmetic would
change nothing in memory; it takes as much memory for that as the model, in tiles of the same size. Each
image has a process of its own. A result is deleted when it is finished; 100 gigapixels are some 10 GB.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.images.image import Image
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.tiles.choice import choose_side
from napari_srgan.inference.tiles.cross_fade import seen_around
from napari_srgan.models import Model, ModelCard, load_model
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import GeneratorArguments
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job
from napari_srgan.results.upscaled_store import StoreRun

FACTOR = 4
LAYERS, FEATURES = 4, 16
"""Layers' results that are in memory at one time, and their float32 features: as in microscopy-x4."""
LEAST_FREE = 5e9
"""Bytes of disk that are left to others: below, the run stops."""
EVERY = 1.0
"""Seconds between two looks at the memory."""


class Computed:
    """A large image whose pixels follow from where they lie: squares of many greys, easily compressed."""

    def __init__(self, side: int) -> None:
        self.shape, self.dtype = (side, side), np.dtype(np.uint8)

    def __getitem__(self, key: tuple[slice, slice]) -> NDArray[np.uint8]:
        y, x = (
            (np.arange(*part.indices(size)) // 16).astype(np.uint8)
            for part, size in zip(key, self.shape, strict=True)
        )
        squares: NDArray[np.uint8] = y[:, None] ^ x[None]
        return squares


class Repeats(Generator):
    """Costs next to nothing, but for the memory of a model's layers: every pixel, four by four times."""

    def __init__(self) -> None:
        super().__init__(GeneratorArguments(FACTOR, 1))
        self.weight = torch.nn.Parameter(torch.ones(1))

    @property
    def receptive_radius(self) -> int:
        return 0

    def forward(self, low: Tensor) -> Tensor:
        layers = [low.new_ones(*low.shape[:-3], FEATURES, *low.shape[-2:]) for _ in range(LAYERS)]
        del layers
        wide = low[..., None, :, None].expand(*low.shape[:-1], FACTOR, low.shape[-1], FACTOR)
        return wide.reshape(*low.shape[:-2], low.shape[-2] * FACTOR, low.shape[-1] * FACTOR)


def repeats() -> Model:
    network = Repeats().eval().requires_grad_(False)
    card = ModelCard.model_construct(
        name="repeats", description="", scale_factor=FACTOR, channels=1, intensity="byte", receptive_radius=0
    )
    return Model(network, card)


class Memory:
    """Resident memory of this process, looked at once a second."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(EVERY):
            self.seen.append(process.memory_info().rss)

    def end(self) -> list[int]:
        self._ended.set()
        self._thread.join()
        return self.seen


def run(folder: Path, gigapixels: float, name: str, tiles_of: str) -> dict[str, Any]:
    """Upscale one image, with the tiles that are chosen for a model; what it took."""
    model = repeats() if name == "repeats" else load_model(name)
    like = load_model(tiles_of)
    tile = choose_side(Engine(like), 1, seen_around(like.card.receptive_radius))
    side = math.isqrt(int(gigapixels * 1e9)) // model.scale_factor
    path = folder / f"napari-srgan-memory-{gigapixels:g}.ome.zarr"
    memory, began = Memory(), time.perf_counter()
    last = began
    try:
        image = Image(Computed(side), "YX")
        job = upscale_to_zarr_job(StoreRun(image, model, path, UpscaleOptions(tile=tile), overwrite=True))
        for progress in job:
            if shutil.disk_usage(folder).free < LEAST_FREE:
                raise SystemExit(f"less than {LEAST_FREE / 1e9:.0f} GB are free in {folder}; stopped")
            if time.perf_counter() - last > 60:
                last = time.perf_counter()
                print(f"  {gigapixels:g} gigapixels: {progress.done / progress.total:.0%}", file=sys.stderr)
        seconds = time.perf_counter() - began
        disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    finally:
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path.with_name(f".partial-{path.name}"), ignore_errors=True)
    seen = memory.end()
    quarters = [max(seen[len(seen) * n // 4 : len(seen) * (n + 1) // 4 + 1]) for n in range(4)]
    pixels = (side * model.scale_factor) ** 2
    return {"pixels": pixels, "model": name, "seconds": seconds, "disk": disk, "quarters": quarters}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigapixels", type=float, nargs="+", default=[1, 10, 100])
    parser.add_argument("--model", default="microscopy-x4", help="for the first of them")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run(arguments.folder, arguments.gigapixels[0], arguments.one, arguments.model)))
        return
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    print("| gigapixels | network | minutes | Mpixel/s | GB on disk | peak, MiB | in each quarter |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    peaks = []
    for number, gigapixels in enumerate(arguments.gigapixels):
        name = "repeats" if number else arguments.model
        command = [sys.executable, __file__, str(arguments.folder), "--gigapixels", str(gigapixels)]
        command += ["--model", arguments.model, "--one", name]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        found = json.loads(answer.splitlines()[-1])
        peaks.append(max(found["quarters"]) / 2**20)
        print(
            f"| {gigapixels:g} | {name} | {found['seconds'] / 60:.1f} | "
            f"{found['pixels'] / 1e6 / found['seconds']:.1f} | {found['disk'] / 1e9:.1f} | {peaks[-1]:.0f} | "
            + ", ".join(f"{quarter / 2**20:.0f}" for quarter in found["quarters"]) + " |",
            flush=True,
        )  # fmt: skip
    print(
        f"largest peak: {max(peaks) / min(peaks) - 1:.0%} above the smallest; load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
