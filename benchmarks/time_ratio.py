"""Time per megapixel of models beside that of a reference, in turns; used by real_noise.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from dark_frames import dark_frame
from markdown_table import markdown, verdict
from numpy import tile
from real_pairs import Image, Upscale

from napari_srgan.models import Model

ROUNDS = 9
REPEATS = 2
"""Dark frames along each side of the image that is timed."""
GROWTH = 1.1
"""Wanted: at most so many times the reference's time."""


@dataclass(frozen=True)
class TimeRatio:
    """Medians over rounds in which both were timed one after the other."""

    seconds: float
    """Of the model, for a megapixel of the input."""
    ratio: float
    """Of the model's time to the reference's, round by round."""


def measure(model: Upscale, reference: Upscale) -> TimeRatio:
    """Time both in turns, so that whatever else the machine does is shared; the first round only warms up."""
    image = tile(dark_frame(20), (REPEATS, REPEATS))
    rounds = [[_seconds(each, image) for each in (model, reference)] for _ in range(ROUNDS + 1)][1:]
    return TimeRatio(
        median(ours for ours, _ in rounds) / (image.size / 1e6),
        median(ours / theirs for ours, theirs in rounds),
    )


def _seconds(upscale: Upscale, image: Image) -> float:
    began = time.perf_counter()
    upscale(image)
    return time.perf_counter() - began


def table(models: list[Model], references: list[Model], upscaler: Callable[[Model], Upscale]) -> str:
    """A row for each model that has a reference of its factor."""
    rows = [
        ["model", "reference", "s per megapixel of the input", "times the reference's", "at most 10 % more"]
    ]
    for model in models:
        for reference in references:
            if reference.scale_factor == model.scale_factor:
                timed = measure(upscaler(model), upscaler(reference))
                rows.append([
                    model.name, reference.name, f"{timed.seconds:.2f}", f"{timed.ratio:.3f}",
                    verdict(timed.ratio <= GROWTH),
                ])  # fmt: skip
    return markdown(rows)
