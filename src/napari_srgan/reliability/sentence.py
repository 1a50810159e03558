"""A sentence of a report: what is so, and what follows from it for whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """Something that a report says; the methods section of a paper takes the fact alone."""

    fact: str = ""
    """What was found, impersonal: it begins with a capital letter and ends with a full stop. Empty where
    there is only advice."""
    advice: str = ""
    """What to do, or to expect; the same."""

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.fact} {self.advice}".strip()
