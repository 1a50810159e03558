"""A scale factor in words: what a model does to an image, and what its results are compared with.

A factor of 1 is a model that denoises or deblurs, and leaves the size as it is.
"""

from __future__ import annotations

from typing import Literal

Rival = Literal["bicubic", "input"]


def factor_in_words(factor: int) -> str:
    """How a list of models tells it: ``"x2"``, or ``"same size"``."""
    return f"x{factor}" if factor > 1 else "same size"


def result_suffix(factor: int) -> str:
    """What is added to the name of an image to have that of its result: ``"x2"``, or ``"restored"``."""
    return f"x{factor}" if factor > 1 else "restored"


def verb(factor: int) -> str:
    """What is being done to an image, before its name: ``"Upscaling"``, or ``"Restoring"``."""
    return "Upscaling" if factor > 1 else "Restoring"


def doing(factor: int) -> str:
    """What is being done to an image, with the factor: ``"Upscaling x2"``, or ``"Restoring"``."""
    return f"{verb(factor)} x{factor}" if factor > 1 else verb(factor)


def rival(factor: int) -> Rival:
    """What anybody has without a model, in one word: ``"bicubic"``, or ``"input"``."""
    return "bicubic" if factor > 1 else "input"


def rival_in_prose(factor: int) -> str:
    """What anybody has without a model, as it stands behind a preposition: ``"bicubic"``, or
    ``"the input"``."""
    return "bicubic" if factor > 1 else "the input"


def rival_in_full(factor: int) -> str:
    """What anybody has without a model, as it stands in a sentence: ``"bicubic interpolation"``, or
    ``"the input"``."""
    return "bicubic interpolation" if factor > 1 else "the input"
