"""Tiles are split by image, and patches lie on each other."""

from __future__ import annotations

import csv
import gc
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imread

from napari_srgan.errors import UserError
from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.dataset.patch_sampler import PatchSampler
from napari_srgan.training.dataset.tiles import attribution, read_tiles
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.recipes.recipe import Recipe


def test_no_image_is_on_both_sides(recipe: Recipe, data: Path) -> None:
    tiles = read_tiles(recipe, data)
    with (data / "cells" / "SOURCES.tsv").open() as file:
        images = {(row["set"], row["path"]) for row in csv.DictReader(file, delimiter="\t")}
    # 3 images a set, 2 tiles each: one image is held back.
    assert len(images) == 6
    assert len(tiles.held_back) == 4
    assert len(tiles.training) + tiles.too_small == 8
    trained = {tile.high.numpy().tobytes() for tile in tiles.training}
    assert not trained & {tile.high.numpy().tobytes() for tile in tiles.held_back}


def test_the_split_is_the_same_each_time(recipe: Recipe, data: Path) -> None:
    first, second = (read_tiles(recipe, data) for _ in range(2))
    for one, other in zip(first.held_back, second.held_back, strict=True):
        assert torch.equal(one.high, other.high)


def test_every_set_is_judged(recipe: Recipe, data: Path) -> None:
    assert {tile.source_set for tile in read_tiles(recipe, data).held_back} == {"set0", "set1"}


def test_patches_lie_on_each_other_in_every_orientation(recipe: Recipe, data: Path) -> None:
    sampler = PatchSampler(read_tiles(recipe, data).training, recipe, np.random.default_rng(0))
    low, high = sampler.batch(4)
    assert low.shape == (4, 1, 12, 12)
    assert high.shape == (4, 1, 24, 24)
    for _ in range(8):
        low, high = sampler.batch(4)
        again = bicubic_downsample(high, 2)
        # Only the rim of a patch sees beyond it; 16-bit steps are 2e-4 of the range.
        torch.testing.assert_close(again[..., 3:-3, 3:-3], low[..., 3:-3, 3:-3], atol=2e-3, rtol=0)


def test_degraded_images_are_of_the_same_type_and_brightness() -> None:
    high = np.random.default_rng(0).integers(0, 255, (41, 43, 3)).astype(np.uint8)
    low, cropped = degrade(high, 4)
    assert low.dtype == np.uint8
    assert low.shape == (10, 10, 3)
    assert cropped.shape == (40, 40, 3)
    assert abs(low.mean() - cropped.mean()) < 1


def test_an_image_in_two_sets_judges_nothing(recipe: Recipe, data: Path) -> None:
    whole = read_tiles(recipe, data)
    first = whole.held_back[0].fingerprint
    files = {f: (data / "cells" / f).read_bytes() for f in (f"tile{n}.png" for n in range(12))}
    seen = {read_fingerprint(data / "cells" / f): f for f in files}
    other = next(seen[tile.fingerprint] for tile in whole.training)
    (data / "cells" / other).write_bytes(files[seen[first]])
    again = read_tiles(recipe, data)
    assert len(again.held_back) == len(whole.held_back) - 1
    assert first not in {tile.fingerprint for tile in again.held_back}


def test_an_image_that_was_binned_for_its_noise_judges_nothing_in_another_set(
    recipe: Recipe, data: Path
) -> None:
    noisy = Recipe.model_validate(recipe.model_dump() | {"degradation": {"truth_noise": 1e-6}, "patch": 8})
    whole = read_tiles(noisy, data)
    files = {read_fingerprint(data / "cells" / f): f for f in (f"tile{n}.png" for n in range(12))}
    held_back = [tile.fingerprint for tile in whole.held_back]
    trained = next(file for fingerprint, file in files.items() if fingerprint not in held_back)
    (data / "cells" / trained).write_bytes((data / "cells" / files[held_back[0]]).read_bytes())
    again = read_tiles(noisy, data)
    assert min(tile.high.shape[1] for tile in again.training) < 64
    assert held_back[0] not in {tile.fingerprint for tile in again.held_back}


def read_fingerprint(file: Path) -> bytes:
    return hashlib.sha256(imread(file).tobytes()).digest()


def test_attribution_names_every_source(recipe: Recipe, data: Path) -> None:
    assert attribution(recipe, data) == (
        "set0: repo-a at abc, CC0-1.0",
        "set1: repo-b at def, CC-BY-4.0",
    )


def test_a_set_can_be_left_out(recipe: Recipe, data: Path) -> None:
    without = recipe.model_copy(update={"without": ("set1",)})
    tiles, whole = read_tiles(without, data), read_tiles(recipe, data)
    assert {tile.source_set for tile in tiles.training + tiles.held_back} == {"set0"}
    assert len(tiles.training) == sum(tile.source_set == "set0" for tile in whole.training)
    assert attribution(without, data) == ("set0: repo-a at abc, CC0-1.0",)


def test_a_set_that_is_not_there_cannot_be_left_out(recipe: Recipe, data: Path) -> None:
    with pytest.raises(UserError, match="no source set set7; there are set0, set1"):
        read_tiles(recipe.model_copy(update={"without": ("set0", "set7")}), data)


def test_missing_data_is_named(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cells is no folder of tiles: its SOURCES\.tsv"):
        read_tiles(recipe, tmp_path)


# imageio tries all its plugins on a broken file, old ones too, and leaves it open.
@pytest.mark.filterwarnings(
    "ignore:The legacy `DICOM` plugin",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_broken_and_wrong_tiles_are_named(recipe: Recipe, data: Path) -> None:
    (data / "cells" / "tile3.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"tile3\.png cannot be read"):
        read_tiles(recipe, data)
    colourful = recipe.model_copy(update={"arguments": recipe.arguments | {"channels": 3}})
    with pytest.raises(UserError, match="toy is for 3 channels"):
        read_tiles(colourful, data)
    # imageio leaves a broken file open: let it go here, where the warning is expected.
    gc.collect()


def test_patches_larger_than_all_tiles_are_refused(recipe: Recipe, data: Path) -> None:
    with pytest.raises(UserError, match="as large as a patch of 99 pixels"):
        read_tiles(recipe.model_copy(update={"patch": 99}), data)
