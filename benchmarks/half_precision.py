"""Ship a trained model: its weights as float16, where that loses less than 0.01 dB.

    python benchmarks/half_precision.py DATA TRAINED.safetensors ... [--into weights]

Prints the mean PSNR on held-back tiles before and after. With ``--into`` the file is written
there, as float16 or, where that would lose more, as it is.
"""

from __future__ import annotations

import argparse
import copy
from dataclasses import replace
from pathlib import Path

import held_back
from held_back import HeldBack

from napari_srgan.models import Model, read_model, save_model
from napari_srgan.models.files import read_picture
from napari_srgan.quality.lpips_like import LpipsLike

MOST_LOST = 0.01
"""dB."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    features = arguments.data / "perceptual"
    distance = LpipsLike(features / "squeezenet1_1-imagenet.npz", features / "lpips-squeeze-linear.pth")
    print("| model | float32 | float16 | lost |\n| --- | --- | --- | --- |")
    for file in arguments.files:
        model = read_model(file)
        tiles = HeldBack([held_back.recipe_of(model)], arguments.data, distance)
        exact, rounded = (mean_psnr(tiles, each) for each in (model, rounded_model(model)))
        print(f"| {model.name} | {exact:.3f} dB | {rounded:.3f} dB | {exact - rounded:.4f} dB |", flush=True)
        if arguments.into:
            half = exact - rounded < MOST_LOST
            save_model(model, arguments.into / file.name, picture=read_picture(file), half=half)


def mean_psnr(tiles: HeldBack, model: Model) -> float:
    return held_back.averaged(list(tiles.judge(model).values())).psnr


def rounded_model(model: Model) -> Model:
    """The model with its weights rounded to float16."""
    return replace(model, network=copy.deepcopy(model.network).half().float())


if __name__ == "__main__":
    main()
