"""Parts of the sentences that say what is wrong with a model."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of what an error says, to stand in brackets."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].strip().rstrip(":.")[:160]
