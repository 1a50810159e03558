"""Time `upscale` against what one would do without it, and print medians and ratios, turn by turn.

    python benchmarks/upscale.py [--foreign realesr-animevideov3-x4.pth] [--only foreign] [--repeat 5]

In one run, repetitions interleaved so that a drifting machine slows all alike:

* ours: `napari_srgan.upscale` of an 8-bit RGB and a 16-bit image of a megapixel
* naive: the same network called on the whole image at once, float32, eager
* with ``--foreign``: Spandrel's own float32 call of a checkpoint in a plain tile loop (tile 256, halo 10),
  and of the whole image at once, against ours with the same weights
* what a processor without bfloat16 takes, on one that has it: ``--precision float32``, and in the environment
  ``ONEDNN_MAX_CPU_ISA=AVX2`` and ``ATEN_CPU_CAPABILITY=avx2``
* the rate of the machine's matrix products in our precision, and ours beside it
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import napari_srgan
from napari_srgan.inference.devices.choice import choose_device, choose_dtype
from napari_srgan.models import Model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--only", nargs="+", default=["photo-x4", "microscopy-x2", "foreign"])
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    draw = np.random.default_rng(0)
    gray = draw.integers(0, 60_000, (arguments.side, arguments.side)).astype(np.uint16)
    rgb = draw.integers(0, 255, (arguments.side, arguments.side, 3)).astype(np.uint8)

    runs: dict[str, Callable[[], Any]] = {}
    work: dict[str, float] = {}
    for name, image in (("photo-x4", rgb), ("microscopy-x2", gray)):
        if name not in arguments.only:
            continue
        model = napari_srgan.load_model(name)
        key = f"{name}, {image.dtype} {'RGB' if image.ndim == 3 else 'gray'}"
        runs[f"ours: {key}"] = lambda i=image, m=model: ours(i, m, arguments.device, arguments.precision)
        runs[f"naive: {key}"] = lambda i=image, m=model: naive(i, m.network, device)
        work[f"ours: {key}"] = operations(model.network) * image.shape[0] * image.shape[1]
    if arguments.foreign and "foreign" in arguments.only:
        model, plain = foreign_model(arguments.foreign)
        key = "foreign, uint8 RGB"
        runs[f"ours: {key}"] = lambda: ours(rgb, model, arguments.device, arguments.precision)
        runs[f"naive: {key}"] = lambda: tile_loop(rgb, plain, device)
        runs[f"naive: {key}{WHOLE}"] = lambda: naive(rgb, plain, device)
        work[f"ours: {key}"] = operations(model.network) * rgb.shape[0] * rgb.shape[1]
    kind = choose_dtype(device, arguments.precision)
    runs["matrix product"] = lambda: matrix_product(kind, device)

    seconds = measure(runs, arguments.repeat)
    rate = MATRIX_OPERATIONS / median(seconds["matrix product"])
    print(f"{device}, {torch.get_num_threads()} threads, matrix products of {kind}: {rate / 1e9:.0f} GFLOP/s")
    print("| what | ours, s | naive, s | times faster | in each turn | of the matrix rate |")
    print("| --- | --- | --- | --- | --- | --- |")
    for naively in (name for name in runs if name.startswith("naive: ")):
        key = naively.removeprefix("naive: ")
        name = f"ours: {key.removesuffix(WHOLE)}"
        own, theirs = median(seconds[name]), median(seconds[naively])
        turns = [theirs / ours for ours, theirs in zip(seconds[name], seconds[naively], strict=True)]
        each = ", ".join(f"{ratio:.2f}" for ratio in turns)
        share = work[name] / own / rate
        print(f"| {key} | {own:.2f} | {theirs:.2f} | {median(turns):.2f} | {each} | {share:.0%} |")


WHOLE = ", the whole image at once"

MATRIX_SIDE = 2048
MATRIX_OPERATIONS = 2 * MATRIX_SIDE**3


def measure(runs: dict[str, Callable[[], Any]], repeat: int) -> dict[str, list[float]]:
    """Processor seconds of each on a CPU, else seconds, in turns after a warm-up.

    Processor seconds hardly suffer from what else a machine does.
    """
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeat + 1):
        for name, run in runs.items():
            began = clock()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                times[name].append(clock() - began)
    return times


def ours(image: Any, model: Model, device: str, precision: str) -> Any:
    return napari_srgan.upscale(image, model, device=device, precision=precision, progress=False)


@torch.inference_mode()
def naive(image: Any, network: nn.Module, device: torch.device) -> Any:
    """What a script does that has only the network: the whole image, float32, eager."""
    network = network.to(device)
    peak = float(np.iinfo(image.dtype).max)
    planes = image[..., None] if image.ndim == 2 else image
    low = torch.from_numpy(planes.astype(np.float32) / peak).permute(2, 0, 1)[None].to(device)
    high = network(low.contiguous()).clamp(0, 1).cpu()
    network.cpu()
    return (high[0].permute(1, 2, 0).numpy() * peak).round().astype(image.dtype)


@torch.inference_mode()
def tile_loop(
    image: Any,
    network: nn.Module,
    device: torch.device,
    tile: int = 256,
    halo: int = 10,
    dtype: torch.dtype = torch.float32,
) -> Any:
    """The tile loop people write around a checkpoint."""
    network = network.to(device, dtype)
    low = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    height, width = low.shape[2:]
    high = torch.empty(1, 3, height * 4, width * 4)
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            y0, x0 = max(y - halo, 0), max(x - halo, 0)
            y1, x1 = min(y + tile, height), min(x + tile, width)
            seen = low[:, :, y0 : min(y1 + halo, height), x0 : min(x1 + halo, width)].to(device, dtype)
            large = network(seen).float().cpu()
            top, left = (y - y0) * 4, (x - x0) * 4
            high[:, :, y * 4 : y1 * 4, x * 4 : x1 * 4] = large[
                :, :, top : top + (y1 - y) * 4, left : left + (x1 - x) * 4
            ]
    network.to("cpu", torch.float32)
    return (high.clamp(0, 1)[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)


def matrix_product(dtype: torch.dtype, device: torch.device) -> Tensor:
    one = torch.ones(MATRIX_SIDE, MATRIX_SIDE, dtype=dtype, device=device)
    return one @ one


def operations(network: nn.Module) -> float:
    """Multiplications and additions for each low-resolution pixel, convolutions only."""
    total = 0.0

    def count(layer: nn.Module, _: Any, result: Tensor) -> None:
        weight = layer.weight[0].numel()  # type: ignore[union-attr,index]
        nonlocal total
        total += 2 * weight * result.numel() / SIDE**2

    SIDE = 16
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    channels = next(m for m in network.modules() if isinstance(m, nn.Conv2d)).in_channels
    with torch.inference_mode():
        network(torch.zeros(1, channels, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return total


def foreign_model(file: Path) -> tuple[Model, nn.Module]:
    """A checkpoint as this package reads it, seen on the range of 8-bit data, and as Spandrel does."""
    from spandrel import ModelLoader

    model = napari_srgan.load_model(file)
    model = Model(model.network, model.card.model_copy(update={"intensity": "byte"}))
    return model, ModelLoader(device="cpu").load_from_file(file).model.eval().requires_grad_(False)


if __name__ == "__main__":
    main()
