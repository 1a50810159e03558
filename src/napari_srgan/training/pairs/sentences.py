"""Words for planes and blocks."""

from __future__ import annotations

from collections.abc import Sequence

from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import BlockShift
from napari_srgan.training.pairs.scale_factor import pixels_in_words

MOST_NAMED = 6
"""Blocks that are named one by one."""


def plane_name(pair: MatchedPair, index: tuple[int, ...]) -> str:
    """Name a plane: "plane T 3, Z 0"; "the plane" where there is one."""
    told = ", ".join(f"{letter} {at}" for (letter, _), at in zip(pair.low.leading, index, strict=True))
    return f"plane {told}".replace("Q ", "") if told else "the plane"


def left_out(pair: MatchedPair, blocks: Sequence[BlockShift]) -> list[str]:
    """Name blocks that do not correlate, and count empty ones."""
    sentences = []
    bad = [block for block in blocks if not (block.good or block.empty)]
    if bad:
        several = len({block.plane for block in blocks}) > 1
        named = "; ".join(_block_name(pair, block, several) for block in bad[:MOST_NAMED])
        more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        sentences.append(
            f"{len(bad)} of {len(blocks)} blocks do not correlate and are left out: {named}{more} "
            f"({pixels_in_words(pair.factor)})"
        )
    empty = sum(block.empty for block in blocks)
    if empty:
        sentences.append(f"{empty} of {len(blocks)} blocks hold nothing to compare; they are kept")
    return sentences


def _block_name(pair: MatchedPair, block: BlockShift, several: bool) -> str:
    (top, _), (left, _) = pair.low_region
    y, x = top + block.y, left + block.x
    where = f"rows {y} to {y + block.side}, columns {x} to {x + block.side}"
    return f"{plane_name(pair, block.plane)}, {where}" if several else where
