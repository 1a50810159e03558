"""From a recipe to a model: better than bicubic, resumable, the same each time."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_srgan.errors import UserError
from napari_srgan.models import Model, read_model, save_model
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.loop.schedule import Moment, learning_rate_factor
from napari_srgan.training.recipes.recipe import Recipe, read_recipe
from napari_srgan.training.recipes.session import run_recipe
from napari_srgan.training.recipes.start import start_network


def finish(recipe: Path, data: Path, out: Path, **options: Any) -> tuple[list[HeldBackScores], Model | None]:
    job = run_recipe(recipe, data, out, **options)
    seen: list[HeldBackScores] = []
    while True:
        try:
            seen.append(next(job))
        except StopIteration as end:
            return seen, end.value


def test_a_recipe_becomes_a_model_with_its_card_log_and_curve(
    recipe_file: Path, data: Path, tmp_path: Path
) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("steps = 40", "steps = 200"))
    validations, model = finish(recipe_file, data, tmp_path / "out")
    assert model is not None
    assert [v.step for v in validations] == list(range(0, 201, 20))
    assert validations[0].mean_psnr == pytest.approx(validations[0].mean_bicubic, abs=0.1)
    assert validations[-1].mean_psnr > validations[-1].mean_bicubic + 0.3
    saved = read_model(tmp_path / "out" / "toy.safetensors")
    assert saved.weights_hash == model.weights_hash
    assert {q.images for q in saved.card.quality} == {"set0", "set1"}
    assert all(q.gain > 0 for q in saved.card.quality)
    assert saved.card.attribution
    assert "200 steps" in saved.card.trained
    with (tmp_path / "out" / "toy.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(0, 201, 20))
    assert (tmp_path / "out" / "toy.png").stat().st_size > 1000


def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    recipe_file: Path, data: Path, tmp_path: Path
) -> None:
    _, whole = finish(recipe_file, data, tmp_path / "whole")
    stopped = run_recipe(recipe_file, data, tmp_path / "parts")
    assert [next(stopped).step, next(stopped).step] == [0, 20]
    stopped.close()
    rest, resumed = finish(recipe_file, data, tmp_path / "parts")
    assert [v.step for v in rest] == [40]
    assert whole is not None
    assert resumed is not None
    assert resumed.weights_hash == whole.weights_hash


def test_a_finished_training_is_not_done_again(recipe_file: Path, data: Path, tmp_path: Path) -> None:
    _, first = finish(recipe_file, data, tmp_path)
    validations, again = finish(recipe_file, data, tmp_path)
    assert [v.step for v in validations] == [40]
    assert first is not None
    assert again is not None
    assert again.weights_hash == first.weights_hash


def test_a_training_stops_after_its_minutes(recipe_file: Path, data: Path, tmp_path: Path) -> None:
    validations, model = finish(recipe_file, data, tmp_path, minutes=0)
    assert len(validations) == 1
    assert model is None


def test_a_checkpoint_of_another_network_is_refused_and_kept(
    recipe_file: Path, data: Path, tmp_path: Path
) -> None:
    finish(recipe_file, data, tmp_path)
    before = (tmp_path / "toy.checkpoint").read_bytes()
    recipe_file.write_text(recipe_file.read_text().replace("width = 8", "width = 4"))
    with pytest.raises(UserError, match="no checkpoint of this training"):
        finish(recipe_file, data, tmp_path)
    assert (tmp_path / "toy.checkpoint").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x02garbage"])
def test_damaged_checkpoints_are_named(recipe_file: Path, data: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "toy.checkpoint").write_bytes(content)
    with pytest.raises(UserError, match="no checkpoint of this training"):
        finish(recipe_file, data, tmp_path)


def test_missing_licences_are_said_before_the_training(recipe_file: Path, data: Path, tmp_path: Path) -> None:
    (data / "cells" / "LICENCES.tsv").unlink()
    with pytest.raises(UserError, match=r"LICENCES\.tsv cannot be read"):
        next(run_recipe(recipe_file, data, tmp_path))


def test_back_projection_is_kept_though_not_trained_with(
    recipe_file: Path, data: Path, tmp_path: Path
) -> None:
    _, plain = finish(recipe_file, data, tmp_path / "plain")
    recipe_file.write_text(recipe_file.read_text().replace("held_back", "back_projection = true\nheld_back"))
    _, model = finish(recipe_file, data, tmp_path / "out")
    assert model is not None
    assert plain is not None
    assert model.weights_hash == plain.weights_hash
    assert model.card.receptive_radius == plain.card.receptive_radius + 4
    assert read_model(tmp_path / "out" / "toy.safetensors").card == model.card


def test_a_training_can_start_from_a_model(recipe: Recipe, tiny_model: Any, tmp_path: Path) -> None:
    other = tiny_model(scale_factor=4, blocks=1, activation="relu")
    file = save_model(other, tmp_path / "other.safetensors")
    network = start_network(recipe.model_copy(update={"start": str(file)}))
    theirs, ours = other.network.state_dict(), network.state_dict()
    assert torch.equal(ours["head.0.weight"], theirs["head.0.weight"])
    assert ours["tail.0.weight"].shape != theirs["tail.0.weight"].shape


def test_the_learning_rate_rises_stays_and_falls(recipe: Recipe) -> None:
    assert recipe.steps is not None
    steps = range(recipe.steps + 1)
    rates = [
        learning_rate_factor(
            Moment(step, step / recipe.steps), warm_up=recipe.warm_up, schedule="linear", decay=recipe.decay
        )
        for step in steps
    ]
    assert rates[:6] == sorted(rates[:6])
    assert max(rates) == 1
    assert rates[10] == rates[23] == 1
    assert rates[-16:] == sorted(rates[-16:], reverse=True)
    assert rates[-1] == 0


@pytest.mark.parametrize("steps", [20, 50, 200, 5000])
def test_a_warm_up_takes_a_tenth_of_a_short_training_at_most(steps: int) -> None:
    def rate(step: int) -> float:
        return learning_rate_factor(Moment(step, step / steps), warm_up=50, schedule="linear", decay=0.0)

    rising = [rate(step) for step in range(steps)]
    assert rising == sorted(rising)
    assert rising.index(1) == min(50, steps // 10)


def test_an_unwritable_folder_is_said_before_the_training(
    recipe_file: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="nothing can be written to"):
        finish(recipe_file, data, tmp_path / "file" / "out")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 40", "steps = 0", r"toy\.toml, steps: .*greater than or equal to 1, got 0"),
        ("steps = 40", "", "needs steps, minutes or both"),
        ("steps = 40", "steps = 40\nspets = 1", "spets"),
        ("steps = 40", "steps = ", "is no TOML"),
        ("scale_factor = 2", "", "must name scale_factor"),
        ("width = 8", "girth = 8", "does not take these arguments"),
        ('"srresnet"', '"u-net"', "no architecture 'u-net'"),
    ],
)
def test_wrong_recipes_are_named(recipe_file: Path, old: str, new: str, message: str) -> None:
    recipe_file.write_text(recipe_file.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        read_recipe(recipe_file)


def test_missing_recipes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml cannot be read"):
        read_recipe(tmp_path / "none.toml")


def test_the_committed_recipes_can_be_read() -> None:
    checkout = Path(__file__).parents[2]
    folders = (checkout / "weights" / "recipes", checkout / "benchmarks" / "comparison")
    recipes = [read_recipe(file) for folder in folders for file in sorted(folder.glob("*.toml"))]
    assert {r.name for r in recipes} >= {"microscopy-x2", "microscopy-x4", "photo-x4"}
    assert all(start_network(r.model_copy(update={"start": None})) for r in recipes)
