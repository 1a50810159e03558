"""A job shown in a terminal, for scripts and the shell alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from napari_srgan.progress import Job


@contextmanager
def progress_bar(*, wanted: bool = True) -> Iterator[Bar]:
    """A bar with percentage and time left on stderr; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not (wanted and _can_show(console)),
        # What is piped elsewhere must not be printed above the bar.
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        yield bar


def _can_show(console: Console) -> bool:
    return sys.stderr.isatty() or console.is_jupyter


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
