"""How long the public API takes with this source tree beside another one, in turns.

    git worktree add --detach OTHER COMMIT
    python benchmarks/two_trees.py OTHER [--side 1024] [--rounds 5]

Every measurement runs in a process of its own that imports ``OTHER/src`` or this tree's, one right after the
other, so that whatever else the machine does is shared. Printed are medians over the rounds of the ratio of
this tree's processor and wall time to the other's: below 1 this one is faster.
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
from markdown_table import markdown
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

HERE = Path(__file__).parents[1]
SMALL, MANY = 48, 40


def picture(side: int) -> NDArray[np.uint16]:
    """Blurred spots with the noise of a camera."""
    draw = np.random.default_rng(0)
    smooth = gaussian_filter(draw.random((side, side), np.float32), 2) * 20_000
    return (smooth + draw.poisson(40, (side, side))).astype(np.uint16)


def in_memory(image: Any, model: Any) -> None:
    import napari_srgan

    napari_srgan.upscale(image, model, progress=False, device="cpu")


def small(image: Any, model: Any) -> None:
    for _ in range(MANY):
        in_memory(image[:SMALL, :SMALL], model)


def to_store(image: Any, model: Any) -> None:
    import napari_srgan

    with tempfile.TemporaryDirectory() as folder:
        napari_srgan.upscale(image, model, out=Path(folder) / "a.ome.zarr", progress=False, device="cpu")


def lazily(image: Any, model: Any) -> None:
    import napari_srgan

    np.asarray(napari_srgan.upscale(image, model, lazy=True, progress=False, device="cpu"))


WAYS = {
    "in memory": in_memory,
    f"{MANY} images of {SMALL} x {SMALL}": small,
    "to OME-Zarr": to_store,
    "lazily": lazily,
}
"""What is timed, by its name in the table."""


def timed(way: str, name: str, side: int) -> list[float]:
    """Processor and wall seconds, without imports and the first call."""
    import napari_srgan

    model, image = napari_srgan.load_model(name), picture(side)
    in_memory(image[:SMALL, :SMALL], model)
    processor, wall = time.process_time(), time.perf_counter()
    WAYS[way](image, model)
    return [time.process_time() - processor, time.perf_counter() - wall]


def measure(tree: Path, way: str, name: str, side: int) -> NDArray[np.float64]:
    command = [sys.executable, __file__, str(tree), "--one", json.dumps([way, name, side])]
    ran = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONPATH": str(tree / "src")}
    )
    return np.array(json.loads(ran.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--models", nargs="+", default=["microscopy-x2"])
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(timed(*json.loads(chosen.one))))
        return
    rows = []
    for name in chosen.models:
        for way in WAYS:
            ratios = [
                measure(HERE, way, name, chosen.side)
                / measure(chosen.other.resolve(), way, name, chosen.side)
                for _ in range(chosen.rounds)
            ]
            rows.append((name, way, *(f"{median(one):.2f}" for one in zip(*ratios, strict=True))))
    print(markdown([("model", "way", "processor time, this / other", "wall time, this / other"), *rows]))


if __name__ == "__main__":
    main()
