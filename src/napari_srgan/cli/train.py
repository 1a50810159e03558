"""``napari-srgan train``: from a recipe to a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_srgan.cli.terminal import errors_told

if TYPE_CHECKING:
    from napari_srgan.training.dataset.validation import HeldBackScores


def train(
    recipe: Annotated[Path, typer.Argument(help="A .toml file, such as those in weights/recipes.")],
    data: Annotated[Path, typer.Option(help="Folder that holds the recipe's folders of tiles.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, log, curve and model.")] = Path(
        "training"
    ),
    device: Annotated[str, typer.Option(help="auto, cuda, mps, xpu or cpu.")] = "auto",
    minutes: Annotated[
        float, typer.Option(help="Stop at the next validation after so many; run again to go on.")
    ] = math.inf,
    compiled: Annotated[
        bool, typer.Option("--compiled", help="Compile the network first; pays for itself in minutes.")
    ] = False,
) -> None:
    """Train a model by a recipe; go on where an earlier run was stopped.

    Prints, at each validation, the PSNR on held-back tiles beside bicubic's
    (or the input's, where the factor is 1).
    """
    with errors_told():
        from napari_srgan.inference.devices.choice import find_device
        from napari_srgan.training.recipes.session import run_recipe

        choice = find_device(device)
        if choice.note:
            typer.echo(choice.note, err=True)
        job = run_recipe(recipe, data, out, device=str(choice.device), minutes=minutes, compiled=compiled)
        while True:
            try:
                typer.echo(_line(next(job)))
            except StopIteration as end:
                model = end.value
                break
    if model is None:
        typer.echo(f"stopped after {minutes:g} minutes; the same command goes on")
    else:
        typer.echo(f"{out / model.name}.safetensors")


def _line(validation: HeldBackScores) -> str:
    worst, gain = min(validation.gains.items(), key=lambda item: item[1])
    loss = "" if math.isnan(validation.loss) else f"loss {validation.loss:.5f}, "
    return (
        f"step {validation.step}, {validation.minutes:.1f} min: {loss}"
        f"{validation.mean_psnr:.2f} dB, {validation.rival} {validation.mean_bicubic:.2f} dB, "
        f"least gain {gain:+z.2f} dB ({worst})"
    )
