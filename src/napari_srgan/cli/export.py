"""``napari-srgan export``: a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_srgan.cli.terminal import errors_told
from napari_srgan.errors import UserError

_ENDINGS = {"onnx": ".onnx", "bioimageio": ".zip"}
"""What a model is exported to, and how its file ends."""


def export(
    model: Annotated[
        str, typer.Argument(help="Name of a model (see `napari-srgan models`) or a file.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The file: .onnx, or .zip for bioimage.io.  \\[default: the model's name]"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="onnx or bioimageio.  \\[default: by the ending of --out, or onnx]")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a model as an ONNX file, or as a model package for bioimage.io.

    Other programs can then run it. The file holds the network; the card in it says which
    values it expects.
    """
    with errors_told():
        from napari_srgan.models import export_bioimageio, export_onnx, load_model

        kind = _kind(to, out)
        loaded = load_model(model)
        file = out or Path(f"{loaded.name}{_ENDINGS[kind]}")
        if file.exists() and not overwrite:
            raise UserError(f"{file} exists; give another --out, or --overwrite")
        write = export_bioimageio if kind == "bioimageio" else export_onnx
        typer.echo(f"{loaded.name} -> {write(loaded, file)}")


def _kind(to: str | None, out: Path | None) -> str:
    """What is asked for, by name or by ending.

    Raises
    ------
    UserError
        If neither says it, or they disagree.
    """
    known = " or ".join(f"{name} ({ending})" for name, ending in _ENDINGS.items())
    by_ending = next((name for name, ending in _ENDINGS.items() if out and out.suffix == ending), None)
    if to is not None and to not in _ENDINGS:
        raise UserError(f"a model is exported to {known}, not to {to!r}")
    if out is not None and by_ending != (to or by_ending or "nothing"):
        raise UserError(f"{out.name!r} is no name for an export to {to or 'another program'}: {known}")
    return to or by_ending or "onnx"
