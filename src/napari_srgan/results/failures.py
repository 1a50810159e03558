"""What could not be made of a store, or not at once: how long to go on, and what is said in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from napari_srgan.errors import UserError
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.writer import RestartableStore

GIVE_UP = 20
"""Blocks in a row that cannot be made: then it is not a chunk that is broken, but the whole input."""
TRIES = 3
"""Times a block that is not on the disk as it was written is done again."""
_NAMED = 5
"""Blocks that are named at the end for each reason, and reasons."""


@dataclass
class Failures:
    """Blocks that one run, which fills a store, could not make, or not at once."""

    store: RestartableStore
    left_out: dict[Block, str] = field(default_factory=dict)
    """Blocks of the finest level that could not be made, and why."""
    damaged: Counter[Block] = field(default_factory=Counter)
    """Blocks that were not on the disk as they were written, and how often."""
    in_a_row: int = 0
    """Blocks that could not be made since one was made last."""

    def leave_out(self, block: Block, reason: str) -> None:
        """Note a block of the finest level that cannot be made.

        Raises
        ------
        UserError
            If it is one of so many that there is no use in going on.
        """
        self.left_out[block] = reason
        self.in_a_row += 1
        if self.in_a_row >= GIVE_UP:
            raise UserError(
                f"{GIVE_UP} parts in a row could not be made, the last because: {reason}; what of "
                f"{self.store.path} is done is kept: put that right and start the same again"
            )

    def make_again(self, block: Block) -> None:
        """Note a block that has to be made again, for it was damaged on the disk.

        Raises
        ------
        UserError
            If that happens again and again.
        """
        self.damaged[block] += 1
        if self.damaged[block] > TRIES:
            raise UserError(
                f"the disk of {self.store.path} does not keep what is written to it: block {block} of level "
                f"{block.level} was damaged {self.damaged[block]} times; write to another disk"
            )

    def sentence(self) -> str:
        """What is said at the end if blocks were left out."""
        blocks: dict[str, list[Block]] = {}
        for block, reason in self.left_out.items():
            blocks.setdefault(reason, []).append(block)
        named = "; ".join(f"{_named(some)} ({reason})" for reason, some in list(blocks.items())[:_NAMED])
        more = f"; and others for {len(blocks) - _NAMED} more reasons" if len(blocks) > _NAMED else ""
        return (
            f"{len(self.left_out)} of {self.store.total} parts of {self.store.path} could not be made: "
            f"{named}{more}. All others are done and kept: put that right and start the same again, and only "
            "these are done"
        )


def _named(blocks: list[Block]) -> str:
    more = f" and {len(blocks) - _NAMED} more" if len(blocks) > _NAMED else ""
    return " / ".join(map(str, blocks[:_NAMED])) + more
