"""Blocks that are made by the workers of a cluster."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

import dask
from distributed import KilledWorker

from napari_srgan.cluster.connection import SchedulerGone, workers_of
from napari_srgan.cluster.plan import BlockPlan
from napari_srgan.cluster.tasks import keep_on_cluster, make_block, shrink_block
from napari_srgan.disk.disk_errors import gone
from napari_srgan.errors import UserError
from napari_srgan.results.block_reading import Unreadable
from napari_srgan.results.shard_layout import Block

if TYPE_CHECKING:
    from distributed import Client

FOR_EACH = 2
"""Blocks that each worker process has: one that it makes, and one to begin with at once after that. The
scheduler knows of no more, however large the image is."""
RETRIES = 2
"""Times that a block which failed is tried again, on any worker."""
ROUND = 1.0
"""Seconds between two looks at who is there."""


class ClusterBlockExecutor:
    """Makes blocks of a store on workers; see :class:`~napari_srgan.results.schedule.BlockExecutor`.

    Parameters
    ----------
    client
        The client of the cluster.
    plan
        All that workers have to know; sent to each of them once.
    """

    def __init__(self, client: Client, plan: BlockPlan) -> None:
        self._client = client
        self._plan = plan
        self._executor = client.get_executor(pure=False, retries=RETRIES)
        self._worker_of: dict[Future[bool], str] = {}
        self._workers: list[str] = []
        self._next_round = 0.0
        self.capacity()
        # A task and not scattered data: it can be made again when all workers that had it are gone.
        # dask warns of what is large; a network is, and goes to each worker once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            self._sent = client.submit(keep_on_cluster, plan, pure=False)

    @property
    def where(self) -> str:
        count = len(self._workers)
        return f", on {count} worker{'s' if count > 1 else ''}" if count else ", waiting for workers"

    def capacity(self) -> int:
        """As many as the workers have that are there; raises SchedulerGone if nobody knows."""
        if time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + ROUND
            self._workers = workers_of(self._client)
        return FOR_EACH * len(self._workers)

    def submit(self, block: Block) -> Future[bool]:
        # dask would give them to the worker that has the plan already.
        busy = Counter(self._worker_of.values())
        worker = min(self._workers, key=lambda one: busy[one])
        future: Future[bool] = self._executor.submit(
            shrink_block if block.level else make_block, self._sent, block,
            workers=[worker], allow_other_workers=True, priority=block.level,
        )  # fmt: skip
        self._worker_of[future] = worker
        return future

    def result(self, future: Future[bool]) -> None:
        del self._worker_of[future]
        try:
            written = future.result()
        except CancelledError as error:
            raise SchedulerGone from error
        except KilledWorker as error:
            raise Unreadable("the workers that tried it died, perhaps for want of memory") from error
        except ImportError as error:
            raise UserError(
                f"a worker cannot import what it needs ({error}); install the same napari-srgan "
                f"({self._plan.software}) on all machines"
            ) from error
        if not written:  # nobody waits for it, as far as a worker sees
            raise gone(self._plan.files.path)

    def share_of(self, _: Block) -> float:
        return 0.0

    def stop(self) -> None:
        """Let the scheduler forget what was not begun; workers stop at the end of a tile."""
        if self._client.status == "running":
            self._executor.shutdown(wait=False)
        self._sent.release()
