"""What can be done to the library of models in the viewer, as tasks for its runner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TypeVar

from napari_srgan.errors import UserError
from napari_srgan.models import ModelCard, ModelIndex, RemoteModel, add_model, download_job, fetch_index
from napari_srgan.progress import Job, Progress
from napari_srgan.viewer.jobs.runner import Task
from napari_srgan.viewer.models.signal import LIBRARY
from napari_srgan.viewer.preferences import chosen_index

_HEARTBEAT = 0.05
"""Seconds between signs of life while something else is waited for."""
ResultT = TypeVar("ResultT")
Complain = Callable[[str], None]


@dataclass(frozen=True)
class Added:
    """What came of adding files to the library."""

    cards: tuple[ModelCard, ...]
    """The cards of the models that are in the library now."""
    problems: tuple[str, ...]
    """A sentence for each file that could not be added."""
    cancelled: bool = False
    """Whether other files were left out."""

    def __str__(self) -> str:
        names = ", ".join(card.name for card in self.cards)
        done = " ".join(["Cancelled."] * self.cancelled + [f"Added {names}."] * bool(names))
        return "\n".join([*([done] if done else []), *self.problems])  # a line for each file


def add_task(files: Sequence[Path], deliver: Callable[[Added], None], complain: Complain) -> Task:
    """Add files to the library; one that cannot be read does not stop the others."""

    cards, problems = list[ModelCard](), list[str]()

    def tell(cancelled: bool) -> None:
        LIBRARY.tell()
        deliver(Added(tuple(cards), tuple(problems), cancelled))

    names = files[0].name if len(files) == 1 else f"{len(files)} files"
    return Task(
        f"Adding {names}",
        _add_job(files, cards, problems),
        deliver=lambda _: tell(False),
        complain=complain,
        # Those that were added before stay, and so does the one that was being added.
        cancelled=lambda _: tell(True),
    )


def _add_job(files: Sequence[Path], cards: list[ModelCard], problems: list[str]) -> Job[None]:
    """Add files, and put what came of each into one of two lists."""
    for done, file in enumerate(files):
        yield Progress(done, len(files), f"Adding {file.name}")
        try:
            cards.append(add_model(file))
        except UserError as error:
            problems.append(str(error))


def find_task(deliver: Callable[[ModelIndex], None], complain: Complain) -> Task:
    """Look for models that can be downloaded."""
    return Task("Looking for models online", _find_job(), deliver, complain)


def _find_job() -> Job[ModelIndex]:
    address = chosen_index() or None
    return (yield from _waiting_for(lambda: fetch_index(address), "Looking for models online"))


def download_task(remote: RemoteModel, deliver: Callable[[ModelCard], None], complain: Complain) -> Task:
    """Download a model into the library."""

    def delivered(card: ModelCard) -> None:
        LIBRARY.tell()
        deliver(card)

    def cancelled(card: ModelCard | None) -> None:
        if card is not None:  # it was there already
            delivered(card)

    return Task(f"Downloading {remote.card.name}", download_job(remote), delivered, complain, cancelled)


def _waiting_for(function: Callable[[], ResultT], message: str) -> Job[ResultT]:
    """Call a function that changes nothing; when the job is closed it is left to itself.

    A server that says nothing could otherwise not be cancelled.
    """
    future: Future[ResultT] = Future()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=call, name="napari-srgan waiting", daemon=True).start()
    while True:
        yield Progress(0, 1, message)
        try:
            return future.result(timeout=_HEARTBEAT)
        except TimeoutError:
            if future.done():
                raise
