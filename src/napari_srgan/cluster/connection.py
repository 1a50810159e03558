"""Finding a dask cluster: the active client of a script, or one that is connected to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_srgan.errors import UserError, words_of

if TYPE_CHECKING:
    from distributed import Client

CONNECT_PATIENCE = 10.0
"""Seconds a scheduler may take to answer."""


def active_client() -> Client | None:
    """The client that a script has made last and not closed, if any; distributed is not imported for it."""
    distributed = sys.modules.get("distributed")
    if distributed is None or not hasattr(distributed, "default_client"):
        return None
    try:
        client: Client = distributed.default_client()
    except ValueError:
        return None
    return client if client.status == "running" and not client.asynchronous else None


class SchedulerGone(UserError):
    """The scheduler cannot be reached any more."""

    def __init__(self) -> None:
        super().__init__(
            "the scheduler of the cluster cannot be reached any more; what is done is kept: start the same "
            "again, on a cluster or without, to go on"
        )


def workers_of(client: Client) -> list[str]:
    """Addresses of the worker processes that are there now.

    Raises
    ------
    SchedulerGone
        If the scheduler does not answer.
    """
    if client.status != "running":
        raise SchedulerGone
    try:
        return sorted(client.nthreads())
    except OSError as error:
        raise SchedulerGone from error


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """A client of the scheduler at an address, or of the one that wrote a file.

    Parameters
    ----------
    scheduler
        ``tcp://host:port``, or the path of a scheduler file.

    Raises
    ------
    UserError
        If there is no such scheduler, or dask.distributed is not installed.
    """
    try:
        from distributed import Client
        from distributed.utils import silence_logging_cmgr
    except ImportError as error:
        raise UserError(
            'a cluster needs dask.distributed; install it by: pip install "napari-srgan[cluster]"'
        ) from error
    if "://" in scheduler:
        where: dict[str, Any] = {"address": scheduler}
    elif Path(scheduler).is_file():
        where = {"scheduler_file": scheduler}
    else:
        raise UserError(
            f"{scheduler!r} is no scheduler; give its address, e.g. tcp://10.0.0.1:8786, or the file that "
            "`dask scheduler --scheduler-file` writes"
        )
    # What goes wrong is said once, by us, and not in dask's tracebacks too.
    with silence_logging_cmgr(logging.CRITICAL):
        try:
            client = Client(**where, timeout=CONNECT_PATIENCE, set_as_default=False)
        except (OSError, ValueError, KeyError) as error:  # nobody there; another protocol; another file
            raise UserError(
                f"the scheduler at {scheduler} does not answer ({words_of(error)}); see that "
                "`dask scheduler` runs there and can be reached from here"
            ) from error
        try:
            yield client
        finally:
            client.close(timeout=CONNECT_PATIENCE)


@contextmanager
def client_of(cluster: Any) -> Iterator[Client | None]:
    """The client that is meant by a parameter of a script.

    Parameters
    ----------
    cluster
        ``"auto"``: the active one, if any; a client; an address or the path of a scheduler
        file; None or False: none.

    Raises
    ------
    UserError
        If it is none of these, or does not answer.
    """
    if cluster is None or cluster is False:
        yield None
    elif cluster == "auto":
        yield active_client()
    elif isinstance(cluster, str | Path):
        with connected(str(cluster)) as client:
            yield client
    elif hasattr(cluster, "submit") and hasattr(cluster, "scheduler_info"):
        if cluster.asynchronous:
            raise UserError(
                "the client is asynchronous; make one by distributed.Client(...) without asynchronous=True"
            )
        yield cluster
    else:
        raise UserError(f"a cluster is a distributed.Client, or the address of a scheduler; got {cluster!r}")
