"""Which device a network runs on, and in which float type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.device_memory import free_bytes
from napari_srgan.inference.options import check_precision

ACCELERATORS = ("cuda", "xpu", "mps")
"""Kinds of devices beside the CPU, the fastest first."""
LEAST_FREE = 2**29
"""Bytes below which a device is left to the program that fills it: the libraries alone take some hundred
megabytes of it before the first tile."""


@dataclass(frozen=True)
class DeviceChoice:
    """A device that can be used, and what is to be said of the choice."""

    device: torch.device
    """With its index: without one, torch would mean whichever is current in a thread."""
    note: str = ""
    """Why it is not the one that would have been expected."""


def device_kinds() -> tuple[str, ...]:
    """Kinds of devices that are there, the fastest first; to ask starts none of them."""
    return (*(kind for kind in ACCELERATORS if _module(kind) and _count(kind)), "cpu")


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name, or the best there is; see :func:`find_device`."""
    return find_device(name).device


def find_device(name: str = "auto") -> DeviceChoice:
    """Find the device of that name, or the best that can be used.

    Parameters
    ----------
    name
        ``"auto"``; a kind, ``"cuda"``, ``"xpu"``, ``"mps"`` or ``"cpu"``, for the current device of that
        kind; or one of several, e.g. ``"cuda:1"``.

    Returns
    -------
    DeviceChoice
        For ``"auto"`` the CPU, and why, where no other device can be used.

    Raises
    ------
    UserError
        If the device is not there, or this installation of torch cannot run on it.
    """
    if name == "auto":
        return _best()
    kind, _, _ = name.partition(":")
    if kind not in device_kinds():
        raise UserError(f"there is no device {name!r} here; there is: auto, {', '.join(device_kinds())}")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"{name!r} is no device; use auto, cuda, mps, xpu or cpu") from error
    if kind == "cpu":
        return DeviceChoice(torch.device("cpu"))
    if device.index is not None and device.index >= _count(kind):
        found = ", ".join(f"{kind}:{index}" for index in range(_count(kind)))
        raise UserError(f"there is no device {name!r} here; there is: auto, {found}, cpu")
    try:
        device = torch.device(kind, _current(kind) if device.index is None else device.index)
    except RuntimeError as error:  # it cannot even be asked
        raise UserError(f"{name} cannot be used: {_first_line(error)}; use the device 'cpu'") from error
    if reason := _why_unable(device):
        raise UserError(f"{reason}; use the device 'cpu'")
    return DeviceChoice(device)


def choose_dtype(device: torch.device, precision: str = "auto") -> torch.dtype:
    """The float type to compute in.

    Raises
    ------
    UserError
        If the precision is unknown.
    """
    check_precision(precision)
    if precision != "auto":
        dtype: torch.dtype = getattr(torch, precision)
        return dtype
    if device.type == "cuda":
        with torch.cuda.device(device):  # what is asked is asked of the current one
            return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    if device.type == "xpu":
        return torch.bfloat16
    if device.type == "cpu":
        # AVX512-bf16 without AMX is slower than float32 on a Xeon: 1.5 times in training and 1.8 times in
        # upscaling, with networks of 32 features.
        return torch.bfloat16 if torch.cpu.get_capabilities().get("amx_bf16", False) else torch.float32
    return torch.float32


def _best() -> DeviceChoice:
    reasons: list[str] = []
    for kind in device_kinds()[:-1]:
        try:
            for device in _in_order(kind):
                if not (reason := _why_unable(device) or _why_full(device)):
                    return DeviceChoice(device, _said(reasons, str(device)))
                reasons.append(reason)
        except RuntimeError as error:  # a driver that is broken, a process forked from one that uses it
            reasons.append(f"{kind} cannot be used: {_first_line(error)}")
    return DeviceChoice(torch.device("cpu"), _said(reasons, "the CPU"))


def _said(reasons: list[str], instead: str) -> str:
    return f"computed on {instead}: {'; '.join(reasons)}" if reasons else ""


def _in_order(kind: str) -> Iterator[torch.device]:
    """The current device of a kind, then the others."""
    current = _current(kind)
    yield torch.device(kind, current)
    yield from (torch.device(kind, index) for index in range(_count(kind)) if index != current)


def _module(kind: str) -> Any:
    try:
        return torch.get_device_module(kind)
    except RuntimeError:  # a torch that does not know this kind
        return None


def _count(kind: str) -> int:
    return int(_module(kind).device_count())


def _current(kind: str) -> int:
    module = _module(kind)
    return int(module.current_device()) if hasattr(module, "current_device") else 0


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _why_unable(device: torch.device) -> str:
    """Why torch cannot compute on a device; "" if it can."""
    if device.type != "cuda" or torch.version.hip:
        return ""
    major, minor = torch.cuda.get_device_capability(device)
    built = torch.cuda.get_arch_list()
    if not built or any(_runs(architecture, major, minor) for architecture in built):
        return ""
    name = torch.cuda.get_device_name(device)
    return (
        f"this torch was not built for {name} ({device}, sm_{major}{minor}), only for {', '.join(built)}: "
        "another build of torch may be (https://pytorch.org/get-started)"
    )


def _runs(architecture: str, major: int, minor: int) -> bool:
    """Whether a GPU runs what was built for an architecture.

    Binaries run on GPUs of the same major number and at least that minor one, with an ``a`` at the end on
    no other than that; PTX (``compute_``) is compiled for all later ones (CUDA C++ Programming Guide,
    "Compute capabilities").
    """
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
    if not found:
        return False
    kind, built, least, only = found[1], int(found[2]), int(found[3]), found[4]
    if only == "a":
        return (major, minor) == (built, least)
    if kind == "compute" and not only:
        return (major, minor) >= (built, least)
    return major == built and minor >= least


def _why_full(device: torch.device) -> str:
    free = free_bytes(device)
    if free >= LEAST_FREE:
        return ""
    return f"only {free / 2**20:.0f} MiB of the memory of {device} are free"
