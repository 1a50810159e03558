"""One image file of a list, and how it fares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from napari_srgan.images.series import Series


class State(StrEnum):
    """How a file fares."""

    WAITING = "waiting"
    COMPUTING = "computing"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass
class FileRow:
    """A row of the list."""

    series: Series
    """The image."""
    state: State = State.WAITING
    percent: int = 0
    """How far it is, while it is computed."""
    sentence: str = ""
    """Why it failed, or what is to be said of its result."""

    def set(self, state: State, sentence: str = "", percent: int = 0) -> None:
        """Take another state, and forget what was said of the one before."""
        self.state, self.sentence, self.percent = state, sentence, percent

    @property
    def words(self) -> str:
        """What the list shows: the state first, which is never cut off."""
        name = self.series.title
        if self.state is State.COMPUTING:
            return f"{self.percent} %: {name}"
        if self.state is State.FAILED:  # the sentence has the name in it
            return f"{self.state}: {self.sentence}"
        return f"{self.state}: {name}" + (f" ({self.sentence})" if self.sentence else "")
