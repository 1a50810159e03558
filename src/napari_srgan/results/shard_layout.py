"""How a large array is cut into files: shards of chunks, and the blocks a run is made of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

CHUNK = 512
"""About the side of a chunk: the least that is read."""
SHARD = 2048
"""About the side of a shard: one file, and one block of work."""


@dataclass(frozen=True)
class Sides:
    """Sides of chunks and shards along Y and X, in pixels of the result, and of shards along time."""

    chunk: int = CHUNK
    shard: int = SHARD
    """A multiple of `chunk`, and even, so that shards of a coarser level begin where finer ones do."""
    frames: int = 1
    """Frames of a shard: those that are computed together. A chunk has one, as that is what is looked at."""

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.shard % self.chunk or self.shard % 2:
            raise ValueError(f"a shard of {self.shard} is no even multiple of a chunk of {self.chunk}")

    @classmethod
    def for_tiles(cls, tile: int, frames: int = 1) -> Sides:
        """Sides with which no tile lies in two shards.

        The more frames a shard has, the smaller is it in Y and X: it is in memory as a whole.

        Parameters
        ----------
        tile
            Side of a tile in pixels of the result; tiles lie on a grid from 0.
        frames
            Frames of a time-lapse that are computed together, from frame 0 on.
        """
        if tile <= CHUNK:
            base = chunk = tile * (CHUNK // tile)
        else:
            base = tile
            chunk = min(
                (tile // parts for parts in range(1, tile // 64 + 1) if tile % parts == 0),
                key=lambda side: abs(math.log(side / CHUNK)),
                default=tile,
            )
        times = max(round(SHARD / math.sqrt(frames) / base), 1)
        if base * times % 2:
            times = times - 1 or 2
        return cls(chunk, base * times, frames)


@dataclass(frozen=True)
class Block:
    """One shard of one level of the store: what is computed, written and remembered as a whole."""

    level: int
    index: tuple[int, ...]
    """Its place in the grid of shards, in the order of the stored axes."""
    slices: tuple[slice, ...] = field(compare=False)
    """Its pixels in the result, in the order of the result's axes; along leading ones but time 1."""
    stored: tuple[slice, ...] = field(compare=False)
    """The same in the order of the stored axes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of its pixels in the order of the result's axes."""
        return tuple(part.stop - part.start for part in self.slices)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Numbers of its pixels in the order of the stored axes."""
        return tuple(part.stop - part.start for part in self.stored)

    @property
    def pixels(self) -> int:
        return math.prod(self.shape)

    @property
    def work(self) -> int:
        """What making it costs beside others: a mean costs next to nothing beside a prediction."""
        return max(self.pixels // (1 if self.level == 0 else 50), 1)

    def __str__(self) -> str:
        return ", ".join(f"{part.start}:{part.stop}" for part in self.slices)


@dataclass(frozen=True)
class LevelLayout:
    """One level of a store, cut into shards.

    Sizes are in the order of the stored axes.
    """

    level: int
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...]
    order: tuple[int, ...]
    """For each stored axis its place in the result."""

    @property
    def grid(self) -> tuple[int, ...]:
        """Numbers of shards along each axis."""
        return tuple(-(-size // shard) for size, shard in zip(self.shape, self.shards, strict=True))

    @property
    def chunks_per_shard(self) -> int:
        return math.prod(shard // chunk for shard, chunk in zip(self.shards, self.chunks, strict=True))

    def __len__(self) -> int:
        return math.prod(self.grid)

    def block(self, index: tuple[int, ...]) -> Block:
        """The block at a place of the grid."""
        stored = tuple(
            slice(at * shard, min((at + 1) * shard, size))
            for at, shard, size in zip(index, self.shards, self.shape, strict=True)
        )
        slices = tuple(stored[self.order.index(axis)] for axis in range(len(stored)))
        return Block(self.level, index, slices, stored)

    def blocks(self) -> Iterator[Block]:
        """All blocks, the last axis first."""
        for index in product(*map(range, self.grid)):
            yield self.block(index)


def level_layouts(
    shape: tuple[int, ...], letters: str, order: tuple[int, ...], sides: Sides, *, pyramid: bool
) -> tuple[LevelLayout, ...]:
    """Cut an array and its coarser levels into shards.

    Parameters
    ----------
    shape
        Shape of the finest level, in the order of the stored axes.
    letters
        Letters of the stored axes. Along Y, X and T the sides given are used; along colours, "S" or, where
        they are stored as channels, "s", all are taken together; along all other axes 1.
    order
        For each stored axis its place in the result.
    sides
        Sides of chunks and shards.
    pyramid
        With levels half as large each, until the plane is hardly larger than two chunks.

    Returns
    -------
    tuple of LevelLayout
        The finest first.
    """
    halved = tuple(letter in "YX" for letter in letters)
    levels: list[LevelLayout] = []
    while True:
        levels.append(_level(len(levels), shape, letters, order, sides))
        if not pyramid or max(size for size, half in zip(shape, halved, strict=True) if half) <= (
            2 * sides.chunk
        ):
            return tuple(levels)
        shape = tuple(-(-size // 2) if half else size for size, half in zip(shape, halved, strict=True))


def _level(
    level: int, shape: tuple[int, ...], letters: str, order: tuple[int, ...], sides: Sides
) -> LevelLayout:
    chunks, shards = [], []
    for letter, size in zip(letters, shape, strict=True):
        if letter in "YX":
            chunk = min(sides.chunk, size)
            chunks.append(chunk)
            shards.append(min(sides.shard, -(-size // chunk) * chunk))
        else:
            # Colours are computed together, but a viewer of channels reads one.
            chunks.append(size if letter == "S" else 1)
            shards.append(size if letter in "Ss" else min(sides.frames, size) if letter == "T" else 1)
    return LevelLayout(level, shape, tuple(chunks), tuple(shards), order)


def finer_indices(block: Block, finer: LevelLayout, letters: str) -> list[tuple[int, ...]]:
    """Places of the shards of the next finer level that a block is the mean of."""
    choices: list[range | list[int]] = []
    for letter, at, part, count, shard in zip(
        letters, block.index, block.stored, finer.grid, finer.shards, strict=True
    ):
        if letter in "YX":
            choices.append(range(2 * part.start // shard, min(-(-2 * part.stop // shard), count)))
        else:
            choices.append([at])
    return list(product(*choices))


def coarser_index(block: Block, coarser: LevelLayout, letters: str) -> tuple[int, ...]:
    """Place of the shard of the next coarser level that a block is part of."""
    return tuple(
        part.start // 2 // shard if letter in "YX" else at
        for letter, at, part, shard in zip(letters, block.index, block.stored, coarser.shards, strict=True)
    )


def place_in_coarser(block: Block, coarser: Block, letters: str) -> tuple[slice, ...]:
    """Where, in the pixels of a block of the next coarser level, the halved pixels of a block lie."""
    places = []
    for letter, fine, coarse in zip(letters, block.stored, coarser.stored, strict=True):
        if letter in "YX":
            places.append(slice(fine.start // 2 - coarse.start, -(-fine.stop // 2) - coarse.start))
        else:
            places.append(slice(None))
    return tuple(places)
