"""What workers do: the functions that are sent to them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from distributed import get_worker

from napari_srgan.cluster.plan import BlockPlan, GivenUp, use_threads
from napari_srgan.errors import UserError
from napari_srgan.inference.devices.memory import largest_sample
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.engine import engine_of
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.results.block_files import Damaged, Delivery
from napari_srgan.results.journal import Receipt
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.upscale_to_zarr import affordable_side

LOOKS, _PAUSE = 4, 0.5
"""Times a file is looked for that another machine has written, and seconds between them: file systems of
networks show it late."""


@dataclass(frozen=True)
class Measured:
    """What fits into a worker's memory."""

    side: int
    """Of a tile."""
    most_sampled: int | None
    """Pixels that a plane's statistics can be gathered from; None if the network needs none."""


def measured(model: Model, batch: int, options: UpscaleOptions) -> Measured:
    """Measure what fits; the side of a tile only if none is chosen."""
    use_threads(_threads())
    engine = engine_of(model, options)
    most_sampled = None
    if engine.needs_plane_statistics:
        try:
            most_sampled = largest_sample(engine, batch)
        except OutOfMemory:  # begin with the smallest
            most_sampled = 1
        engine.forget()
    return Measured(options.tile or affordable_side(model, batch, options), most_sampled)


def keep_on_cluster(plan: BlockPlan) -> BlockPlan:
    """Have a plan on the cluster, from where workers get it."""
    return plan


def make_block(plan: BlockPlan, block: Block) -> Delivery | None:
    """Compute a block and write it; None if nobody waits for it any more."""
    use_threads(_threads())
    opened = plan.opened()
    try:
        return plan.files.write(block, opened.pixels(block))
    except (GivenUp, UserError):
        if plan.wanted:
            raise
        return None


def shrink_block(plan: BlockPlan, block: Block, below: list[tuple[Block, Receipt]]) -> Delivery | None:
    """Make a block of a coarser level and write it; None if nobody waits for it any more."""
    try:
        return _shrunk(plan, block, below)
    except (Damaged, UserError):
        if plan.wanted:
            raise
        return None


def _shrunk(plan: BlockPlan, block: Block, below: list[tuple[Block, Receipt]]) -> Delivery:
    for look in range(LOOKS):
        try:
            return plan.files.shrink(block, below)
        except Damaged as error:
            if look + 1 == LOOKS:
                raise
            # Opening a folder makes a network's file system look at it anew.
            folder = (plan.files.content / plan.files.name_of(error.block)).parent
            list((folder if folder.exists() else plan.files.content).iterdir())
            time.sleep(_PAUSE)
    raise AssertionError


def _threads() -> int:
    return int(get_worker().state.nthreads)
