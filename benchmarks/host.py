"""How much of a processor everything takes but the network: what is left for a GPU to wait for.

    python benchmarks/host.py [--side 2048] [--repeat 5] [--folder FOLDER]

A bundled model's network is replaced by nearest neighbour, which sees as far. What is printed are
milliseconds of one processor for each megapixel of the input, medians, on one thread of torch, without the
time in the network; stages are told apart by the thread that they run on, and "the rest" is what no stage
took: the generator, progress, zarr and its compression. A thousand divided by a row's sum is the most
megapixels a second that any GPU could make beside one such processor.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from markdown_table import markdown
from numpy.typing import NDArray
from throughput import picture
from torch import Tensor, nn

import napari_srgan
from napari_srgan.acquisition import choice
from napari_srgan.inference.devices import network_runner
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.tiles.batch import TileBatch
from napari_srgan.inference.tiles.tile_run import TileRun
from napari_srgan.models import Model
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import GeneratorArguments


class NearestNeighbour(Generator):
    """Repeats pixels, and sees as far as another network."""

    def __init__(self, like: Generator) -> None:
        super().__init__(GeneratorArguments(like.scale_factor, like.channels))
        self.weight = nn.Parameter(torch.ones(1))
        self._radius = like.receptive_radius

    @property
    def receptive_radius(self) -> int:
        return self._radius

    def forward(self, low: Tensor) -> Tensor:
        high = low.repeat_interleave(self.scale_factor, -2).repeat_interleave(self.scale_factor, -1)
        return high.contiguous(memory_format=torch.channels_last)


NETWORK = "network"
STAGES = {
    "looking at it": (choice, "look_at"),
    "percentiles": (PlaneStack, "transforms"),
    "reading": (PlaneStack, "read_frames"),
    "continuing": (TileBatch, "raw"),
    "to the network": (TileRun, "low"),
    NETWORK: (NearestNeighbour, "forward"),
    "finite?": (network_runner, "all_finite"),
    "from the network": (TileRun, "pixels"),
    "blending": (cross_fade, "blend_strips"),
    "rounding": (PlaneWork, "restored"),
    "writing": (PlaneWork, "write"),
}
"""What is timed, each without what is timed inside of it."""


class Stages:
    """Processor time of every stage, whichever threads it runs on."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inner = threading.local()
        self._lock = threading.Lock()

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            before = getattr(self._inner, "seconds", 0.0)
            self._inner.seconds, began = 0.0, time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                whole = time.thread_time() - began
                with self._lock:
                    self.seconds[name] += whole - self._inner.seconds
                self._inner.seconds = before + whole

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, (owner, attribute) in STAGES.items():
                call = self.timed(name, getattr(owner, attribute))
                stack.enter_context(patch.object(owner, attribute, call))
            yield


def costs(upscale: Callable[[], Any], pixels: int, repeat: int) -> dict[str, float]:
    """Milliseconds of a processor for a megapixel, by stage; the network left out."""
    found: dict[str, list[float]] = {}
    for turn in range(repeat + 1):
        stages, began = Stages(), time.process_time()
        with stages.watching():
            upscale()
        whole = time.process_time() - began
        if not turn:
            continue
        seconds = {name: stages.seconds[name] for name in STAGES if name != NETWORK}
        seconds["the rest"] = whole - sum(stages.seconds.values())
        seconds["all"] = whole - stages.seconds[NETWORK]
        for name, value in seconds.items():
            found.setdefault(name, []).append(value * 1e3 / (pixels / 1e6))
    return {name: median(values) for name, values in found.items()}


def colours(side: int) -> NDArray[Any]:
    """8-bit RGB."""
    one = (picture(side) // 2**7).clip(0, 255).astype(np.uint8)
    return np.stack([one, one[::-1], one[:, ::-1]], axis=-1)


IMAGES = {
    "16-bit gray, x2": ("microscopy-x2", picture),
    "8-bit RGB, x4": ("photo-x4", colours),
}


def ways(name: str, image: NDArray[Any], folder: Path, device: str) -> dict[str, Callable[[], Any]]:
    """An image in memory and to a store, its network replaced."""
    like = napari_srgan.load_model(name)
    model = Model(NearestNeighbour(like.network).eval().requires_grad_(False), like.card)

    def to_store() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            napari_srgan.upscale(
                image,
                model,
                out=Path(inside) / "out.ome.zarr",
                device=device,
                precision="float32",
                progress=False,
            )

    return {
        "in memory": lambda: napari_srgan.upscale(
            image, model, device=device, precision="float32", progress=False
        ),
        "to OME-Zarr": to_store,
    }


def table(side: int, repeat: int, folder: Path, device: str) -> str:
    rows: list[list[str]] = []
    for title, (name, image_of) in IMAGES.items():
        image = image_of(side)
        for way, upscale in ways(name, image, folder, device).items():
            found = costs(upscale, side**2, repeat)
            rows = rows or [["image", "way", *found]]
            rows.append([title, way, *(f"{value:.1f}" for value in found.values())])
    return markdown(rows)


def processor() -> str:
    """What kind it is, as ``lscpu`` calls it."""
    try:
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("Model name")), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", napari_srgan.ImageWarning)
    print(
        f"{processor()}, numpy {np.__version__}, torch {torch.__version__}; ms for a megapixel of the input\n"
    )
    print(table(arguments.side, arguments.repeat, arguments.folder, arguments.device))


if __name__ == "__main__":
    main()
