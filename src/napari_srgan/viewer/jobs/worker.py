"""The thread that a job runs on."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import GeneratorWorker

from napari_srgan.progress import Job

NICE = 10
"""How much the threads of a job give way."""


@dataclass(frozen=True)
class Failure:
    error: Exception


class JobWorker(GeneratorWorker):  # type: ignore[misc]
    """Closes its job on its own thread: closing waits for the layer it is computing."""

    def __init__(self, function: Callable[[Job[Any]], Job[Any]], job: Job[Any]) -> None:
        super().__init__(function, job)
        self._job = job

    def work(self) -> Any:
        lower_thread_priority()
        try:
            return super().work()
        finally:
            self._job.close()


def lower_thread_priority() -> None:
    """Let the window go first where both want a processor; where Linux schedules, as it does so by thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def steps_of(job: Job[Any]) -> Job[Any]:
    # Errors are results here: a RuntimeError that leaves a worker's generator would be
    # taken for a sign of a deleted worker, and nobody would be told that it finished.
    try:
        return (yield from job)
    except Exception as error:
        return Failure(error)


class Titled(functools.partial[Any]):
    """A function that napari shows by a title, when it asks whether to close a busy window."""

    title: str

    def __new__(cls, function: Callable[..., Any], title: str) -> Titled:
        self = super().__new__(cls, function)
        self.title = title
        return self

    def __repr__(self) -> str:
        return self.title
