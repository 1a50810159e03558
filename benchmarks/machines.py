"""A dask cluster of real processes on this machine; each on a host of its own, if that is wanted.

A host is a network namespace with an address, joined to the others by a bridge, as machines are by a switch.
That needs root and ``ip`` (iproute2).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil
from distributed import Client

BRIDGE, NETWORK = "srgan0", "10.77.0."
PORT = 8797


@dataclass
class Machines:
    """What runs."""

    address: str
    """Of the scheduler."""
    scheduler: psutil.Process
    workers: list[psutil.Process]
    interface: str
    """Through which all goes that the scheduler sends and gets."""

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client, once all workers are there."""
        with Client(self.address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=120)
            yield client

    def carried(self) -> int:
        """Bytes that went through the interface so far."""
        count = psutil.net_io_counters(pernic=True)[self.interface]
        # What is sent to oneself is counted as sent and as got.
        return count.bytes_sent + (0 if self.interface == "lo" else count.bytes_recv)

    def scheduler_seconds(self) -> float:
        """Time of a processor that the scheduler has taken."""
        used = self.scheduler.cpu_times()
        return float(used.user + used.system)


@contextmanager
def machines(workers: int, *, hosts: bool = False) -> Iterator[Machines]:
    """Start a scheduler, and workers of one thread."""
    with ExitStack() as stack:
        if hosts:
            names = [f"srgan-{n}" for n in range(workers + 1)]
            stack.enter_context(_hosts(names))
        else:
            names = [""] * (workers + 1)
        place = f"{NETWORK}2" if hosts else "127.0.0.1"
        address = f"tcp://{place}:{PORT}"
        scheduler = stack.enter_context(
            _process(names[0], "scheduler", "--host", place, "--port", str(PORT), "--no-dashboard")
        )
        started = [
            stack.enter_context(
                _process(
                    name, "worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny",
                    *(["--host", f"{NETWORK}{n}"] if hosts else []),
                )
            )
            for n, name in enumerate(names[1:], 3)
        ]  # fmt: skip
        yield Machines(address, scheduler, started, "v-srgan-0" if hosts else "lo")


@contextmanager
def _process(host: str, *arguments: str) -> Iterator[psutil.Process]:
    inside = ["ip", "netns", "exec", host] if host else []
    command = [*inside, sys.executable, "-m", "dask", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _hosts(names: list[str]) -> Iterator[None]:
    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)

    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("addr", "add", f"{NETWORK}1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names, 2):
            ip("netns", "add", name)
            ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"v-{name}", "master", BRIDGE, "up")
            ip("-n", name, "addr", "add", f"{NETWORK}{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        time.sleep(1)  # until the bridge forwards
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False)
