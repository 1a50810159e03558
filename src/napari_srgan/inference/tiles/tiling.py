"""Where the tiles of a plane lie, and what each must see.

All numbers are low-resolution pixels. A plane is first continued by reflection by a
narrow border, the same whether it is tiled or not; a tile then sees its halo, cut off
where the continued plane ends. With a halo of the network's receptive radius the tiled
result is the untiled one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BORDER = 8
"""Number of pixels by which a plane is continued by reflection, which keeps zero padding away from its
pixels."""


SMALLEST_TILE = 16
"""Side of the smallest tile: below, hardly anything but halo is computed."""


@dataclass(frozen=True)
class Span:
    """A half-open range of pixels along one axis."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def grown(self, before: int, after: int) -> Span:
        return Span(self.start - before, self.stop + after)

    def within(self, outer: Span) -> Span:
        """The part of it that lies inside `outer`."""
        return Span(max(self.start, outer.start), min(self.stop, outer.stop))

    def halves(self) -> tuple[Span, Span]:
        middle = (self.start + self.stop) // 2
        return Span(self.start, middle), Span(middle, self.stop)


@dataclass(frozen=True)
class Tile:
    """The part of a plane that is computed in one go."""

    y: Span
    x: Span

    @property
    def pixels(self) -> int:
        return len(self.y) * len(self.x)

    def halves(self) -> tuple[Tile, Tile]:
        """Cut across its longer side."""
        if len(self.y) >= len(self.x):
            first, second = self.y.halves()
            return Tile(first, self.x), Tile(second, self.x)
        first, second = self.x.halves()
        return Tile(self.y, first), Tile(self.y, second)


@dataclass(frozen=True)
class TileWindow:
    """What a tile reads along one axis, how that is continued, what is cut off after."""

    read: Span
    """Pixels of the plane."""
    pad: tuple[int, int]
    """Pixels added by reflection before and after."""
    trim: tuple[int, int]
    """Pixels of the continued window that are not the tile's own."""
    cut: tuple[int, int] = (0, 0)
    """Pixels that were only read to be continued."""

    @property
    def size(self) -> int:
        return len(self.read) + sum(self.pad) - sum(self.cut)


def tile_window(core: Span, length: int, halo: int, border: int | None = None, grid: int = 1) -> TileWindow:
    """Window of a tile along one axis.

    Parameters
    ----------
    core
        The tile's own pixels, inside ``0..length``.
    length
        Length of the axis of the plane.
    halo
        Number of pixels beyond its own that the tile must see.
    border
        Number of pixels by which the plane is continued; :data:`BORDER` by default.
    grid
        The window begins and ends at multiples of it, counted from where the continued plane begins: see
        :attr:`~napari_srgan.networks.Generator.grid`. The plane is continued to such a place.
    """
    border = min(BORDER if border is None else border, halo)
    plane = Span(0, length)
    window = core.grown(halo, halo).within(plane.grown(border, border))
    window = window.grown((window.start + border) % grid, -(window.stop + border) % grid)
    read = window.within(plane)
    return TileWindow(
        read=read,
        pad=(read.start - window.start, window.stop - read.stop),
        trim=(core.start - window.start, window.stop - core.stop),
    )


def on_grid(span: Span, side: int) -> Iterator[Span]:
    """Cut a span into parts of a side, from its first pixel on; the last may be shorter."""
    for start in range(span.start, span.stop, side):
        yield Span(start, min(start + side, span.stop))


def split_evenly(span: Span, parts: int) -> Iterator[Span]:
    """Cut a span into parts that differ by one pixel at most."""
    for part in range(parts):
        yield Span(span.start + len(span) * part // parts, span.start + len(span) * (part + 1) // parts)


def plan_tiles(region: Tile, halo: int, *, largest: int | None = None, side: int | None = None) -> list[Tile]:
    """Cut a region of a plane into tiles.

    Parameters
    ----------
    region
        The region that is to be computed.
    halo
        Number of pixels that each tile sees beyond its own.
    largest
        Most pixels that a tile and its halo may have together; the cut with the least
        work is chosen. :data:`SMALLEST_TILE` with its halo is always allowed.
    side
        Or the side of a tile without its halo, in pixels: all tiles have it, on a grid from the
        region's first pixel on, but the last of a row or column, which is what is left.
    """
    height, width = len(region.y), len(region.x)
    if side is not None:
        return [Tile(y, x) for y in on_grid(region.y, side) for x in on_grid(region.x, side)]
    if largest is None:
        rows = columns = 1
    else:
        rows, columns = _cheapest_cut(height, width, halo, max(largest, (SMALLEST_TILE + 2 * halo) ** 2))
    return [Tile(y, x) for y in split_evenly(region.y, rows) for x in split_evenly(region.x, columns)]


def _cheapest_cut(height: int, width: int, halo: int, largest: int) -> tuple[int, int]:
    """Rows and columns of tiles with the fewest pixels computed, halos counted."""
    best, best_cost = (height, width), None
    for rows in range(1, height + 1):
        tall = -(-height // rows) + 2 * halo
        room = largest // tall - 2 * halo
        if room < 1:
            continue
        columns = -(-width // min(room, width))
        wide = -(-width // columns) + 2 * halo
        cost = rows * columns * tall * wide
        if best_cost is None or cost < best_cost:
            best, best_cost = (rows, columns), cost
        if columns == 1:  # more rows only add halos
            break
    return best
