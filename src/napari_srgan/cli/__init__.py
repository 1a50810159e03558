"""``napari-srgan`` in the shell: the same jobs as in napari, one command a file."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer

from napari_srgan.cli import demo, export, fine_tune, models, train, upscale

app = typer.Typer(
    name="napari-srgan",
    help="Super-resolution for microscopy and photographs, from the shell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(upscale.upscale)
app.command()(fine_tune.fine_tune)
app.add_typer(models.app, name="models")
app.command()(demo.demo)
app.command()(train.train)
app.command()(export.export)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"napari-srgan {version('napari-srgan')}")
        raise typer.Exit


@app.callback()
def entrance(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Super-resolution for microscopy and photographs, from the shell."""
    del version


def main() -> None:
    """Run the command line."""
    # A cluster ends jobs by SIGTERM: leave nothing half written then either.
    signal.signal(signal.SIGTERM, _terminated)
    app()


def _terminated(number: int, frame: Any) -> None:
    del frame
    sys.exit(128 + number)
