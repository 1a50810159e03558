"""What the commands have in common: sentences on stderr, a bar, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from napari_srgan.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from napari_srgan.progress import Job

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def complain(sentence: str) -> None:
    """Say what is wrong, on stderr."""
    typer.echo(f"napari-srgan: {sentence}", err=True)


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


@contextmanager
def progress_bar() -> Iterator[Bar]:
    """A bar with percentage and time left on stderr; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
        # What is piped elsewhere must not be printed above the bar.
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        yield bar


def run_job(job: Job[Any], bar: Bar, title: str = "") -> Any:
    """Run a job to its end, showing how far it is, and return its result.

    However it ends, the job is closed, so that no tile is computed any more.
    """
    task = bar.add_task(title, total=None)
    try:
        while True:
            try:
                step = next(job)
            except StopIteration as end:
                return end.value
            bar.update(task, total=step.total, completed=step.done, description=title or step.message)
    finally:
        job.close()
        bar.remove_task(task)
