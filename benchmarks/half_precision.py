"""Ship a trained model: its weights as float16, where that loses less than 0.01 dB.

    python benchmarks/half_precision.py DATA TRAINED.safetensors ... [--into weights]

Prints the mean PSNR on held-back tiles, or on held-back parts of movies, before and after. With ``--into``
the file is written there, as float16 or, where that would lose more, as it is.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

import held_back
import torch
from held_back import HeldBack
from lpips_like import LpipsLike

from napari_srgan.models import Model, read_model, save_model
from napari_srgan.models.files import read_picture
from napari_srgan.training.dataset.movies import Movies, read_movies

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
        recipe = held_back.recipe_of(model)
        judge: Callable[[Model], float]
        if recipe.movies is None:
            judge = partial(mean_psnr, HeldBack([recipe], arguments.data, distance))
        else:
            judge = partial(mean_psnr_of_frames, read_movies(recipe, arguments.data))
        exact, rounded = (judge(each) for each in (model, rounded_model(model)))
        print(f"| {model.name} | {exact:.3f} dB | {rounded:.3f} dB | {exact - rounded:.4f} dB |", flush=True)
        if arguments.into:
            half = exact - rounded < MOST_LOST
            save_model(model, arguments.into / file.name, picture=read_picture(file), half=half)


def mean_psnr(tiles: HeldBack, model: Model) -> float:
    return held_back.averaged(list(tiles.judge(model).values())).psnr


def mean_psnr_of_frames(movies: Movies, model: Model) -> float:
    return fmean(movies.validate(model.network, torch.device("cpu")).values())


def rounded_model(model: Model) -> Model:
    """The model with its weights rounded to float16."""
    return replace(model, network=copy.deepcopy(model.network).half().float())


if __name__ == "__main__":
    main()
