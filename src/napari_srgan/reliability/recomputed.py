"""Whether a result is what its model makes of its image: a place of each channel is computed again.

What is said of a model's results holds for nothing else: for a result that was painted in, scaled, taken from
another image or made by other weights, neither an error map nor what it has lost means anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

import numpy as np

from napari_srgan.acquisition.windows import WindowKey, channels_looked_at, window_keys
from napari_srgan.images.arrays import ArrayLike, read_block
from napari_srgan.images.image import Image
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress
from napari_srgan.reliability.maps import OnTop
from napari_srgan.significant import significant

TILE = 64
"""Pixels of the image along the side of a place that is computed again."""
_ALIKE, _EXACTLY = 0.01, 1e-3
"""Difference in parts of the variation up to which a result is what was computed again: half precision
changes it by less than the first, another device or other tiles in float32 by less than the second."""
_FAINT = 1e-4
"""Difference in parts of the brightest that is none: arithmetic of other devices and tiles."""
_ROUNDING = 0.5
"""Root mean square of grey levels that whole numbers may differ by."""


@dataclass(frozen=True)
class Recomputed:
    """A place of a result beside what its model makes of it now, in grey levels of the result."""

    difference: float
    """Root mean square of the difference, in the channel where it is largest."""
    variation: float
    """Standard deviation there of what was computed again."""
    same: bool
    """Whether the result is what the model makes of the image."""

    @property
    def sentence(self) -> str:
        """What follows where it is not."""
        return (
            "This is not what the model makes of the image: computed again, a place of it differs by "
            f"{significant(self.difference)} grey levels (root mean square), where it varies by "
            f"{significant(self.variation)}. The result was changed, or made of another image, by other "
            "weights or with other settings: what is told of results of this model does not hold for it."
        )


def recomputed_job(
    image: Image,
    pair: OnTop,
    added: ArrayLike,
    model: Model,
    options: UpscaleOptions,
    provenance: Mapping[str, Any],
) -> Job[Recomputed | None]:
    """Compute a place of each channel again, that where it differs most from bicubic interpolation.

    Parameters
    ----------
    image
        That was upscaled.
    pair
        The result on it.
    added
        What it has that interpolation has not, as
        :func:`~napari_srgan.reliability.added.added_detail_job` gives it.
    model
        That is said to have made it.
    options
        Device and precision.
    provenance
        How the result is said to have been made. Where nothing is said, an ensemble of orientations is tried,
        too.

    Returns
    -------
    Recomputed or None
        None where nothing is finite in any of these places, and for results that were projected back.
    """
    if provenance.get("projected_back"):
        return None
    exact = provenance.get("precision") == "float32"
    used = UpscaleOptions(
        device=options.device, precision="float32" if exact else options.precision, tile=TILE,
        self_ensemble=bool(provenance.get("self_ensemble")), align=provenance.get("align"),
    )  # fmt: skip
    alike = _EXACTLY if exact else _ALIKE
    found = yield from _compared_job(LazyUpscaling(image, model, used), pair, added, alike)
    if found is None or found.same or provenance:
        return found
    ensemble = LazyUpscaling(image, model, replace(used, self_ensemble=True))
    again = yield from _compared_job(ensemble, pair, added, alike)
    return again if again is not None and again.same else found


def _compared_job(made: LazyUpscaling, pair: OnTop, added: ArrayLike, alike: float) -> Job[Recomputed | None]:
    """The worst of the channels; `alike` in parts of the variation there."""
    channels = channels_looked_at(pair.image, pair.axes)
    rounding = _ROUNDING if np.dtype(pair.result.dtype).kind in "iub" else 0.0
    worst: Recomputed | None = None
    for number, channel in enumerate(channels):
        yield Progress(number, len(channels), "Checking that the model made the result")
        place = _most_changed(pair, added, channel)
        if place is None:
            continue
        again = made[_enlarged(pair, place, (0, 0))].astype(np.float64)
        there = read_block(pair.result, _enlarged(pair, place, pair.start)).astype(np.float64)
        seen = np.isfinite(again) & np.isfinite(there)
        if not seen.any():
            continue
        difference = float(np.sqrt(np.mean((again - there)[seen] ** 2)))
        variation = float(np.std(again[seen]))
        most = alike * variation + _FAINT * float(np.abs(again[seen]).max()) + rounding
        found = Recomputed(difference, variation, difference <= most)
        if worst is None or (found.same, -found.difference) < (worst.same, -worst.difference):
            worst = found
    return worst


def _most_changed(pair: OnTop, added: ArrayLike, channel: int) -> WindowKey | None:
    """The part of a tile in which the result of a channel has most that interpolation has not."""
    most, found = -1.0, None
    for place in _looked_at(pair, channel):
        own = read_block(added, _enlarged(pair, place, pair.start))
        own = own[np.isfinite(own)]
        change = float(np.var(own, dtype=np.float64)) if own.size else -1.0
        if change > most:
            most, found = change, place
    return found


def _looked_at(pair: OnTop, channel: int) -> Iterator[WindowKey]:
    """Parts of tiles of the image that lie in a few windows of the result."""
    y, factor = pair.axes.index("Y"), pair.factor
    plane = [size // factor for size in pair.result.shape[y : y + 2]]
    shape = (*pair.result.shape[:y], *plane, *pair.result.shape[y + 2 :])
    for key in window_keys(SimpleNamespace(shape=shape), pair.axes, channel):
        spans = []
        for at, start in enumerate(pair.start):
            window = key[y + at]
            assert isinstance(window, slice)
            spans.append(_cut(window.start + start, window.stop + start))
        for rows, columns in product(*spans):
            yield (*key[:y], rows, columns, *key[y + 2 :])


def _cut(start: int, stop: int) -> list[slice]:
    """A span cut where tiles end."""
    borders = [start, *range((start // TILE + 1) * TILE, stop, TILE), stop]
    return [slice(a, b) for a, b in pairwise(borders) if b > a]


def _enlarged(pair: OnTop, place: WindowKey, start: tuple[int, int]) -> WindowKey:
    """The place of the result that a place of the image becomes, from a place of the image on."""
    y = pair.axes.index("Y")
    key = list(place)
    for at in range(2):
        span = place[y + at]
        assert isinstance(span, slice)
        key[y + at] = slice((span.start - start[at]) * pair.factor, (span.stop - start[at]) * pair.factor)
    return tuple(key)
