"""Error tables of models fine-tuned on one half of a pair, judged on the other; used by trust_layer.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from markdown_table import markdown

import napari_srgan
from napari_srgan.models.error_table import brightness_and_structure
from napari_srgan.quality.matching import affine_map

PAIRS = ("er-widefield-storm-x4", "microtubules-widefield-storm-x4")
STEPS = 400
FINE = 0.1


def table(data: Path) -> str:
    """Coverage, width and ranking of the error map."""
    rows = []
    for name in PAIRS:
        low, high = (
            tifffile.imread(data / "pairs" / name / f"{kind}.tif") for kind in ("widefield", "storm")
        )
        half = low.shape[1] // 2
        try:
            model = napari_srgan.fine_tune(
                low[:, :half],
                high[:, : 4 * half],
                base="microscopy-x4",
                steps=STEPS,
                progress=False,
            )
        except napari_srgan.UserError as refused:
            rows.append((name, f"refused: {refused}", "", "", "", ""))
            continue
        errors = model.card.errors
        if errors is None:
            rows.append((name, "no table", "", "", "", ""))
            continue
        result = napari_srgan.upscale(low[:, half:], model, progress=False, device="cpu").astype(np.float64)
        rows.append((name, *judged(result, high[:, 4 * half :].astype(np.float64), errors)))
    head = (
        "pair, calibrated on its left, judged on its right",
        "covered (0.90)",
        "of the tenth with most structure",
        "width / constant",
        "nAUSE",
        "blocks",
    )
    return markdown([head, *rows])


def judged(result: Any, truth: Any, errors: Any) -> tuple[str, ...]:
    gain, offset = affine_map(result, truth)
    wrong = np.abs(result - (truth - offset) / gain)
    width = errors.half_widths(result)
    _, structure = brightness_and_structure(result)
    inside, fine = wrong <= width, structure >= np.quantile(structure, 1 - FINE)
    constant = np.quantile(wrong, errors.level)
    return (
        f"{inside.mean():.3f}", f"{inside[fine].mean():.3f}", f"{width.mean() / constant:.2f}",
        f"{nause(wrong, width):.2f}", str(errors.blocks),
    )  # fmt: skip


def nause(wrong: Any, said: Any) -> float:
    """Area between the sparsification curves by the map and by the error: 0 as good as knowing it, 1 random.

    Ilg, E. et al. (2018). Uncertainty estimates and multi-hypotheses networks for optical flow. ECCV,
    section 4.
    """

    def curve(order: Any) -> Any:
        left = np.cumsum(wrong.ravel()[order])  # the surest first
        return left / np.arange(1, left.size + 1)

    by_map, by_error = curve(np.argsort(said.ravel())), curve(np.argsort(wrong.ravel()))
    random = np.full_like(by_map, wrong.mean())
    return float((by_map - by_error).mean() / (random - by_error).mean())
