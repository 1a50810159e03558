"""One cluster of two worker processes for all tests of this room."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest
from distributed import Client, LocalCluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs="CRITICAL"
    ) as cluster:
        yield cluster
    assert not multiprocessing.active_children()


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Any]:
    """Not the active one of the process."""
    with Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client
