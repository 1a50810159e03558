"""The fixed grid of tiles over the planes of an array: the same tiles whatever is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from napari_srgan.inference.tiles.tiling import Span, Tile


@dataclass(frozen=True)
class TilePlace:
    """One tile of one plane, or of one clip."""

    index: tuple[int, ...]
    """Place of the plane along the leading axes; for a clip that of its first frame."""
    row: int
    column: int


@dataclass(frozen=True)
class Piece:
    """The share of one row or column of tiles, or of one clip, in something that is read along an axis."""

    number: int
    """Number of the row, the column or the clip."""
    into: slice
    """Places in what is read that it fills."""
    of: slice
    """Places in the tile's result that are taken for them."""


@dataclass(frozen=True)
class TileGrid:
    """Tiles of one side, from pixel 0 on; the last of a row or column is what is left."""

    plane: tuple[int, int]
    """Height and width in low-resolution pixels."""
    side: int
    """Side of a tile in low-resolution pixels."""
    factor: int
    """Result pixels for each low-resolution pixel, along Y and X."""

    @property
    def counts(self) -> tuple[int, int]:
        """Rows and columns."""
        return -(-self.plane[0] // self.side), -(-self.plane[1] // self.side)

    @property
    def whole(self) -> Tile:
        """The plane."""
        return Tile(Span(0, self.plane[0]), Span(0, self.plane[1]))

    def tile(self, place: TilePlace) -> Tile:
        """Where a tile lies.

        Raises
        ------
        IndexError
            If there is no such row or column.
        """
        rows, columns = self.counts
        if not (0 <= place.row < rows and 0 <= place.column < columns):
            raise IndexError(f"there is no tile {place.row}, {place.column} in {rows} x {columns} tiles")
        y, x = (
            Span(n * self.side, min((n + 1) * self.side, length))
            for n, length in zip((place.row, place.column), self.plane, strict=True)
        )
        return Tile(y, x)

    def around(self, place: TilePlace) -> Iterator[TilePlace]:
        """A tile and those it touches, row by row."""
        rows, columns = (
            range(max(n - 1, 0), min(n + 2, count))
            for n, count in zip((place.row, place.column), self.counts, strict=True)
        )
        for row, column in product(rows, columns):
            yield TilePlace(place.index, row, column)

    def pieces(self, along: range) -> list[Piece]:
        """Cut rising places along Y or X of the result at the borders of tiles; empty ones are left out."""
        return cut_at_borders(along, self.side * self.factor)


def cut_at_borders(along: range, size: int) -> list[Piece]:
    """Cut rising places along an axis into pieces of one size each; empty ones are left out."""
    if not along:
        return []
    found = []
    for number in range(along[0] // size, along[-1] // size + 1):
        first, last = (
            min(max(-((along.start - border) // along.step), 0), len(along))
            for border in (number * size, (number + 1) * size)
        )
        if first < last:
            of = slice(along[first] - number * size, along[last - 1] - number * size + 1, along.step)
            found.append(Piece(number, slice(first, last), of))
    return found


def piece_sizes(pieces: Sequence[Piece]) -> tuple[int, ...]:
    """How many places lie in each piece; one of none, if there are no pieces."""
    return tuple(piece.into.stop - piece.into.start for piece in pieces) or (0,)
