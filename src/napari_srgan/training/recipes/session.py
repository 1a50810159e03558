"""A training from its recipe to a model file, with a log and a curve beside it."""

from __future__ import annotations

import csv
import math
from collections.abc import Generator as Iteration
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.models import Model, ModelCard, save_model
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.movies import Movies, read_movies
from napari_srgan.training.dataset.source_lines import source_lines
from napari_srgan.training.dataset.tiles import TileSets, attribution, read_tiles
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.loop.events import Resumed, TrainingDiverged
from napari_srgan.training.loop.process_group import SingleProcess
from napari_srgan.training.loop.training_loop import train
from napari_srgan.training.recipes.curve import draw_curve
from napari_srgan.training.recipes.recipe import Recipe, read_recipe
from napari_srgan.training.recipes.trained_card import trained_card

PROTOCOL = "held-back tiles, float32 range 1, border of one factor left out"
MOVIE_PROTOCOL = "held-back part of the movie, in time and in space, range 1, border of 2 left out"
RGB_PROTOCOL = f"{PROTOCOL}, Y channel"


def run_recipe(
    recipe_file: Path,
    data: Path,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float = math.inf,
    compiled: bool = False,
) -> Iteration[HeldBackScores, None, Model | None]:
    """Train the model of a recipe, or go on with it.

    Writes into `out`: ``NAME.checkpoint`` and ``NAME.csv`` at each validation, at the end
    ``NAME.safetensors`` and ``NAME.png``, the curve.

    Parameters
    ----------
    recipe_file
        A TOML file, see :class:`~napari_srgan.training.recipes.recipe.Recipe`.
    data
        The folder that holds the recipe's folders of tiles.
    out
        The folder to write to; made if missing.
    device
        A torch device.
    minutes
        The minutes in all after which the training stops, at the next validation.
    compiled
        Whether to compile the network first.

    Yields
    ------
    Validation
        A validation; see :func:`~napari_srgan.training.loop.training_loop.train`.

    Returns
    -------
    Model or None
        The trained model, or None if it was stopped before its last step.

    Raises
    ------
    UserError
        If the recipe or the data cannot be used, or `out` cannot be written to; or if a loss
        is no longer finite, after the model of the last good step was written.
    """
    recipe = read_recipe(recipe_file)
    _make_folder(out)
    sources = (*attribution(recipe, data), *source_lines(data / folder for folder in _other_folders(recipe)))
    read = read_tiles if recipe.movies is None else read_movies
    material: TileSets | Movies = read(recipe, data)
    log = out / f"{recipe.name}.csv"
    loop = train(
        recipe,
        material,
        out / f"{recipe.name}.checkpoint",
        features=data,
        team=SingleProcess(device),
        compiled=compiled,
    )
    last: HeldBackScores | None = None
    diverged: TrainingDiverged | None = None
    while True:
        try:
            news = next(loop)
        except StopIteration as end:
            network: Generator = end.value
            break
        except TrainingDiverged as error:
            network, diverged = error.network, error
            break
        if isinstance(news, Resumed) and news.position >= 1:  # it had been finished before
            news = news.history[-1]
        if not isinstance(news, HeldBackScores):
            continue
        _write_log(log, news)
        last = news
        yield news
        if news.minutes >= minutes and (recipe.steps is None or news.step < recipe.steps):
            loop.close()
            return None
    if diverged:
        last = diverged.validation
        _write_log(log, last)
    assert last is not None
    draw_curve(log, out / f"{recipe.name}.png")
    model = Model(network.requires_grad_(False), _card(recipe, network, sources, material, last))
    file = save_model(model, out / f"{recipe.name}.safetensors")
    if diverged:
        raise UserError(
            f"{diverged}; the weights until then are kept in {file}: lower the learning rate or clip and "
            "train again, which goes on from the last checkpoint"
        ) from diverged
    return model


def _other_folders(recipe: Recipe) -> tuple[str, ...]:
    """Folders of movies and of measured pairs that are trained on."""
    movies = recipe.movies.folders if recipe.movies else ()
    return (*movies, recipe.measured.folder) if recipe.measured else movies


def _card(
    recipe: Recipe,
    network: Generator,
    sources: tuple[str, ...],
    material: TileSets | Movies,
    last: HeldBackScores,
) -> ModelCard:
    return trained_card(
        recipe,
        network,
        trained=(
            f"{last.step} steps of {recipe.batch} patches in {last.minutes:.0f} minutes on {material.summary}"
        ),
        psnr=last.psnr,
        bicubic=last.bicubic,
        protocol=_protocol(recipe),
        attribution=sources,
    )


def _protocol(recipe: Recipe) -> str:
    if recipe.movies is not None:
        return MOVIE_PROTOCOL
    return RGB_PROTOCOL if recipe.channels == 3 else PROTOCOL


def _write_log(log: Path, validation: HeldBackScores) -> None:
    """Put a validation into the log, in place of those of steps that were not kept."""
    rows: list[dict[str, str]] = []
    if log.exists():
        with log.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) < validation.step]
    row = {
        "step": str(validation.step),
        "minutes": f"{validation.minutes:.2f}",
        "loss": f"{validation.loss:.6f}",
        "psnr": f"{validation.mean_psnr:.3f}",
        validation.rival: f"{validation.mean_bicubic:.3f}",
        **{name: f"{gain:+.3f}" for name, gain in validation.gains.items()},
    }
    with log.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows([*rows, row])


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".writable").touch()
        (out / ".writable").unlink()
    except OSError as error:
        raise UserError(f"nothing can be written to {out}: {error.strerror}") from error
