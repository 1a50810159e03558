"""``napari-srgan fine-tune``: from the user's own images to a model for their microscope."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_srgan.cli.terminal import check_inputs, errors_told
from napari_srgan.errors import UserError


def fine_tune(
    low: Annotated[
        Path | None, typer.Argument(metavar="LOW", help="Low-resolution or noisy image, or a folder of them.")
    ] = None,
    high: Annotated[
        Path | None,
        typer.Argument(
            metavar="HIGH",
            help="Its high-resolution or clean partner, or a folder of as many, in the same order of names.",
        ),
    ] = None,
    high_only: Annotated[
        list[Path] | None,
        typer.Option(
            "--high",
            metavar="FILE",
            help="High-resolution or clean image, or a folder of them, in place of LOW and HIGH: its partner "
            "is simulated; may be given several times.",
        ),
    ] = None,
    noise_of: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A noisy image as your microscope gives it: its noise and blur are simulated in --high, or "
            "in tiles that come with the package.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Model to start from, a name or a file; scratch: none.  "
            "\\[default: the faithful one for such images and this factor, if there is one]"
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The model file that is made, .safetensors.", show_default=False)
    ] = ...,  # type: ignore[assignment]
    minutes: Annotated[
        float | None,
        typer.Option(help="Stop after so many minutes of training.  \\[default: 10, or none with --steps]"),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Stop after so many steps.")] = None,
    patience: Annotated[
        int, typer.Option(help="Stop after so many validations without improvement; 0: never.")
    ] = 0,
    style: Annotated[
        str, typer.Option(help="faithful: right on average; sharp: looks sharper.")
    ] = "faithful",
    factor: Annotated[
        int | None,
        typer.Option(help="Scale factor, 1 to denoise or deblur; by default it is found from the images."),
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            help="One letter for each axis of all images, e.g. TYX; known from most files. Models for "
            "time-lapses learn along T."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="On a CPU the same seed and --steps make the same weights, bit for bit.")
    ] = 0,
    name: Annotated[str | None, typer.Option(help="Name of the model.  \\[default: that of --out]")] = None,
    batch: Annotated[int | None, typer.Option(help="Patches in a step, all processes together.")] = None,
    patch: Annotated[int | None, typer.Option(help="Low-resolution pixels along a patch's side.")] = None,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other choice, e.g. learning_rate=1e-4 or correct_shift=false; see docs/fine-tuning.md.",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="File from which the training goes on after it was stopped; kept when it is done.  "
            "\\[default: beside --out, deleted when it is done]"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cuda, mps, xpu or cpu.")] = "auto",
    devices: Annotated[
        int | None, typer.Option(help="Processes on each machine, one for each GPU.  \\[default: 1]")
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Machines.  \\[default: 1]")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model file that exists.")] = False,
) -> None:
    """Train a model on your own images, starting from another one.

        Give LOW and HIGH, images of the same field or folders of as many;
        or give --high alone, and low resolution is simulated; or a noisy
    image as --noise-of, with --high or without. A noisy and a clean
    image of one size make a model that denoises, --high alone with
    --factor 1 too.

        Part of each image is held back. On it bicubic interpolation (or the
        input), the base and the model are measured while the training runs, and
        at the end it is told whether the model beats them. Ctrl-C keeps the checkpoint, and
        the same command goes on from it.
    """
    chosen = {
        "minutes": 10.0 if minutes is None and steps is None else minutes, "steps": steps,
        "patience": patience, "style": style, "factor": factor, "seed": seed, "batch": batch,
        "patch": patch, "device": device,
    }  # fmt: skip
    with errors_told(), ExitStack() as opened:
        check_inputs(filter(None, (low, high, *(high_only or []), noise_of)), all_needed=True)
        from napari_srgan.cli.training_base import choose_base
        from napari_srgan.cli.training_images import find_files, open_images, open_noisy
        from napari_srgan.cli.training_places import choose_places, model_name
        from napari_srgan.cli.training_run import TrainingRun
        from napari_srgan.results.collision import refuse_collision
        from napari_srgan.training.fine_tuning.settings import check_settings
        from napari_srgan.training.loop.checkpoint import check_room
        from napari_srgan.training.loop.fabric_group import join_team

        files = find_files(low, high, high_only or [], noise_of=noise_of)
        places = choose_places(out, checkpoint, overwrite=overwrite)
        learned_from = [*files.alone, *(file for pair in files.pairs for file in pair)]
        for written in (places.out, places.checkpoint):
            refuse_collision(written, [*learned_from, *filter(None, [files.noise_of])])
        parsed = _parsed(more or [])
        if files.tiles:
            parsed = {"hold_back": "images"} | parsed
        settings = check_settings({"name": name or model_name(out)} | chosen | parsed)
        images = open_images(files, settings.factor, opened, axes)
        noisy = open_noisy(files, opened, axes)
        start = choose_base(base, images, settings.factor)
        if start:
            check_room(places.out, start.network)
            check_room(places.checkpoint, start.network)
        team = join_team(devices, nodes, settings.device)
        opened.callback(team.close)
        run = TrainingRun(places, team)
        run.tell_what_is_used(files, start)
        run.finish(images, start, settings, noisy)


def _parsed(choices: Sequence[str]) -> dict[str, Any]:
    """Choices given as NAME=VALUE, the value as TOML writes it; words need no quotes.

    Raises
    ------
    UserError
        If there is no name before a value.
    """
    parsed: dict[str, Any] = {}
    for choice in choices:
        name, equals, value = choice.partition("=")
        if not (name.isidentifier() and equals):
            raise UserError(f"--set takes NAME=VALUE, e.g. learning_rate=1e-4; got {choice!r}")
        try:
            parsed[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed[name] = value
    return parsed
