"""Patches are drawn where there is something to be seen, and never near what is held back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.training.dataset.patch_choice import orient
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import margin, simulate, window
from napari_srgan.training.fine_tuning.clips import Clip, learned_clips, scenes_of
from napari_srgan.training.fine_tuning.planes import LearnedPlane
from napari_srgan.training.fine_tuning.split import fits, window_sums
from napari_srgan.training.fine_tuning.temporal_needs import STILL, InTime
from napari_srgan.training.recipes.recipe import Recipe

_EVERYWHERE = 0.2
"""Part of the patches that are drawn from anywhere, so that a model learns what ground looks like."""
MOST_SIGNAL = 5.0
"""Times the mean signal beyond which a place is not drawn more often."""


class PatchPlaces:
    """Where patches can be drawn from a clip, and how often from where.

    Parameters
    ----------
    allowed
        ``(Y - patch + 1, X - patch + 1)``: first pixels of the patches that may be learned from.
    signal
        ``(Y, X)``: how much there is to be seen.
    patch
        Side of a patch in low-resolution pixels.
    """

    def __init__(self, allowed: NDArray[np.bool_], signal: NDArray[np.float32], patch: int) -> None:
        self._fits = allowed
        # One of several places next to each other stands for all of them.
        self._stride = max(patch // 8, 1)
        coarse = self._fits[:: self._stride, :: self._stride]
        self._y, self._x = (index * self._stride for index in np.nonzero(coarse))
        if not len(self._y):  # the few places there are lie between those
            self._stride = 1
            self._y, self._x = np.nonzero(self._fits)
        sums = window_sums(signal, patch) / patch**2 if self._fits.size else np.zeros((0, 0))
        weights = _EVERYWHERE + (1 - _EVERYWHERE) * sums[self._y, self._x].clip(max=MOST_SIGNAL)
        self._ends = np.cumsum(weights)

    @property
    def weight(self) -> float:
        """How often the clip is drawn from; 0 if no patch fits."""
        return float(self._ends[-1]) * self._stride**2 if len(self._ends) else 0.0

    def draw(self, draw: np.random.Generator) -> tuple[int, int]:
        """Y and X of a patch's first pixel."""
        number = int(np.searchsorted(self._ends, draw.random() * self._ends[-1], side="right"))
        number = min(number, len(self._ends) - 1)
        y, x = int(self._y[number]), int(self._x[number])
        beside = y + int(draw.integers(self._stride)), x + int(draw.integers(self._stride))
        inside = beside[0] < self._fits.shape[0] and beside[1] < self._fits.shape[1]
        return beside if inside and self._fits[beside] else (y, x)


class _Patches:
    """What both samplers have in common: clips, places, orientations."""

    def __init__(
        self,
        planes: list[LearnedPlane],
        recipe: Recipe,
        draw: np.random.Generator,
        in_time: InTime = STILL,
    ) -> None:
        self._recipe, self._draw, self._in_time = recipe, draw, in_time
        clips = learned_clips(scenes_of(planes, in_time), in_time)
        room = {id(plane): fits(plane.split.roles, recipe.patch) for plane in planes}
        pairs = []
        for clip in clips:
            allowed = np.logical_and.reduce([room[id(plane)] for plane in clip.made])
            signal = np.mean([plane.signal for plane in clip.made], axis=0)
            pairs.append((clip, PatchPlaces(allowed, signal, recipe.patch)))
        self._clips = [(clip, places) for clip, places in pairs if places.weight > 0]
        if not self._clips:
            raise UserError(
                f"nowhere do {in_time.made} frames in a row have a patch of {recipe.patch} low-resolution "
                "pixels that can be learned from; choose smaller patches, or hold back blocks"
            )
        self._ends = np.cumsum([places.weight for _, places in self._clips])

    def _place(self) -> tuple[Clip, int, int]:
        number = int(np.searchsorted(self._ends, self._draw.random() * self._ends[-1], side="right"))
        clip, places = self._clips[min(number, len(self._clips) - 1)]
        return clip, *places.draw(self._draw)

    def _batch(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Frames ``(T, C, y, x)`` as the network takes them."""
        low, high = (torch.stack(side) for side in zip(*pairs, strict=True))
        return (low, high) if self._in_time.films else (low[:, 0], high[:, 0])

    def _turned(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        draw = self._draw
        turns, mirrored = int(draw.integers(4)), bool(draw.integers(2))
        gain = float(draw.uniform(*self._recipe.gain))
        own_gain = gain * float(draw.uniform(*self._recipe.low_gain))
        offset = float(draw.uniform(*self._recipe.low_offset))
        return orient(low, turns, mirrored) * own_gain + offset, orient(high, turns, mirrored) * gain


class MeasuredPatches(_Patches):
    """From planes that have both resolutions."""

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Low ``(N, C, p, p)`` and high ``(N, C, p * factor, p * factor)``; of movies with T before C."""
        return self._batch([self._patch() for _ in range(count)])

    def _patch(self) -> tuple[Tensor, Tensor]:
        clip, y, x = self._place()
        size, factor = self._recipe.patch, self._recipe.scale_factor
        low = torch.stack([_measured(plane)[:, y : y + size, x : x + size] for plane in clip.seen])
        rows, columns = (slice(at * factor, (at + size) * factor) for at in (y, x))
        high = torch.stack([plane.high[:, rows, columns] for plane in clip.made])
        return self._turned(low, high)


class SimulatedPatches(_Patches):
    """From planes of high resolution alone; each patch is degraded anew when it is drawn, frames of a clip
    by one blur and one camera.

    Parameters
    ----------
    planes
        Their high resolution is in grey levels.
    recipe
        Names batch, patch and factor.
    draw
        Where all random numbers come from.
    degradation
        How low resolution is made.
    in_time
        How the network sees time.
    """

    def __init__(
        self,
        planes: list[LearnedPlane],
        recipe: Recipe,
        draw: np.random.Generator,
        degradation: Degradation,
        in_time: InTime = STILL,
    ) -> None:
        super().__init__(planes, recipe, draw, in_time)
        self._degradation = degradation
        factor = degradation.factor
        self._margin = -(-margin(degradation) // factor)
        """Low-resolution pixels."""

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """As of :class:`MeasuredPatches`."""
        places = [self._place() for _ in range(count)]
        size, factor, around = self._recipe.patch, self._recipe.scale_factor, self._margin
        side, beyond = size * factor, around * factor
        wide = torch.stack(
            [
                torch.stack([window(plane.high, y * factor, x * factor, side, beyond) for plane in clip.seen])
                for clip, y, x in places
            ]
        )
        lows = simulate(wide, self._degradation, self._draw)
        inner = slice(around, around + size)
        core = slice(beyond, beyond + side)
        pairs = []
        for (clip, _, _), low, high in zip(places, lows, wide, strict=True):
            seen, target = clip.made[0].seen, clip.made[0].target
            pairs.append(
                self._turned(
                    _normalised(low[clip.firsts][..., inner, inner], seen.offset, seen.span),
                    _normalised(high[clip.own][..., core, core], target.offset, target.span),
                )
            )
        return self._batch(pairs)


def _measured(plane: LearnedPlane) -> Tensor:
    assert plane.low is not None
    return plane.low


def _normalised(image: Tensor, offset: float, span: float) -> Tensor:
    return (image - offset) / span
