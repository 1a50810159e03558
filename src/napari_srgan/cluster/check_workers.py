"""Asking the workers what they are, before anything is computed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napari_srgan.errors import UserError


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker says of itself."""

    host: str
    software: str
    device: str
    """Type of the device that it would compute on."""
    precision: str
    sees: bool
    """Whether it sees what lies in the folder of the result."""
    complaint: str = ""
    """Why it cannot compute as it is wanted."""


async def present(token: Path, device: str, precision: str) -> WorkerInfo:
    """Look at the machine, on a thread: importing torch takes seconds, in which a worker should answer."""
    return await asyncio.to_thread(_present, token, device, precision)


def _present(token: Path, device: str, precision: str) -> WorkerInfo:
    from napari_srgan.inference.devices.choice import choose_device, choose_dtype

    host, software = socket.gethostname(), version("napari-srgan")
    sees = token.exists() and os.access(token.parent, os.W_OK)
    try:
        chosen = choose_device(device)
        dtype = str(choose_dtype(chosen, precision)).removeprefix("torch.")
    except UserError as error:
        return WorkerInfo(host, software, "", "", sees, str(error))
    return WorkerInfo(host, software, chosen.type, dtype, sees)


if TYPE_CHECKING:
    from distributed import Client

_NAMED = 3
"""Workers that are named in a sentence."""


@dataclass(frozen=True)
class ClusterSettings:
    """How all workers compute alike."""

    device: str
    """What each is told to compute on."""
    device_types: str
    """What they do compute on; several where machines are mixed."""
    precision: str

    @property
    def mixed(self) -> bool:
        """Whether they are of several kinds."""
        return "," in self.device_types


def check_workers(client: Client, path: Path, device: str, precision: str) -> ClusterSettings:
    """Ask all workers that are there, and find what they can do alike.

    Parameters
    ----------
    client
        The client of a cluster with at least one worker.
    path
        Where the result will lie: its folder has to be seen by all.
    device, precision
        As the user has said; ``"auto"`` is settled here.

    Raises
    ------
    UserError
        If a worker cannot take part; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token = path.parent / f".partial-{path.name}-{uuid4().hex}"
    try:
        token.touch()
        answers = client.run(present, token, device, precision, on_error="return")
    except OSError as error:
        raise UserError(
            f"nothing can be written to {path.parent}: {error.strerror or error}; choose another folder"
        ) from error
    finally:
        token.unlink(missing_ok=True)
    _refuse_strangers(answers)
    return _together(answers, path, device, precision)


def _refuse_strangers(answers: Mapping[str, Any]) -> None:
    """Workers that do not even answer."""
    for address, answer in answers.items():
        if isinstance(answer, ImportError):
            raise UserError(
                f"the worker at {address} cannot import what it needs ({answer}); install the same "
                f"napari-srgan ({version('napari-srgan')}) on all machines"
            )
        if not isinstance(answer, WorkerInfo):
            raise UserError(f"the worker at {address} does not answer as it should ({answer!r})")


def _together(answers: Mapping[str, WorkerInfo], path: Path, device: str, precision: str) -> ClusterSettings:
    here = version("napari-srgan")
    if others := [one for one in answers.values() if one.software != here]:
        versions = ", ".join(sorted({one.software for one in others}))
        raise UserError(
            f"{_named(others)} {versions} of napari-srgan, this process {here}; install the same version "
            "on all machines"
        )
    if blind := [one for one in answers.values() if not one.sees]:
        raise UserError(
            f"{_named(blind)} no way to write to {path.parent}; put the result into a folder that all "
            "machines share, under the same path"
        )
    for one in answers.values():
        if one.complaint:
            raise UserError(f"the worker on {one.host}: {one.complaint}")
    devices = sorted({one.device for one in answers.values()})
    precisions = {one.precision for one in answers.values()}
    settled = precisions.pop() if len(precisions) == 1 else "float32"
    if len(devices) == 1 and device == "auto":
        device = devices[0]
    elif precision == "auto" and len(devices) > 1:
        settled = "float32"
    return ClusterSettings(device, ", ".join(devices), settled)


def _named(workers: list[WorkerInfo]) -> str:
    hosts = sorted({one.host for one in workers})
    more = f" and {len(hosts) - _NAMED} more" if len(hosts) > _NAMED else ""
    noun, verb = ("worker", "has") if len(workers) == 1 else ("workers", "have")
    return f"{len(workers)} {noun} (on {', '.join(hosts[:_NAMED])}{more}) {verb}"
