"""Upscaling on a dask cluster: its speed, and what it costs the network, the scheduler and the owner.

python benchmarks/cluster.py [--planes 8] [--side 512] [--tasks 2000] [--hosts]

--hosts puts the scheduler and each worker on a host of its own (network namespaces; needs root).
"""

from __future__ import annotations

import argparse
import os
import pickle
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
import zarr
from distributed import Client
from machines import Machines, machines

import napari_srgan.cluster.job as cluster_job
from napari_srgan import upscale
from napari_srgan.cluster.plan import BlockPlan
from napari_srgan.cluster.tasks import keep_on_cluster
from napari_srgan.results.shard_layout import Block, Sides
from napari_srgan.results.writer import RestartableStore

MODEL, TILE = "microscopy-x2", 256
AT_ONCE = 200
"""Empty tasks that the scheduler has at a time: those of 100 workers."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--planes", type=int, default=8, help="each is one block")
    parser.add_argument("--side", type=int, default=512, help="of a plane in pixels")
    parser.add_argument("--tasks", type=int, default=2000, help="empty ones, to measure what a task costs")
    parser.add_argument("--hosts", action="store_true", help="each process on a host of its own")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    say("processors, load", f"{os.cpu_count()}, {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = arguments.planes, arguments.side, arguments.side
        image = np.random.default_rng(0).integers(0, 4000, shape, dtype=np.uint16)
        zarr.create_array(
            folder / "in.zarr", data=image, chunks=(1, 256, 256), dimension_names=["z", "y", "x"]
        )
        pixels = image.size / 1e6
        alone = timed(lambda: to_store(folder, "alone", None))
        say("this process, one thread", f"{pixels / alone:.3f} LR Mpixel/s")
        for count in (1, 2):
            with machines(count, hosts=arguments.hosts) as them, them.client() as client:
                to_store(folder, f"warm-{count}", client, region=((0, 64), (0, 64)))
                before = them.carried()
                seconds = timed(lambda: to_store(folder, f"on-{count}", client))  # noqa: B023
                same = np.array_equal(result(folder, f"on-{count}"), result(folder, "alone"))
                say(
                    f"{count} worker{'s' if count > 1 else ''} of one thread",
                    f"{pixels / seconds:.3f} LR Mpixel/s, {alone / seconds:.2f} times; "
                    f"{'the same values' if same else 'OTHER VALUES'}; "
                    f"{(them.carried() - before) / 1e6:.2f} MB over the network in all",
                )
                if count == 2:
                    empty_tasks(them, client, folder, arguments.tasks)
        writing(folder)


def to_store(folder: Path, name: str, cluster: Any, **options: Any) -> Any:
    return upscale(
        folder / "in.zarr", MODEL, out=folder / f"{name}.zarr", cluster=cluster, tile=TILE, device="cpu",
        precision="float32", progress=False, **options,
    )  # fmt: skip


def result(folder: Path, name: str) -> np.ndarray:
    return zarr.open_array(folder / f"{name}.zarr", mode="r")[:]


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def nothing(plan: BlockPlan, block: Block) -> bool:
    """What a block costs when it is not computed."""
    del plan, block
    return True


def a_plan(folder: Path, client: Client) -> tuple[BlockPlan, list[Block]]:
    """The plan that the job sends, caught on its way, and blocks of a large store."""
    caught: list[BlockPlan] = []

    class Caught(Exception):
        pass

    def catch(_: Any, plan: BlockPlan) -> None:
        caught.append(plan)
        raise Caught

    real, cluster_job.ClusterBlockExecutor = cluster_job.ClusterBlockExecutor, catch
    try:
        to_store(folder, "caught", client)
    except Caught:
        pass
    finally:
        cluster_job.ClusterBlockExecutor = real
    return caught[0], list(caught[0].files.levels[0].blocks())


def empty_tasks(them: Machines, client: Client, folder: Path, count: int) -> None:
    plan, blocks = a_plan(folder, client)
    say("sent to each worker once", f"{len(pickle.dumps(plan)) / 1e6:.2f} MB (network and all else)")
    sent = client.submit(keep_on_cluster, plan, key="plan", pure=False)
    workers = sorted(client.nthreads())
    owner = psutil.Process()
    for what, total in (("warm", 200), ("measured", count)):
        before = them.carried(), them.scheduler_seconds(), cpu(owner), time.perf_counter()
        for _ in in_turn(client, sent, blocks, workers, what, total):
            pass
        if what == "warm":
            continue
        after = them.carried(), them.scheduler_seconds(), cpu(owner), time.perf_counter()
        carried, scheduler, owners, seconds = (b - a for a, b in zip(before, after, strict=True))
        say("a block over the network", f"{carried / total / 1e3:.1f} kB (task and answer, all hops)")
        say("scheduler, time of a processor", f"{scheduler / total * 1e3:.2f} ms a block")
        say("owner, time of a processor", f"{owners / total * 1e3:.2f} ms a block, without its disk")
        say("empty blocks", f"{total / seconds:.0f} a second, {AT_ONCE} at a time on 2 workers")


def in_turn(
    client: Client, sent: Any, blocks: list[Block], workers: list[str], name: str, total: int
) -> Iterator[bool]:
    """Empty tasks, so many at once, as the job would send them."""
    tasks = (
        client.submit(
            nothing, sent, blocks[n % len(blocks)], key=f"{name}-{n}", pure=False,
            workers=[workers[n % len(workers)]], allow_other_workers=True, retries=2, priority=0,
        )
        for n in range(total)
    )  # fmt: skip
    running = list(islice(tasks, AT_ONCE))
    while running:
        done = [future for future in running if future.done()]
        running = [future for future in running if future not in done]
        for future in done:
            yield future.result()
        running += islice(tasks, len(done))
        time.sleep(0 if done else 0.005)


def cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def writing(folder: Path, count: int = 300) -> None:
    """What the disk and the owner's memory take for a block."""
    image: dict[str, Any] = {"shape": (10 * 64, count // 10 * 64), "dtype": np.uint16, "axes": "YX"}
    options: dict[str, Any] = {"sides": Sides(64, 64), "fingerprint": {}, "provenance": {}}
    with RestartableStore(folder / "many.zarr", **image, **options) as store:
        pixels = np.random.default_rng(0).integers(0, 4000, (64, 64), dtype=np.uint16)
        blocks = list(store.missing())
        each = timed(lambda: [store.write(block, pixels) for block in blocks]) / count
    say("a block into its place", f"{each * 1e3:.1f} ms, most of it waiting for the disk")
    tracemalloc.start()
    kept = {f"0/c/{n // 1000}/{n % 1000}" for n in range(20_000)}
    say("owner, remembering a block", f"{tracemalloc.get_traced_memory()[0] / len(kept):.0f} bytes of memory")
    tracemalloc.stop()


def say(what: str, figure: str) -> None:
    print(f"{what:36} {figure}", flush=True)


if __name__ == "__main__":
    main()
