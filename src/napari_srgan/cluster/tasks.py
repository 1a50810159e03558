"""What workers do: the functions that are sent to them."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import torch
from distributed import get_worker

from napari_srgan.cluster.plan import BlockPlan
from napari_srgan.errors import UserError
from napari_srgan.inference.devices.memory import largest_sample
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.engine import engine_of
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.results.block_files import BlockFiles, Damaged
from napari_srgan.results.block_reading import Stopped
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.upscale_to_zarr import affordable_side

LOOKS, _PAUSE = 4, 0.5
"""Times a file is looked for that another machine has written, and seconds between them: file systems of
networks show it late."""


@dataclass(frozen=True)
class Measured:
    """What fits into a worker's memory."""

    side: int
    """The side of a tile."""
    most_sampled: int | None
    """Pixels that a plane's statistics can be gathered from; None if the network needs none."""


def measured(model: Model, batch: int, options: UpscaleOptions) -> Measured:
    """Measure what fits; the side of a tile only if none is chosen."""
    _use_all_threads()
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


def make_block(plan: BlockPlan, block: Block) -> bool:
    """Compute a block and write it; False if nobody waits for it any more."""
    _use_all_threads()
    reader = plan.reader()
    try:
        plan.files.write(block, reader.read(block))
    except (Stopped, UserError):
        if plan.files.wanted():
            raise
        return False
    return True


def shrink_block(plan: BlockPlan, block: Block) -> bool:
    """Make a block of a coarser level and write it; False if nobody waits for it any more."""
    for look in range(LOOKS):
        try:
            plan.files.shrink(block)
        except (Damaged, UserError) as error:
            if not plan.files.wanted():
                return False
            if look + 1 == LOOKS or not isinstance(error, Damaged):
                raise
            _look_anew(plan.files, error.block)
            time.sleep(_PAUSE)
        else:
            return True
    raise AssertionError


def _look_anew(files: BlockFiles, block: Block) -> None:
    """Open the folders of a block, which makes a network's file system look at them anew."""
    folder = files.shard(block).parent
    for one in (folder if folder.exists() else files.content, files.empty):
        with suppress(OSError):
            list(one.iterdir())


def _use_all_threads() -> None:
    """Let the network use the threads that a worker has; dask lets it have one, whatever the worker has."""
    count = int(get_worker().state.nthreads)
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
