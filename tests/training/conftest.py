"""A data folder and a recipe of the smallest size that can be trained."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.io import imsave

from napari_srgan.training.recipes.recipe import Recipe

RECIPE = """
name = "toy"
description = "for tests"
architecture = "srresnet"
intensity = "percentile"
folders = ["cells"]
held_back = 0.3
steps = 40
batch = 4
patch = 12
validate_every = 20
warm_up = 5
learning_rate = 2e-3
optimiser = "muon"

[arguments]
scale_factor = 2
channels = 1
blocks = 1
width = 8
kernel = 3
normalisation = "none"
activation = "relu"
interpolated_skip = true
upsampling = "direct"
"""


def cells(seed: int, side: int) -> Any:
    """A picture with edges and texture, as 16-bit cells on a dark ground."""
    draw = np.random.default_rng(seed)
    blobs = gaussian_filter(draw.random((side, side)), 3) > 0.5
    return (gaussian_filter(blobs * 5000.0, 0.6) + 1000).astype(np.uint16)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two source sets, images of several tiles, one tile too small."""
    folder = tmp_path / "data" / "cells"
    folder.mkdir(parents=True)
    rows = []
    for number in range(12):
        source_set, image = f"set{number % 2}", f"image{number // 4}.tif"
        file = f"tile{number}.png"
        imsave(folder / file, cells(number, 16 if number == 0 else 64), check_contrast=False)
        rows.append({"file": file, "set": source_set, "path": image})
    with (folder / "SOURCES.tsv").open("w", newline="") as file_object:
        writer = csv.DictWriter(file_object, ["file", "set", "path"], delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "LICENCES.tsv").write_text(
        "set\trepo\tcommit\tlicence\nset0\trepo-a\tabc\tCC0-1.0\nset1\trepo-b\tdef\tCC-BY-4.0\n"
    )
    return tmp_path / "data"


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    file = tmp_path / "toy.toml"
    file.write_text(RECIPE)
    return file


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    from napari_srgan.training.recipes.recipe import read_recipe

    return read_recipe(recipe_file)
