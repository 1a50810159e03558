"""Tables and verdicts as Markdown, for the pages that benchmarks write."""

from __future__ import annotations


def markdown(rows: list[list[str]]) -> str:
    """A table, its first row the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def gain(decibels: float) -> str:
    """A difference with its sign; what rounds to nothing has a plus."""
    return f"{round(decibels, 2) + 0.0:+.2f}"


def verdict(reached: bool) -> str:
    """Whether a target is reached."""
    return "**reached**" if reached else "**not reached**"
