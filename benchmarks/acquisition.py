"""Print how right `look_at` is about photons, noise and blur of images whose truth is known.

    python benchmarks/acquisition.py DATA [--tiles 6] [--model FILE]

DATA holds ``train-microscopy`` and ``train-microscopy-2``, whose tiles, at half their size, are taken for
what there is to see, and ``pairs/short-long-exposure``. Tiles have some noise of their own, which counts as
if it were light. A network that was trained without noise (`--model`; the first such x2 model of the library
if unsaid) tells which noise matters: that with which it does worse than bicubic interpolation.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.io import imread

from napari_srgan.acquisition import Acquisition, look_at
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.models import Model, list_models, load_model
from napari_srgan.networks import bicubic_upsample
from napari_srgan.training.degradation.ideal import degrade

FOLDERS = ("train-microscopy", "train-microscopy-2")
PHOTONS = (5, 20, 100, 1000, 5000)
READ_NOISE = (0.0, 2.0)
"""In photo-electrons."""
BLURS = (0.0, 1.0, 2.0)
"""Sigma in pixels."""
BACKGROUND = 0.05
"""Of the brightest places."""
SIDE, LEAST = 384, 192
"""Pixels of a tile that are used, and that it has at least."""
BORDER = 4
GAINS = (0.3, -0.5, -1.0, -2.0)
"""Decibels over bicubic interpolation: more than the first, and a warning is false; less than the others,
and silence is a miss."""


@dataclass(frozen=True)
class Tile:
    """What there is to see, from 0 to 1 and a little beyond."""

    source_set: str
    high: NDArray[np.float64]
    low: NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """An image of known truth, and what was found in it."""

    tile: Tile
    photons: float | None
    read_noise: float
    blur: float
    noise: float
    """Standard deviation of the true noise, in parts of the contrast."""
    found: Acquisition
    gain: float | None
    """Of the network, in decibels over bicubic interpolation."""


def tiles(data: Path, of_each: int) -> Iterator[Tile]:
    """Tiles spread evenly over each source set."""
    by_set: dict[str, list[Path]] = defaultdict(list)
    for folder in FOLDERS:
        with (data / folder / "SOURCES.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                by_set[row["set"]].append(data / folder / row["file"])
    for name, files in sorted(by_set.items()):
        numbers = {int(at) for at in np.linspace(0, len(files) - 1, min(of_each, len(files)))}
        for number in sorted(numbers):
            image = imread(sorted(files)[number]).astype(np.float64)[:SIDE, :SIDE]
            if image.ndim != 2 or min(image.shape) < LEAST:
                continue
            low, high = (part[..., 0] for part in degrade(image[..., None], 2))
            seen = percentile_transform(low)
            if seen.span:
                yield Tile(name, (high - seen.offset) / seen.span, (low - seen.offset) / seen.span)


def taken(light: NDArray[np.float64], photons: float, read_noise: float, draw: np.random.Generator) -> Any:
    """An image as a camera sees it that catches so many photons in the brightest places."""
    electrons = draw.poisson(np.clip(light + BACKGROUND, 0, None) * photons)
    return (electrons + read_noise * draw.standard_normal(light.shape)) / photons - BACKGROUND


def cases(data: Path, of_each: int, model: Model | None) -> Iterator[Case]:
    """Every tile with every noise and blur."""
    draw = np.random.default_rng(0)
    for tile in tiles(data, of_each):
        for blur in BLURS:
            light = gaussian_filter(tile.low, blur) if blur else tile.low
            truth = gaussian_filter(tile.high, 2 * blur) if blur else tile.high
            for photons in (None, *PHOTONS):
                for read_noise in READ_NOISE if photons else (0.0,):
                    image = light if photons is None else taken(light, photons, read_noise, draw)
                    contrast = percentile_transform(image).span
                    judged = model is not None and blur == 0 and (photons is None or read_noise)
                    yield Case(
                        tile, photons, read_noise, blur, float((image - light).std()) / contrast,
                        look_at(image, "YX"), gain(model, image, truth) if judged else None,
                    )  # fmt: skip


def gain(model: Model | None, image: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Decibels that a network is better than bicubic interpolation."""
    assert model is not None
    transform = percentile_transform(image)
    low = torch.from_numpy(transform.apply(image))[None, None]
    with torch.inference_mode():
        results = [model.network(low), bicubic_upsample(low, model.scale_factor)]
    inner = slice(BORDER, -BORDER)
    errors = [
        np.mean((transform.invert(result[0, 0].numpy(), np.dtype(np.float64)) - truth)[inner, inner] ** 2)
        for result in results
    ]
    return float(10 * np.log10(errors[1] / errors[0]))


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)) + "\n"


def spread(values: list[float]) -> str:
    """Median, and the range in which four of five lie."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def share(hits: list[bool]) -> str:
    return f"{np.mean(hits):.0%}" if hits else "-"


def photon_rows(found: list[Case]) -> list[tuple[str, ...]]:
    rows = []
    for photons in PHOTONS:
        for read_noise in READ_NOISE:
            for blur in (0.0, 1.0):
                of = [c for c in found if (c.photons, c.read_noise, c.blur) == (photons, read_noise, blur)]
                told = [c for c in of if c.found.photons]
                rows.append((
                    f"{photons}", f"{read_noise:g}", f"{blur:g}",
                    spread([c.found.photons / photons for c in told]) if told else "-",  # type: ignore[operator]
                    share([c.found.photons is not None for c in of]),
                    spread([(c.found.noise or 0) / c.noise for c in of]),
                    share([c.found.noisy for c in of]),
                ))  # fmt: skip
    return rows


def blur_rows(found: list[Case]) -> list[tuple[str, ...]]:
    rows = []
    for blur in BLURS:
        cells = []
        for photons in (None, *reversed(PHOTONS)):
            of = [c for c in found if (c.photons, c.read_noise, c.blur) == (photons, 0.0, blur)]
            told = [c.found.blur for c in of if c.found.blur is not None]
            cells.append(f"{spread(told)}, {len(told) / len(of):.0%}" if told else "-")
        rows.append((f"{blur:g}", *cells))
    return rows


def decision_rows(found: list[Case]) -> list[tuple[str, ...]]:
    judged = [(c, c.gain) for c in found if c.gain is not None]
    good, *bad = GAINS
    clean = [c for c, _ in judged if c.photons is None and c.blur == 0]
    rows = [
        ("clean, not blurred", share([c.found.noisy for c in clean])),
        (f"network better by {good} dB or more", share([c.found.noisy for c, g in judged if g >= good])),
    ]
    for photons in (*reversed(PHOTONS),):
        rows.append((f"{photons} photons", share([c.found.noisy for c, _ in judged if c.photons == photons])))
    for limit in bad:
        called = share([c.found.noisy for c, g in judged if g <= limit])
        rows.append((f"network worse by {-limit} dB or more", called))
    return rows


def exposure_rows(folder: Path) -> list[tuple[str, ...]]:
    rows = []
    for short in sorted(folder.glob("*_short.png")):
        name = short.name.removesuffix("_short.png")
        long = look_at(imread(short.with_name(f"{name}_long.png")))
        rows.append((name, look_at(imread(short)).sentence, long.sentence))
    return rows


def time_rows() -> list[tuple[str, ...]]:
    """Seconds of a processor for images of 100 megapixels."""
    noise = np.random.default_rng(0).poisson(50, (10_000, 10_000)).astype(np.uint16)
    images: dict[str, Any] = {"numpy, 10,000 x 10,000": noise}
    for side in (512, 4096, 10_000):
        images[f"dask, chunks of {side} x {side}"] = da.from_array(noise, chunks=side)
    stack = noise.reshape(5, 5, 4, 1000, 1000)
    images["dask, TZCYX of 5 x 5 x 4 planes"] = da.from_array(stack, chunks=(1, 1, 1, 1000, 1000))
    rows = []
    for name, image in images.items():
        axes = "TZCYX" if image.ndim == 5 else "YX"
        began = time.process_time()
        look_at(image, axes)
        rows.append((name, f"{time.process_time() - began:.2f} s"))
    return rows


def clean_model() -> Model | None:
    """The first model of the library that doubles one channel and was trained without noise."""
    for card in list_models():
        made_for = card.made_for
        fits = (card.scale_factor, card.channels, card.frames) == (2, 1, 1) and not card.adversarial
        if fits and made_for is not None and made_for.photons is None:
            return load_model(card.name)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--tiles", type=int, default=6, help="of each source set")
    parser.add_argument("--model", help="an x2 model of one channel that was trained without noise")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.model) if given.model else clean_model()
    found = list(cases(given.data, given.tiles, model))
    count = len({id(c.tile) for c in found})
    print(f"{count} tiles, {len(found)} images; medians, and in brackets where four of five lie\n")
    head = ("photons", "read noise", "blur", "photons found / true", "told", "noise found / true", "noisy")
    print(table(head, photon_rows(found)))
    print(table(("blur", "no noise", *(f"{p} photons" for p in reversed(PHOTONS))), blur_rows(found)))
    if model is not None:
        print(f"Network: {model.name}\n")
        print(table(("images", "called noisy"), decision_rows(found)))
    print(table(("image", "short", "long"), exposure_rows(given.data / "pairs" / "short-long-exposure")))
    print(table(("100 megapixels", "processor time"), time_rows()))


if __name__ == "__main__":
    main()
