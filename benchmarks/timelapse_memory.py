"""Upscale movies of 20 and of 2,000 frames, and print the memory that each takes.

    python benchmarks/timelapse_memory.py [--frames 20 2000] [--model recurrent] [--side 96]

Each movie is computed where it is read and its result is thrown away, so that what is left is what the
upscaling itself holds; each has a process of its own. The networks are untrained: weights change nothing
in memory. Printed are the peak of what Python has allocated, the peak of the process beyond what it had
before the first clip, and how often a frame was read, its neighbours' clips counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import psutil
import torch
from numpy.typing import NDArray

from napari_srgan.images.image import Image
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import build_network

KINDS: dict[str, dict[str, Any]] = {"early-fusion": {}, "slow-fusion": {}, "recurrent": {}}
WIDTH = 16
"""Features of the networks: few, as it is not time that is measured."""


class Computed:
    """A movie whose pixels follow from where they lie and when: waves that move."""

    def __init__(self, frames: int, side: int) -> None:
        self.shape, self.dtype = (frames, side, side), np.dtype(np.uint16)
        self.read = 0

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.uint16]:
        shape = [along if isinstance(along, slice) else slice(along, along + 1) for along in key]
        t, y, x = (np.arange(*s.indices(size)) for s, size in zip(shape, self.shape, strict=True))
        self.read += len(t) * len(y) * len(x)
        waves = np.sin(y / 5 + t[:, None] / 9)[:, :, None] + np.cos(x / 7 - t[:, None] / 5)[:, None, :]
        values: NDArray[np.uint16] = (1000 + 400 * waves).astype(np.uint16)
        return values if isinstance(key[0], slice) else values[0]


class Nowhere:
    """Takes a result, and keeps nothing of it."""

    def __setitem__(self, key: Any, value: Any, /) -> None:
        pass


def nowhere(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Nowhere:  # noqa: ARG001
    """The sink of a job."""
    return Nowhere()


def untrained(kind: str) -> Model:
    """A model as it is before its training."""
    arguments = {"scale_factor": 2, "channels": 1, "width": WIDTH} | KINDS[kind]
    torch.manual_seed(0)
    network = build_network(kind, arguments)
    card = ModelCard(
        name=f"untrained-{kind}", description="untrained", architecture=kind, arguments=arguments,
        scale_factor=2, channels=1, frames=network.frames, intensity="percentile",
        receptive_radius=network.receptive_radius, licence="BSD-3-Clause",
    )  # fmt: skip
    return Model(network.eval().requires_grad_(False), card)


def measure(frames: int, kind: str, side: int) -> dict[str, float]:
    """Upscale one movie, and tell what that took."""
    movie, process = Computed(frames, side), psutil.Process()
    job = upscale_job(Image(movie, "TYX"), untrained(kind), UpscaleOptions(device="cpu"), sink=nowhere)
    next(job)
    tracemalloc.start()
    first = most = 0
    for number, _ in enumerate(job):
        resident = most = max(most, process.memory_info().rss)
        if number == 0:  # the intensities are known, and the tiles; now comes the first clip
            tracemalloc.reset_peak()
            first, movie.read = resident, 0
    return {
        "frames": frames,
        "allocated": tracemalloc.get_traced_memory()[1] / 2**20,
        "resident": (most - first) / 2**20,
        "read": movie.read / float(np.prod(movie.shape, dtype=np.int64)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[20, 2000])
    parser.add_argument("--model", choices=KINDS, default="recurrent")
    parser.add_argument("--side", type=int, default=96, help="of the plane, in pixels")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.frames[0], arguments.model, arguments.side)))
        return
    print("| frames | allocated by Python, MiB | process, MiB more | each frame read |\n|---|---|---|---|")
    for frames in arguments.frames:
        options = ["--here", "--frames", str(frames), "--model", arguments.model]
        command = [sys.executable, __file__, *options, "--side", str(arguments.side)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"| {frames:,} | {said['allocated']:.1f} | {said['resident']:.0f} | {said['read']:.1f} times |",
            flush=True,
        )


if __name__ == "__main__":
    main()
