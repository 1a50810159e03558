"""The one progress type that every long job yields."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Progress:
    """How far a long job is.

    A job is a generator of these; each `yield` is a place where it can be
    cancelled by closing the generator.
    """

    done: int
    """Units of work finished."""
    total: int
    """Units of work in the whole job; never 0."""
    message: str = ""
    """What is being done, in words for the user."""

    @property
    def fraction(self) -> float:
        return self.done / self.total


Job = Generator[Progress, None, ResultT]
"""A long job: yields :class:`Progress`, returns its result."""
