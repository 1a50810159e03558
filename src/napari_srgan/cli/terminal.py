"""What the commands have in common: sentences on stderr, a bar, the exit status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from napari_srgan.errors import UserError

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def complain(sentence: str) -> None:
    """Say what is wrong, on stderr; names of files and tensors in it are other people's words."""
    typer.echo(f"napari-srgan: {printable_words(sentence)}", err=True)


def printable_words(text: str) -> str:
    """Words without characters that command a terminal."""
    return "".join(character for character in text if character.isprintable() or character == "\n")


def check_inputs(given: Iterable[object], *, all_needed: bool) -> None:
    """Say so at once if there is nothing to work on, before torch is imported, which takes seconds.

    Parameters
    ----------
    given
        Paths, and whatever is no path of this machine, of which nothing is known yet.
    all_needed
        Whether one that is missing ends it; otherwise what is there is done first.

    Raises
    ------
    UserError
        If they are missing.
    """
    given = list(given)
    missing = [path for path in given if isinstance(path, Path) and not path.exists()]
    if not missing or (len(missing) < len(given) and not all_needed):
        return
    for path in missing[:-1]:
        complain(f"there is no file {path}")
    raise UserError(f"there is no file {missing[-1]}")


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
