"""What a worker says of itself; imports next to nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

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
