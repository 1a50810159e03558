"""Measured low resolution, judged by another modality of the same field; used by real_noise.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from markdown_table import gain, markdown
from real_pairs import Upscale, judged
from tifffile import imread

PAIRS = (
    ("microtubules, SIM, normal light", 2, "microtubules-widefield-sim-x2", "{}_normal_light", "sim"),
    ("microtubules, SIM, low light", 2, "microtubules-widefield-sim-x2", "{}_low_light", "sim"),
    ("microtubules, STORM", 4, "microtubules-widefield-storm-x4", "{}", "storm"),
    ("endoplasmic reticulum, STORM", 4, "er-widefield-storm-x4", "{}", "storm"),
)
"""Name, factor, folder in ``pairs``, the pattern of both files' names, and what the truth was made with."""


def measure(data: Path, factor: int, way: Upscale) -> dict[str, float]:
    """PSNR in dB, as for real pairs, by the pairs of a factor."""
    figures = {}
    for name, times, folder, pattern, modality in PAIRS:
        if times == factor:
            files = (
                data / "pairs" / folder / f"{pattern.format(kind)}.tif" for kind in ("widefield", modality)
            )
            low, truth = (np.squeeze(imread(file)) for file in files)
            figures[name] = judged(way(low), truth, factor)
    return figures


def table(plain: dict[str, float], models: dict[str, dict[str, float]]) -> str:
    """A row for each pair, with the gain of each model that has its factor."""
    rows = [["pair", "bicubic", *models]]
    for name, bicubic in plain.items():
        cells = (
            f"{ours[name]:.2f} ({gain(ours[name] - bicubic)})" if name in ours else ""
            for ours in models.values()
        )
        rows.append([name, f"{bicubic:.2f}", *cells])
    return markdown(rows)
