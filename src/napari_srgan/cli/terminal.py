"""What the commands have in common: sentences on stderr, a bar, the exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from napari_srgan.errors import UserError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def complain(sentence: str) -> None:
    """Say what is wrong, on stderr; names of files and tensors in it are other people's words."""
    typer.echo(f"napari-srgan: {plain(sentence)}", err=True)


def plain(text: str) -> str:
    """Words without characters that command a terminal."""
    return "".join(character for character in text if character.isprintable() or character == "\n")


@contextmanager
def errors_told() -> Iterator[None]:
    """Turn what a user can put right into a sentence and exit status 1, Ctrl-C into 130."""
    try:
        yield
    except UserError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        complain("interrupted; nothing half written is left")
        raise typer.Exit(INTERRUPTED) from None
