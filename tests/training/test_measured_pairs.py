"""Measured pairs teach: the truth lies on its short exposure, and pairs that judge are never trained on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.io import imsave
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.training.dataset.degraded_validation import pair_tiles
from napari_srgan.training.dataset.exposure_pairs import ExposurePair, binned
from napari_srgan.training.dataset.measured_patches import ExposurePatches, MixedPatches
from napari_srgan.training.dataset.taught_pairs import taught_pairs
from napari_srgan.training.dataset.tiles import read_tiles
from napari_srgan.training.recipes.recipe import Recipe
from napari_srgan.training.recipes.session import run_recipe

SIDE = 24
"""High-resolution pixels of a patch of the toy recipe."""


def structure(seed: int, rows: int = 61, columns: int = 75) -> Any:
    """Blobs of 0 to 1."""
    image = gaussian_filter(np.random.default_rng(seed).random((rows, columns)), 2)
    return (image - image.min()) / np.ptp(image)


def with_measured(recipe: Recipe, **more: Any) -> Recipe:
    section = {"folder": "pairs", "names": ["a"], "judges": ["b"], "share": 0.25} | more
    return Recipe.model_validate(
        recipe.model_dump() | {"measured": section, "pairs": ("pairs",), "degradation": {"photons": (5, 50)}}
    )


def patches(pair: ExposurePair, recipe: Recipe) -> ExposurePatches:
    return ExposurePatches([pair], recipe, np.random.default_rng(0))


@pytest.fixture
def pairs(data: Path) -> Path:
    """A pair that teaches, one that judges."""
    folder = data / "pairs"
    folder.mkdir()
    for seed, name in enumerate("ab"):
        write(folder, name, seed)
    (folder / "SOURCES.tsv").write_text("pair_set\trepo-c\tghi\tCC0-1.0\n")
    return folder


def write(folder: Path, name: str, seed: int) -> None:
    long = structure(seed) * 250
    for image, end in ((long, "long"), (long / 4 + 20, "short")):
        imsave(folder / f"{name}_{end}.png", image.astype(np.uint8), check_contrast=False)


def test_brightness_is_brought_to_that_of_the_short_exposure(recipe: Recipe) -> None:
    long = structure(0) * 200 + 17
    low, high = patches(ExposurePair("x", long * 0.1 + 5, long), with_measured(recipe)).batch(6)
    assert low.shape == (6, 1, 12, 12)
    assert high.shape == (6, 1, SIDE, SIDE)
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(high, 2), low, atol=1e-5, rtol=0)


def test_noise_of_the_short_exposure_does_not_change_the_gain(recipe: Recipe) -> None:
    long = structure(1, 200, 200) * 200
    light = long * 0.05

    def contrasts(short: Any) -> Tensor:
        _, high = patches(ExposurePair("x", short, long), with_measured(recipe)).batch(8)
        return high.flatten(1).std(dim=1) * percentile_transform(binned(short, 2)).span

    noisy = np.random.default_rng(1).poisson(light).astype(float)
    torch.testing.assert_close(contrasts(noisy), contrasts(light), rtol=0.03, atol=0)


def test_the_offset_is_that_of_each_patch(recipe: Recipe) -> None:
    long = structure(2, 90, 90) * 200
    background = np.linspace(0, 60, 90)[:, None]
    low, high = patches(ExposurePair("x", long * 0.2 + background, long), with_measured(recipe)).batch(8)
    torch.testing.assert_close(low.mean(dim=(1, 2, 3)), high.mean(dim=(1, 2, 3)), atol=1e-5, rtol=0)


def test_patches_begin_at_odd_and_even_pixels(recipe: Recipe) -> None:
    columns = 75
    coded = np.arange(61.0)[:, None] * columns + np.arange(columns)
    sampler = patches(ExposurePair("x", coded, coded), with_measured(recipe))
    seen = percentile_transform(binned(coded, 2))
    low, high = sampler.batch(60)
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(high, 2), low, atol=1e-5, rtol=0)
    first = high.flatten(1).amin(dim=1).double() * seen.span + seen.offset
    begins = {tuple(int(n) % 2 for n in divmod(round(float(each)), columns)) for each in first}
    assert begins == {(0, 0), (0, 1), (1, 0), (1, 1)}


class Constant:
    """Patches of one value."""

    def __init__(self, value: float) -> None:
        self._value = value

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        assert count > 0
        return torch.full((count, 1, 2, 2), self._value), torch.full((count, 1, 4, 4), self._value)


def test_a_share_of_the_patches_is_measured() -> None:
    mixed = MixedPatches(Constant(0.0), Constant(1.0), 0.25, np.random.default_rng(0))
    lows, highs = zip(*(mixed.batch(4) for _ in range(200)), strict=True)
    assert {len(low) for low in lows} == {4}
    low, high = torch.cat(lows), torch.cat(highs)
    torch.testing.assert_close(low[:, 0, 0, 0], high[:, 0, 0, 0])
    assert float(low.mean()) == pytest.approx(0.25, abs=0.05)


def test_what_is_trained_on_does_not_judge(recipe: Recipe, data: Path, pairs: Path) -> None:
    chosen = with_measured(recipe)
    tiles = read_tiles(chosen, data)
    assert [pair.name for pair in tiles.measured] == ["a"]
    assert {tile.source_set for tile in tiles.noisy if tile.source_set.startswith("pair")} == {"pair b"}
    low, _ = tiles.sampler(chosen, np.random.default_rng(0)).batch(4)
    assert low.shape == (4, 1, 12, 12)
    assert [t.source_set for t in pair_tiles(recipe.model_copy(update={"pairs": ("pairs",)}), data)] == [
        "pair a",
        "pair b",
    ]


def test_a_pair_that_judges_is_refused(recipe: Recipe, data: Path, pairs: Path) -> None:
    with pytest.raises(ValueError, match="b: a pair that judges is never trained on"):
        with_measured(recipe, names=["a", "b"])
    with pytest.raises(UserError, match=r"does not say what b .* are for"):
        taught_pairs(with_measured(recipe, judges=[]), data)


@pytest.mark.parametrize("end", ["short", "long"])
def test_a_field_that_judges_is_refused_under_any_name(
    recipe: Recipe, data: Path, pairs: Path, end: str
) -> None:
    write(pairs, "c", 7)
    (pairs / f"c_{end}.png").write_bytes((pairs / f"b_{end}.png").read_bytes())
    with pytest.raises(UserError, match="c shows the field of b, which judges"):
        taught_pairs(with_measured(recipe, names=["a", "c"]), data)


def test_pairs_that_cannot_teach_are_named(recipe: Recipe, data: Path, pairs: Path) -> None:
    chosen = with_measured(recipe)
    inverted = structure(0)
    with pytest.raises(UserError, match="x is brighter, the short one is not"):
        patches(ExposurePair("x", 1 - inverted, inverted), chosen)
    with pytest.raises(UserError, match="x has 20 x 75 pixels; a patch of toy has 24"):
        patches(ExposurePair("x", inverted[:20], inverted[:20]), chosen)
    (pairs / "a_long.png").unlink()
    with pytest.raises(UserError, match=r"a_short\.png cannot be read"):
        taught_pairs(chosen, data)
    imsave(pairs / "a_long.png", np.zeros((5, 5), np.uint8), check_contrast=False)
    with pytest.raises(UserError, match=r"of the pair a .* have shapes \(61, 75\) and \(5, 5\)"):
        taught_pairs(chosen, data)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"degradation": None}, "beside tiles of one channel with a"),
        ({"intensity": "byte"}, "intensity = 'percentile'"),
        ({"measured": {"folder": "pairs", "names": ["a"], "share": 1.0}}, "less than 1"),
    ],
)
def test_recipes_that_cannot_use_them_are_refused(recipe: Recipe, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recipe.model_validate(with_measured(recipe).model_dump() | more)


def test_the_card_names_the_pairs_and_their_licence(
    recipe_file: Path, data: Path, pairs: Path, tmp_path: Path
) -> None:
    section = '[measured]\nfolder = "pairs"\nnames = ["a"]\njudges = ["b"]\nshare = 0.5\n'
    text = recipe_file.read_text().replace("steps = 40", 'steps = 2\npairs = ["pairs"]')
    recipe_file.write_text(f"{text}\n{section}\n[degradation]\nphotons = [5, 50]\n")
    loop = run_recipe(recipe_file, data, tmp_path / "out")
    while True:
        try:
            next(loop)
        except StopIteration as end:
            model = end.value
            break
    assert "pair_set: repo-c at ghi, CC0-1.0" in model.card.attribution
    assert "the measured pairs a" in model.card.trained
    assert {q.images for q in model.card.quality if q.images.startswith("pair")} == {"pair b"}


def test_no_bundled_recipe_trains_on_the_sets_that_only_judge() -> None:
    folder = Path(__file__).parents[2] / "weights" / "recipes"
    only_judge = {"actin-60x-noise1", "mito-60x-noise1", "mito-60x-noise2", "nucleus"}
    for file in folder.glob("*.toml"):
        measured = tomllib.loads(file.read_text()).get("measured")
        if measured is not None:
            assert not only_judge & set(measured["names"]), file.name
            assert only_judge == set(measured["judges"]), file.name
