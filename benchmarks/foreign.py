"""Print what other people's checkpoints reach here, beside what was published with them.

    python benchmarks/foreign.py DATA

DATA holds ``checkpoints/`` and ``eval/Set5/x4`` and so on. PSNR is that of the Y channel, as many
border pixels as the factor left out; the gray image of Set14 is measured on its own 0..255, which
takes 0.09 dB from the mean of figures that count it as luma of 16..235. The golden images are the
authors' own outputs, cut to whole grey levels: the share of values that differ by one grey level at most
is printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from benchmark_sets import evaluate_folder
from skimage.io import imread

import napari_srgan
from napari_srgan.models import Model
from napari_srgan.quality.metrics import Pixels

PUBLISHED = {
    "leftthomas-srgan-x2.pth": (35.48, 32.18),
    "leftthomas-srgan-x4.pth": (30.70, 27.77),
    "iimgan-x2.pth": (35.95, 32.29),
    "realesr-animevideov3-x4.pth": None,
}
"""PSNR on Set5 and Set14 that the files are known to reach elsewhere."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print("| checkpoint | as | Set5 | known | Set14 | known |\n| --- | --- | --- | --- | --- | --- |")
    for name, known in PUBLISHED.items():
        model = napari_srgan.load_model(data / "checkpoints" / name)
        cells = [model.name, model.card.description]
        for images, expected in zip(("Set5", "Set14"), known or ("", ""), strict=True):
            cells += [f"{psnr(model, data / 'eval' / images):.2f}", str(expected)]
        print(f"| {' | '.join(cells)} |", flush=True)
    compare_golden(data / "checkpoints")


def psnr(model: Model, images: Path) -> float:
    factor = model.scale_factor
    return evaluate_folder(images / f"x{factor}", factor, lambda low: run(model, low)).psnr


def run(model: Model, low: Pixels) -> Pixels:
    axes = "YX" if low.ndim == 2 else "YXS"
    result: Pixels = napari_srgan.upscale(low, model, axes=axes, precision="float32", progress=False)
    return result


def compare_golden(checkpoints: Path) -> None:
    model = napari_srgan.load_model(checkpoints / "iimgan-x2.pth")
    print("\n| golden image | within 1 grey level | largest difference |\n| --- | --- | --- |")
    for file in sorted((checkpoints / "iimgan-x2-golden").glob("*_lr.png")):
        golden = imread(file.with_name(file.name.replace("_lr", "_x2"))).astype(int)
        difference = np.abs(run(model, imread(file)).astype(int) - golden)
        name = file.name.removesuffix("_lr.png")
        print(f"| {name} | {(difference <= 1).mean():.4%} | {difference.max()} |", flush=True)


if __name__ == "__main__":
    main()
