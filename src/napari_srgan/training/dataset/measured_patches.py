"""Draws patches of measured pairs: a real short exposure, and the long one of the same field as truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import IntensityTransform, percentile_transform
from napari_srgan.training.dataset.dataset import Sampler
from napari_srgan.training.dataset.exposure_pairs import ExposurePair, binned
from napari_srgan.training.dataset.patch_choice import orient
from napari_srgan.training.recipes.recipe import Recipe


@dataclass(frozen=True)
class _Field:
    short: NDArray[np.float64]
    truth: NDArray[np.float64]
    """The long exposure by the gain that brings it to the short one's grey levels; its offset is open."""
    seen: IntensityTransform
    """The range that upscaling finds for the binned short exposure."""


class ExposurePatches:
    """Draws batches of patches of measured pairs, all pairs alike, in all 8 orientations.

    The short exposure is binned like a camera, from any pixel on. The long one has hardly any noise, so that
    one gain for each pair, by which the binned short one is least different from it, brings it to the
    brightness of the short one. Background and bleaching differ slowly over a field: the offset is that by
    which the means of a patch agree. What noise the long one has is as often above the truth as below:
    the loss on squares averages it away (Lehtinen, J. et al. (2018). Noise2Noise. ICML, arXiv 1803.04189).

    Parameters
    ----------
    pairs
        The pairs to draw from.
    recipe
        The recipe; it says how large a patch is, and by which factor it is made small.
    draw
        The generator of all that is random.

    Raises
    ------
    UserError
        If a pair is smaller than a patch, or its long exposure does not show what the short one shows.
    """

    def __init__(self, pairs: Sequence[ExposurePair], recipe: Recipe, draw: np.random.Generator) -> None:
        self._recipe, self._draw = recipe, draw
        self._side = recipe.patch * recipe.scale_factor
        for pair in pairs:
            if min(pair.short.shape) < self._side:
                raise UserError(
                    f"the pair {pair.name} has {pair.short.shape[0]} x {pair.short.shape[1]} pixels; "
                    f"a patch of {recipe.name} has {self._side} along each side"
                )
        self._fields = [_matched(pair, recipe.scale_factor) for pair in pairs]

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` patches: low ``(N, 1, p, p)`` and high ``(N, 1, p * factor, p * factor)``, float32."""
        pairs = [self._patch() for _ in range(count)]
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _patch(self) -> tuple[Tensor, Tensor]:
        draw, side = self._draw, self._side
        field = self._fields[draw.integers(len(self._fields))]
        y, x = (int(draw.integers(size - side + 1)) for size in field.short.shape)
        part = slice(y, y + side), slice(x, x + side)
        low = binned(field.short[part], self._recipe.scale_factor)
        high = field.truth[part]
        high = high + (low.mean() - high.mean())
        turns, mirrored, gain = (
            int(draw.integers(4)),
            bool(draw.integers(2)),
            draw.uniform(*self._recipe.gain),
        )

        def as_seen(image: NDArray[np.float64]) -> Tensor:
            return orient(torch.from_numpy(field.seen.apply(image))[None] * gain, turns, mirrored)

        return as_seen(low), as_seen(high)


class MixedPatches:
    """Draws batches of which a share, by chance, comes from one sampler and the rest from another.

    Parameters
    ----------
    most, some
        The samplers.
    share
        The share of `some`, 0 to 1.
    draw
        The generator that decides it for each patch.
    """

    def __init__(self, most: Sampler, some: Sampler, share: float, draw: np.random.Generator) -> None:
        self._samplers, self._share, self._draw = (most, some), share, draw

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw `count` patches; see :class:`~napari_srgan.training.dataset.dataset.Sampler`."""
        of_some = int(self._draw.binomial(count, self._share))
        numbers = (count - of_some, of_some)
        batches = [
            sampler.batch(number) for sampler, number in zip(self._samplers, numbers, strict=True) if number
        ]
        return torch.cat([low for low, _ in batches]), torch.cat([high for _, high in batches])


def _matched(pair: ExposurePair, factor: int) -> _Field:
    low, long = binned(pair.short, factor), binned(pair.long, factor)
    variance = long.var()
    gain = np.mean((low - low.mean()) * (long - long.mean())) / variance if variance else 0.0
    if gain <= 0:
        raise UserError(
            f"where the long exposure of the pair {pair.name} is brighter, the short one is not: they do not "
            "show the same field; leave it out of [measured]"
        )
    return _Field(pair.short, gain * pair.long, percentile_transform(low))
