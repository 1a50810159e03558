"""How a network does on held-back tiles."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from napari_srgan.networks import Generator, bicubic_upsample
from napari_srgan.quality.metrics import crop_border, luma, psnr
from napari_srgan.training.dataset.tile import TrainingTile
from napari_srgan.training.loop.precision import mixed_precision


def tile_scores(network: Generator, tiles: list[TrainingTile], device: torch.device) -> dict[str, float]:
    """Mean PSNR by source set, in dB: Y channel for RGB, border of one factor left out."""
    network.eval()
    with torch.inference_mode(), mixed_precision(device):
        results = [network(tile.low[None].to(device))[0].float().cpu() for tile in tiles]
    return _by_set(tiles, [_tile_psnr(result, tile) for result, tile in zip(results, tiles, strict=True)])


def validate_bicubic(tiles: list[TrainingTile]) -> dict[str, float]:
    """Mean PSNR of bicubic interpolation in dB by source set."""
    results = [bicubic_upsample(tile.low[None], _factor(tile))[0] for tile in tiles]
    return _by_set(tiles, [_tile_psnr(result, tile) for result, tile in zip(results, tiles, strict=True)])


def _factor(tile: TrainingTile) -> int:
    return tile.high.shape[1] // tile.low.shape[1]


def _tile_psnr(result: Tensor, tile: TrainingTile) -> float:
    def plane(image: Tensor) -> np.ndarray:
        pixels = image.numpy().transpose(1, 2, 0).astype(np.float64)
        whole = luma(pixels * 255) / 255 if pixels.shape[2] == 3 else pixels[..., 0]
        return crop_border(whole, _factor(tile))

    return psnr(plane(result), plane(tile.high), peak=1.0)


def _by_set(tiles: list[TrainingTile], values: list[float]) -> dict[str, float]:
    by_set: dict[str, list[float]] = defaultdict(list)
    for tile, value in zip(tiles, values, strict=True):
        by_set[tile.source_set].append(value)
    return {name: float(np.mean(values)) for name, values in sorted(by_set.items())}
