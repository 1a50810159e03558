"""From one tile into the next, where a halo cannot be as wide as what the network sees.

Deep networks see hundreds of pixels, of which the far ones hardly count. Their halo is
capped, so that two tiles do not agree quite where they meet; there each is computed a
little into the other, and what is written goes over from one to the other linearly.

A tile's weight is its own area, blurred by a square as wide as the overlap. Tiles cover the
plane once, so these weights sum to one everywhere, however irregularly it is cut.
They are added up row by row, whichever tile came first, so that a result is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.images.reading.own_pages import copy_to_own_pages
from napari_srgan.inference.tiles.tiling import Span, Tile

MOST_HALO = 48
"""Low-resolution pixels that a tile sees beyond its own at most."""
REACH = 4
"""Low-resolution pixels that a tile is computed, and fades, into its neighbours."""


def seen_around(radius: int) -> int:
    """Pixels around a tile that are computed with it, for a network that sees so far."""
    return radius if radius <= MOST_HALO else MOST_HALO + REACH


@dataclass(frozen=True)
class Strip:
    """Something that a tile has computed."""

    tile: Tile
    """The tile without its reach."""
    part: Tile
    """The part of the tile, and of its reach, that this is."""
    values: NDArray[Any]
    """``(..., Y * factor, X * factor, K)`` of the part; any float dtype."""


@dataclass
class _Kept:
    """A tile that is computed, while it has neighbours that are not."""

    tile: Tile
    """The tile without its reach."""
    strips: list[Strip]
    """Parts of it that neighbours can reach."""
    missing: int
    """Pixels around it, and of it, that belong to tiles still to come."""


class CrossFade:
    """Blends the tiles of one plane as they come, in any order.

    What a tile's neighbours need of it is kept until they are there: strips along its
    sides, in the working dtype, so that a result is rounded once.

    Parameters
    ----------
    place
        The part of the plane that is computed.
    factor
        Number of result pixels for each pixel of a tile, along Y and X.
    """

    def __init__(self, place: Tile, factor: int) -> None:
        self._place = place
        self._factor = factor
        self._kept: list[_Kept] = []

    def reach(self, tile: Tile) -> Tile:
        """A tile with what it is computed into its neighbours."""
        return reach_of(tile, self._place)

    def blend(self, tile: Tile, values: NDArray[Any]) -> NDArray[Any]:
        """Blend a tile with those before it.

        Parameters
        ----------
        tile
            The tile without its reach. All tiles together cover the place, each pixel once.
        values
            ``(..., Y * factor, X * factor, K)`` of the tile with its reach; any float dtype. They are
            overwritten.

        Returns
        -------
        NDArray
            Values for the tile with its reach, to be written over what is there: right where
            no tile is missing, the best there is elsewhere.
        """
        reach = self.reach(tile)
        strips = [strip for other in self._kept for strip in other.strips]
        self._keep(tile, reach, values)
        strips.append(Strip(tile, reach, values))
        return blend_strips(strips, reach, self._place, self._factor, into=values)

    def _keep(self, tile: Tile, reach: Tile, values: NDArray[Any]) -> None:
        around = self._around(tile)
        # Neighbours that were forgotten have none to come, so that this tile is none of theirs.
        done = sum(_shared_pixels(around, other.tile) for other in self._kept)
        for other in self._kept:
            other.missing -= _shared_pixels(self._around(other.tile), tile)
        strips = strips_of(Strip(tile, reach, values), self._factor)
        self._kept.append(_Kept(tile, strips, around.pixels - tile.pixels - done))
        self._kept = [other for other in self._kept if other.missing]

    def _around(self, tile: Tile) -> Tile:
        """Where neighbours lie: tiles that share a pixel of it reach what the tile reaches."""
        wide = 2 * REACH
        return Tile(
            tile.y.grown(wide, wide).within(self._place.y), tile.x.grown(wide, wide).within(self._place.x)
        )


def reach_of(tile: Tile, place: Tile) -> Tile:
    """A tile with what it is computed into its neighbours, inside the place that is computed."""
    return Tile(tile.y.grown(REACH, REACH).within(place.y), tile.x.grown(REACH, REACH).within(place.x))


def strips_of(whole: Strip, factor: int) -> list[Strip]:
    """What neighbours can reach of a tile that is computed, its values copied."""
    return [
        Strip(whole.tile, part, copy_to_own_pages(whole.values[pixel_index(part, whole.part, factor)].copy()))
        for part in _sides(whole.part)
    ]


def blend_strips(
    strips: Iterable[Strip], seen: Tile, place: Tile, factor: int, into: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Blend what tiles have computed of a part of the plane, in an order of its own.

    Parameters
    ----------
    strips
        Strips in any order; those that do not reach the part count for nothing. One at least reaches it.
    seen
        The part of the plane.
    place
        Everything that is computed of the plane.
    factor
        Number of result pixels for each pixel of a tile, along Y and X.
    into
        Where the result is written to; it may be what one of the strips has computed of the same part.

    Returns
    -------
    NDArray
        ``(..., Y * factor, X * factor, K)`` of the part, in the float dtype of the strips.
    """
    strips = list(strips)
    like = strips[0].values
    size = len(seen.y) * factor, len(seen.x) * factor
    result = np.empty((*like.shape[:-3], *size, like.shape[-1]), like.dtype) if into is None else into
    alone = _seen_alone(strips, seen, place)
    if alone is None:
        result[...] = _blend(strips, seen, place, factor)
        return result
    strip, part = alone
    # What follows from a sum over one tile of weight 1: adding 0 makes the negative zero a zero.
    values = strip.values[pixel_index(part, strip.part, factor)]
    np.add(values, like.dtype.type(0), out=result[pixel_index(part, seen, factor)])
    for side in _around(part, seen):
        result[pixel_index(side, seen, factor)] = _blend(strips, side, place, factor)
    return result


def _blend(strips: list[Strip], seen: Tile, place: Tile, factor: int) -> NDArray[Any]:
    shared = [(strip, common) for strip in strips if (common := _common(seen, strip.part))]
    shared.sort(key=lambda found: (found[0].tile.y.start, found[0].tile.x.start))
    like = shared[0][0].values
    size = len(seen.y) * factor, len(seen.x) * factor
    total = np.zeros((*like.shape[:-3], *size, like.shape[-1]), like.dtype)
    weights = np.zeros((*size, 1), like.dtype)
    for strip, common in shared:
        ours, theirs = pixel_index(common, seen, factor), pixel_index(common, strip.part, factor)
        weight = _weight(strip.tile, common, place, factor)[..., None].astype(like.dtype)
        total[ours] += strip.values[theirs] * weight
        weights[inside(common, seen, factor)] += weight
    blended: NDArray[Any] = total / weights
    return blended


def _seen_alone(strips: list[Strip], seen: Tile, place: Tile) -> tuple[Strip, Tile] | None:
    """The largest part that one of some tiles fills with a weight of 1, and no other reaches."""
    found = []
    for strip in strips:
        y, x = (
            core.grown(0 if core.start == whole.start else -REACH, 0 if core.stop == whole.stop else -REACH)
            for core, whole in ((strip.tile.y, place.y), (strip.tile.x, place.x))
        )
        common = _common(Tile(y, x), strip.part)
        if common and (common := _common(common, seen)):
            found.append((strip, common))
    return max(found, key=lambda each: each[1].pixels, default=None)


def _around(part: Tile, outer: Tile) -> list[Tile]:
    """The rest of a tile around a part of it, in up to four pieces."""
    y, x = outer.y, outer.x
    pieces = (
        Tile(Span(y.start, part.y.start), x),
        Tile(Span(part.y.stop, y.stop), x),
        Tile(part.y, Span(x.start, part.x.start)),
        Tile(part.y, Span(part.x.stop, x.stop)),
    )
    return [piece for piece in pieces if piece.y.start < piece.y.stop and piece.x.start < piece.x.stop]


def _weight(tile: Tile, seen: Tile, place: Tile, factor: int) -> NDArray[np.float64]:
    """Weight of a tile at the result's pixels of another one ``(Y, X)``."""
    return np.outer(
        _share(tile.y, place.y, seen.y, factor),
        _share(tile.x, place.x, seen.x, factor),
    )


def inside(part: Tile, outer: Tile, factor: int) -> tuple[slice, slice]:
    """Where a part lies in the result of another tile."""
    y, x = (
        slice((span.start - of.start) * factor, (span.stop - of.start) * factor)
        for span, of in ((part.y, outer.y), (part.x, outer.x))
    )
    return y, x


def pixel_index(part: Tile, outer: Tile, factor: int) -> tuple[Any, ...]:
    """Index of a part in values ``(..., Y * factor, X * factor, K)`` of another one, see :func:`inside`."""
    return (..., *inside(part, outer, factor), slice(None))


def _share(core: Span, place: Span, seen: Span, factor: int) -> NDArray[np.float64]:
    """How much of the square around each result pixel lies in a tile, along one axis."""
    centres = seen.start + (np.arange(len(seen) * factor) + 0.5) / factor
    # Beyond the ends of what is computed there is nobody to share with.
    before = np.full_like(centres, REACH) if core.start == place.start else centres - core.start
    after = np.full_like(centres, REACH) if core.stop == place.stop else core.stop - centres
    shared: NDArray[np.float64] = (before.clip(-REACH, REACH) + after.clip(-REACH, REACH)) / (2 * REACH)
    return shared


def _sides(reach: Tile) -> list[Tile]:
    """Four strips that do not overlap, of all that a neighbour can reach; or all of a small tile."""
    y, x, wide = reach.y, reach.x, 2 * REACH
    if len(y) <= 2 * wide or len(x) <= 2 * wide:
        return [reach]
    between = Span(y.start + wide, y.stop - wide)
    return [
        Tile(Span(y.start, between.start), x),
        Tile(Span(between.stop, y.stop), x),
        Tile(between, Span(x.start, x.start + wide)),
        Tile(between, Span(x.stop - wide, x.stop)),
    ]


def _common(first: Tile, second: Tile) -> Tile | None:
    """What two tiles have in common."""
    y, x = first.y.within(second.y), first.x.within(second.x)
    return Tile(y, x) if y.start < y.stop and x.start < x.stop else None


def _shared_pixels(first: Tile, second: Tile) -> int:
    shared = _common(first, second)
    return shared.pixels if shared else 0
