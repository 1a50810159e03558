"""Compare the results of two versions of the package, bit for bit, over a grid of inputs and ways.

    python benchmarks/same_results.py --write before.json
    python benchmarks/same_results.py --against before.json

Only what users call is used (the functions, the shell, layers), so that the same script runs on both
versions: arrays of several dtypes and axes, every bundled model, tiles, regions, orientations, a drifting
movie, lazily, stores, a cluster, files of several formats, layers, and a short fine-tuning. What is compared
is the digest of all pixels, with shape and dtype; of layers where they lie, too. Both runs have to be made on
one machine: another one adds numbers in another order.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
import zarr
from numpy.typing import NDArray

import napari_srgan as sr

Results = dict[str, Callable[[], Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--against", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", sr.ImageWarning)
    torch.set_num_threads(1)  # more threads add in another order
    with tempfile.TemporaryDirectory() as folder:
        digests = {name: digest(make()) for name, make in cases(Path(folder)).items()}
    if arguments.write is not None:
        arguments.write.write_text(json.dumps({"machine": machine(), "digests": digests}, indent=1))
    if arguments.against is None:
        print("\n".join(f"{value}  {name}" for name, value in digests.items()))
        return
    before = json.loads(arguments.against.read_text())
    if before["machine"] != machine():
        sys.exit(f"{arguments.against} was made on another machine: {before['machine']}")
    if differing := [name for name, value in digests.items() if before["digests"].get(name) != value]:
        print("differ:", *differing, sep="\n  ")
    if gone := before["digests"].keys() - digests.keys():
        print("not compared:", *sorted(gone), sep="\n  ")
    print(f"{len(digests) - len(differing)} of {len(before['digests'])} results are the same, bit for bit")
    sys.exit(bool(differing or gone))


def machine() -> str:
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"


def digest(result: Any) -> str:
    """What a result is known again by: pixels, shape and dtype, and where a layer lies."""
    found = hashlib.sha256()
    if hasattr(result, "metadata") and hasattr(result, "translate"):  # a layer
        found.update(repr((result.name, np.asarray(result.affine.affine_matrix).tolist())).encode())
        found.update(repr((list(result.scale), list(result.translate), result.contrast_limits)).encode())
        result = result.data[0] if result.multiscale else result.data
    pixels = np.ascontiguousarray(result)
    found.update(repr((pixels.shape, pixels.dtype.str)).encode())
    found.update(pixels.tobytes())
    return found.hexdigest()[:16]


def picture(*shape: int, dtype: str = "uint16", seed: int = 0) -> NDArray[Any]:
    """Blobs under noise, over most of a dtype's range."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    blobs = sum(
        np.exp(-((y - random.uniform(0, shape[-2])) ** 2 + (x - random.uniform(0, shape[-1])) ** 2) / 40)
        for _ in range(12)
    )
    light = random.poisson(np.broadcast_to(blobs, shape) * 80 + 5) / 200
    if dtype == "bool":
        return light > 0.2
    if np.dtype(dtype).kind == "f":
        return light.astype(dtype)
    return (np.clip(light, 0, 1) * min(60_000, np.iinfo(dtype).max)).astype(dtype)


def holes() -> NDArray[Any]:
    image = picture(50, 61, dtype="float32")
    image[10:13, 20:30], image[40, 5] = np.nan, np.inf
    return image


def cases(folder: Path) -> Results:
    """By name, what makes each result."""
    made: Results = {}

    def add(name: str, image: Any, model: Any = "microscopy-x2", /, **options: Any) -> None:
        made[name] = partial(sr.upscale, image, model, progress=False, **options)

    for dtype in ("uint8", "uint16", "int16", "int32", "float16", "float32", "float64", "bool"):
        add(f"dtype {dtype}", picture(45, 52, dtype=dtype))
    for axes, shape in (("ZYX", (3, 40, 41)), ("TCYX", (2, 2, 33, 48)), ("TZCYX", (2, 2, 2, 24, 25))):
        add(f"axes {axes}", picture(*shape), axes=axes)
    colours = np.moveaxis(np.stack([picture(40, 44, dtype="uint8", seed=n) for n in range(4)]), 0, -1)
    for name in sorted(card.name for card in sr.list_models() if card.frames == 1):
        add(f"model {name}", picture(60, 50), name)
        add(f"model {name}, colours", colours[..., :3], name)
        add(f"model {name}, tiles", picture(150, 140), name, tile=64)
    add("alpha", colours, "photo-x4")
    add("not finite", holes())
    add("region", picture(90, 80), region=((10, 61), (5, 70)))
    add("region in tiles", picture(190, 180), region=((10, 161), (5, 170)), tile=64)
    add("orientations", picture(60, 50), self_ensemble=True)
    add("large", picture(700, 650))
    movie = np.stack([np.roll(picture(64, 60, seed=3), 2 * n, 0) for n in range(7)])
    add("movie", movie, "timelapse-x2", axes="TYX")
    add("movie, drift", movie, "timelapse-x2", axes="TYX", align="drift")
    add("lazily", picture(2, 300, 310), lazy=True)
    add("lazily, tiles", picture(200, 210), tile=64, lazy=True)
    add("store", picture(2, 300, 310), out=folder / "a.ome.zarr")
    add("store, tiles", picture(300, 310), tile=64, out=folder / "b.zarr")
    add("store of a movie", movie, "timelapse-x2", axes="TYX", out=folder / "c.zarr")
    made["cluster"] = partial(on_cluster, picture(300, 310), folder / "d.ome.zarr")
    source = folder / "a.tif"
    tifffile.imwrite(source, picture(2, 60, 50), imagej=True, metadata={"axes": "ZYX"})
    for ending in (".tif", ".ome.tif", ".ome.zarr", ".png"):
        made[f"shell to {ending}"] = partial(by_shell, source, folder / f"shell{ending}")
    made["layer"] = layer
    made["layer, lazily"] = partial(layer, lazy=True)
    made["layer, store"] = partial(layer, out=folder / "e.ome.zarr")
    for style in ("faithful", "sharp"):
        made[f"fine-tuning, {style}"] = partial(fine_tuned, style)
    return made


def on_cluster(image: NDArray[Any], out: Path) -> Any:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        return np.asarray(sr.upscale(image, "microscopy-x2", tile=128, out=out, progress=False))


def by_shell(source: Path, out: Path) -> Any:
    """Pixels of a file that the shell wrote, or why it wrote none."""
    command = [sys.executable, "-m", "napari_srgan", "upscale", source, out, "--tile", "128"]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        return np.frombuffer(ran.stderr.replace(str(out.parent), "").encode(), np.uint8)
    return zarr.open_group(out, mode="r")["0"] if out.suffix == ".zarr" else tifffile.imread(out)


def layer(**options: Any) -> Any:
    from napari.layers import Image

    below = Image(picture(2, 120, 100), name="cells", scale=(2, 0.5, 0.25), translate=(1, 2, 3))
    return sr.upscale(below, "microscopy-x2", progress=False, **options)


def fine_tuned(style: str) -> Any:
    """What a model says of an image after two steps on a pair."""
    high = picture(192, 192, seed=5)
    low = high.reshape(96, 2, 96, 2).mean((1, 3)).astype(np.uint16)
    model = sr.fine_tune(low, high, base="microscopy-x2", steps=2, style=style, seed=1, progress=False)
    return sr.upscale(picture(60, 50), model, progress=False)


if __name__ == "__main__":
    main()
