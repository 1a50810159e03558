"""Blocks handed out to the workers of a cluster, and put in their places as they come."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from distributed import CancelledError, KilledWorker

from napari_srgan.cluster.connection import SchedulerGone, workers_of
from napari_srgan.cluster.plan import BlockPlan, Unreadable
from napari_srgan.cluster.tasks import keep_on_cluster, make_block, shrink_block
from napari_srgan.disk.disk_errors import gone
from napari_srgan.errors import UserError
from napari_srgan.progress import Progress
from napari_srgan.results.block_files import Damaged, Delivery
from napari_srgan.results.failures import Setbacks
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.writer import RestartableStore

if TYPE_CHECKING:
    from distributed import Client, Future

FOR_EACH = 2
"""Blocks that each worker process has: one that it makes, and one to begin with at once after that. The
scheduler knows of no more, however large the image is."""
RETRIES = 2
"""Times that a block which failed is tried again, on any worker."""
PAUSE = 0.05
"""Seconds between two looks at what has come."""
ROUND = 1.0
"""Seconds between two looks at who is there."""
HANDED_OVER = 1.0
"""Seconds in which a worker that has written a block should say so; else it is asked later again."""


@dataclass
class Scheduler:
    """The work in hand; touched only by the thread of the job."""

    client: Client
    plan: BlockPlan
    store: RestartableStore

    def __post_init__(self) -> None:
        self.setbacks = Setbacks(self.store)
        self._run = uuid4().hex[:8]
        self._sent = self._send(self.plan)
        self._running: dict[Future[Any], tuple[Block, str]] = {}
        self._workers: list[str] = []
        self._next_round = 0.0
        self._missing: Iterator[Block] = self.store.missing()
        self._again: list[Block] = []
        self._coarser = [block for block in self.store.coarser_missing() if self.store.ready(block)]
        self._total = sum(block.work for level in self.store.levels for block in level.blocks())
        missing = chain(self.store.missing(), self.store.coarser_missing())
        self._done = self._total - sum(block.work for block in missing)
        self._attempts = 0
        self._look_who_is_there()

    def _send(self, plan: BlockPlan) -> Future[Any]:
        import dask

        # A task and not scattered data: it can be made again when all workers that had it are gone.
        # dask warns of what is large; a network is, and goes to each worker once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            return self.client.submit(keep_on_cluster, plan, key=f"upscaling-plan-{self._run}", pure=False)

    @property
    def workers(self) -> int:
        """Processes that are there now."""
        return len(self._workers)

    def progress(self) -> Progress:
        count = self.workers
        where = f"on {count} worker{'s' if count > 1 else ''}" if count else "waiting for workers"
        return Progress(min(self._done, self._total), self._total, f"Writing {self.store.path.name}, {where}")

    def step(self) -> bool:
        """Hand out and take in what there is; False when there is nothing left to do."""
        self._look_who_is_there()
        self._hand_out()
        if not self._running and not self._left():
            return False
        came = [future for future in self._running if future.done()]
        if not came:
            time.sleep(PAUSE)
        deliveries: list[Delivery] = []
        try:
            for future in came:
                deliveries += self._came(future)
        finally:  # what has come is kept, also where the next one ends the run
            self._made(deliveries)
        return True

    def _look_who_is_there(self) -> None:
        if time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + ROUND
            self._workers = workers_of(self.client)

    def _hand_out(self) -> None:
        busy = Counter(worker for _, worker in self._running.values())
        free = [worker for worker in self._workers for _ in range(FOR_EACH - busy[worker])]
        # Each worker gets its first before any gets its second.
        for worker in sorted(free, key=lambda one: busy[one]):
            task = self._next_task()
            if task is None:
                return
            function, block, *rest = task
            self._attempts += 1
            future = self.client.submit(
                function, self._sent, block, *rest, key=f"upscaling-{self._run}-{self._attempts}", pure=False,
                workers=[worker], allow_other_workers=True, retries=RETRIES, priority=block.level,
            )  # fmt: skip
            self._running[future] = block, worker
            busy[worker] += 1

    def _next_task(self) -> tuple[Any, ...] | None:
        while self._coarser:
            block = self._coarser.pop()
            if self.store.ready(block):
                return shrink_block, block, self.store.below(block)
        block_or_none = self._again.pop() if self._again else next(self._missing, None)
        return None if block_or_none is None else (make_block, block_or_none)

    def _left(self) -> bool:
        if not self._coarser and not self._again:
            self._again += [block for block in [next(self._missing, None)] if block is not None]
        return bool(self._coarser or self._again)

    def _came(self, future: Future[Any]) -> list[Delivery]:
        """What a worker has made; nothing if it could not, or cannot say so yet."""
        block, _ = self._running[future]
        if future.cancelled():
            raise SchedulerGone
        try:
            # What was on a worker that has just died is made again meanwhile.
            delivery: Delivery | None = future.result(timeout=HANDED_OVER)
        except TimeoutError:
            return []
        except CancelledError as error:
            raise SchedulerGone from error
        except Exception as error:
            del self._running[future]
            self._not_made(block, error)
            return []
        del self._running[future]
        if delivery is None:
            raise gone(self.store.path)
        return [delivery]

    def _made(self, deliveries: list[Delivery]) -> None:
        if not deliveries:
            return
        self.store.put(*deliveries)
        for block in (delivery.block for delivery in deliveries):
            self._done += block.work
            if block.level == 0:
                self.setbacks.made()
            above = self.store.ready_above(block)
            known = [*self._coarser, *(running for running, _ in self._running.values())]
            if above is not None and above not in known:
                self._coarser.append(above)

    def _not_made(self, block: Block, error: Exception) -> None:
        if isinstance(error, Damaged):
            self.store.mark_missing(error.block)
            self._do_again(error.block)
        elif isinstance(error, Unreadable):
            self.setbacks.leave_out(block, str(error))
        elif isinstance(error, KilledWorker):
            if block.level == 0:  # what is missing of others is made at the end
                self.setbacks.leave_out(block, "the workers that tried it died, perhaps for want of memory")
        elif isinstance(error, ImportError):
            raise UserError(
                f"a worker cannot import what it needs ({error}); install the same napari-srgan "
                f"({self.plan.software}) on all machines"
            ) from error
        else:
            raise error

    def _do_again(self, block: Block) -> None:
        self.setbacks.do_again(block)
        self._done -= block.work
        (self._coarser if block.level else self._again).append(block)

    def stop(self) -> None:
        """Let the scheduler forget what was not begun; workers stop at the end of a tile."""
        for future in self._running:
            future.release()
        self._running.clear()
        self._sent.release()
