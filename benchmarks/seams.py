"""Print how far a tiled result is from the untiled one, for models that do not tile by themselves.

    python benchmarks/seams.py [MODEL ...] [--image FILE] [--side 256] [--picture FILE.png] [--large 3000]

A model that normalises over the image (InstanceNorm) is tiled with the statistics of each tile, as is
commonly done, and with those of the whole plane, as is done here; then with those of a sample, as
for planes that do not fit into memory. A model that sees farther than the largest halo is tiled with
halos of several widths, with and without cross-fade. Unsaid, both are tried with untrained weights.

``--picture`` shows a corner of four tiles of the first model both ways. ``--large`` upscales an image
of that side from zarr to zarr first and prints the peak of memory.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from PIL import Image

import napari_srgan
from napari_srgan import samples
from napari_srgan.images.formats import open_image
from napari_srgan.images.image import Image as SeenImage
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.zarr.markers import PROVENANCE_KEY
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.inference.devices import memory
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import build_network
from napari_srgan.progress import Job
from napari_srgan.results.upscale_to_zarr import upscale_to_zarr_job
from napari_srgan.results.upscaled_store import StoreRun

TILES = (32, 64, 128)
HALOS = (8, 16, 24, 32, 40, 48, 64)
BUDGETS = (2**24, 2**25, 2**26, 2**27)
"""Bytes, for samples of a plane that would fit as a whole."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--image", type=Path)
    parser.add_argument("--side", type=int, default=256, help="pixels of the image that are upscaled")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--large", type=int)
    arguments = parser.parse_args()
    models = [napari_srgan.load_model(name) for name in arguments.models] or [
        untrained("untrained-instance", normalisation="instance"),
        untrained("untrained-deep", normalisation="none", blocks=40),
    ]
    for number, model in enumerate(models):
        print(f"\n{model.name} x{model.scale_factor}, receptive radius {model.card.receptive_radius}")
        image = image_for(model, arguments.image, arguments.side)
        if arguments.large:
            print_memory(model, image, arguments.large)
        if model.network.needs_plane_statistics:
            print_statistics(model, image)
        if model.card.receptive_radius > cross_fade.MOST_HALO:
            print_halos(model, image)
        if number == 0 and arguments.picture:
            picture(model, image).save(arguments.picture)


def untrained(name: str, **arguments: Any) -> Model:
    """A model of random weights whose output keeps to the range of its input."""
    torch.manual_seed(0)
    arguments = {"scale_factor": 2, "channels": 1, "width": 32, "interpolated_skip": True} | arguments
    network = build_network("srresnet", arguments).eval().requires_grad_(False)
    torch.nn.init.normal_(network.tail[-1].weight, std=0.003)  # type: ignore[index,union-attr,arg-type]
    card = ModelCard(
        name=name,
        description="untrained",
        architecture="srresnet",
        arguments=arguments,
        scale_factor=2,
        channels=1,
        intensity="percentile",
        receptive_radius=network.receptive_radius,
        licence="BSD-3-Clause",
    )
    return Model(network, card)


def image_for(model: Model, file: Path | None, side: int) -> NDArray[Any]:
    """The middle of an image, gray for models of one channel."""
    sample = "tissue" if model.card.channels == 3 else "nuclei"
    with open_image(file or samples.sample_path(sample)) as opened:
        pixels = np.asarray(opened.data[...])
    if pixels.ndim == 3 and model.card.channels == 1:
        pixels = pixels[..., :3].mean(-1).astype(pixels.dtype)
    y, x = (max((size - side) // 2, 0) for size in pixels.shape[:2])
    return np.ascontiguousarray(pixels[y : y + side, x : x + side])


def upscaled(model: Model, image: Any, *, tile: int | None = None) -> Upscaled:
    """Upscale in float32."""
    axes = "YX" if image.ndim == 2 else "YXS"
    result: Upscaled = exhaust(
        upscale_job(SeenImage.of_array(image, axes), model, UpscaleOptions(tile=tile, precision="float32"))
    )
    return result


def exhaust(job: Job[Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def difference(result: NDArray[Any], exact: NDArray[Any], image: NDArray[Any]) -> str:
    """Largest difference in parts of the image's range, and its mean square in dB of it."""
    span = float(image.max()) - float(image.min())
    error = (result.astype(np.float64) - exact) / span
    mean = float(np.mean(error**2))
    return f"{np.abs(error).max():.1e} | {-10 * np.log10(mean) if mean else np.inf:.1f}"


def tiles_take_their_own() -> AbstractContextManager[Any]:
    """Without what is done here: every tile is normalised by itself."""
    return patch.object(PlaneWork, "must_measure", return_value=False)


def print_statistics(model: Model, image: NDArray[Any]) -> None:
    values = image.astype(np.float32)
    exact = upscaled(model, values, tile=10_000).data
    print("\n| tile | own statistics: largest | dB | the plane's: largest | dB |")
    print("| --- | --- | --- | --- | --- |")
    for tile in TILES:
        with tiles_take_their_own():
            own = difference(upscaled(model, values, tile=tile).data, exact, image)
        print(f"| {tile} | {own} | {difference(upscaled(model, values, tile=tile).data, exact, image)} |")
    print("\n| memory for the sample | sampled | largest | dB |\n| --- | --- | --- | --- |")
    for budget in BUDGETS:
        with patch.object(memory, "GATHERING_BUDGET", budget):
            sampled = upscaled(model, values, tile=TILES[-1])
        told = sampled.provenance["statistics"]
        print(f"| {budget / 2**20:.0f} MiB | {told} | {difference(sampled.data, exact, image)} |")


def print_halos(model: Model, image: NDArray[Any]) -> None:
    values = image.astype(np.float32)
    exact = upscaled(model, values, tile=10_000).data
    print("\n| halo | cut: largest | dB | cross-faded: largest | dB |\n| --- | --- | --- | --- | --- |")
    for halo in HALOS:
        if halo >= model.card.receptive_radius:
            break
        columns = []
        for cut in (True, False):
            never = patch.object(PlaneWork, "fades", PropertyMock(return_value=False))
            # What a tile is computed beyond itself to fade is as dear as halo.
            reach = cross_fade.REACH if cut else 0
            with patch.object(cross_fade, "MOST_HALO", halo + reach), never if cut else nullcontext():
                result = upscaled(model, values, tile=max(image.shape[0] // 2, 16))
            columns.append(difference(result.data, exact, image))
        print(f"| {halo + cross_fade.REACH} | {columns[0]} | {columns[1]} |", flush=True)


def print_memory(model: Model, image: NDArray[Any], side: int) -> None:
    """Upscale an image of a size from zarr to zarr."""
    shape = (side, side, *image.shape[2:])
    with tempfile.TemporaryDirectory() as folder:
        large = zarr.create_array(
            Path(folder) / "in.zarr", shape=shape, chunks=(500, 500, *shape[2:]), dtype=image.dtype
        )
        for y in range(0, side, len(image)):
            for x in range(0, side, image.shape[1]):
                height, width = (min(size, side - at) for at, size in zip((y, x), image.shape, strict=False))
                large[y : y + height, x : x + width] = image[:height, :width]
        began = time.perf_counter()
        out = Path(folder) / "out.zarr"
        axes = "YX" if image.ndim == 2 else "YXS"
        given = SeenImage.of_array(large, axes)
        exhaust(upscale_to_zarr_job(StoreRun(given, model, out, UpscaleOptions(precision="float32"))))
        told = dict(open_finished_store(out).attrs)[PROVENANCE_KEY]
        # Kilobytes on Linux, bytes on macOS.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        print(
            f"{side} x {side} in {time.perf_counter() - began:.0f} s, peak {peak / 2**30:.2f} GiB, "
            f"statistics: {told.get('statistics', 'none')}, halo: {told.get('halo', 'exact')}"
        )


def picture(model: Model, image: NDArray[Any]) -> Image.Image:
    """Corner of four tiles: as it was, and as it is."""
    tile, factor = image.shape[0] // 4, model.scale_factor
    if model.network.needs_plane_statistics:
        without: AbstractContextManager[Any] = tiles_take_their_own()
    else:
        without = patch.multiple(PlaneWork, halo=4, fades=False)
    with without:
        before = upscaled(model, image, tile=tile).data
    after = upscaled(model, image, tile=tile).data
    middle = tile * 2 * factor
    part = slice(max(middle - tile * factor, 0), middle + tile * factor)
    low, high = np.percentile(image, [0.1, 99.9])
    line = np.full((2 * tile * factor, 8, *image.shape[2:]), high)
    both = np.concatenate([before[part, part], line, after[part, part]], axis=1)
    shown = Image.fromarray((255 * ((both - low) / (high - low)).clip(0, 1)).astype(np.uint8))
    return shown.resize((shown.width * 2, shown.height * 2), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
