"""Tensors of other people's files, read without running anything that is in them.

safetensors files hold nothing but tensors. Pickles are read by PyTorch's restricted unpickler
(``weights_only=True``), which builds tensors and plain containers and refuses all else. What numpy put
beside the weights is rebuilt by our own functions (:mod:`~napari_srgan.models.foreign.plain_numpy`).
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch._weights_only_unpickler import _get_allowed_globals

from napari_srgan.errors import UserError
from napari_srgan.models.foreign.plain_numpy import STAND_INS, NotPlain
from napari_srgan.models.foreign.process_wide import process_wide
from napari_srgan.models.library.existing_file import existing_file
from napari_srgan.models.sentences import first_line

_INFLATION = 4
"""How many times its size on disk a checkpoint may claim; weights are not compressed."""
_NOT_NEEDED = (
    "builtins.bytearray", "torch._utils._rebuild_nested_tensor", "torch._utils._rebuild_wrapper_subclass",
    "torch._utils._rebuild_device_tensor_from_numpy",
)  # fmt: skip
"""What PyTorch lets files call, no weights need, and takes memory or layouts as a file says: a call of
``bytearray`` in a hundred bytes fills three gigabytes."""
_SLACK = 2**20
"""Bytes that any checkpoint may claim besides."""


def read_contents(path: Path) -> Any:
    """Everything in a file of weights: tensors, in whatever containers they are.

    Parameters
    ----------
    path
        A safetensors file, or one that ``torch.save`` wrote, whatever its ending.

    Raises
    ------
    UserError
        If it is something else, holds more than tensors and plain containers, or is damaged.
    """
    head = _first_bytes(path)
    if is_safetensors(path, head):
        return _read_safetensors(path)
    if head.startswith(b"PK"):
        _check_archive(path)
    elif head[:1] != b"\x80":
        raise UserError(f"{path.name} {_kind_of(path, head)}")
    return _read_pickle(path)


def _first_bytes(path: Path) -> bytes:
    try:
        with existing_file(path).open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    if not head:
        raise UserError(f"{path.name} is empty; get it again from where it came from")
    return head


def is_safetensors(path: Path, head: bytes) -> bool:
    """Whether a file begins as a safetensors file does, or is meant to be one by its name."""
    return head[8:9] == b"{" or (path.suffix == ".safetensors" and not head.startswith((b"PK", b"\x80")))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, RuntimeError, MemoryError) as error:
        raise UserError(
            f"{path.name} is no readable safetensors file ({first_line(error)}); "
            "it may be cut off: get it again from where it came from"
        ) from error


def _kind_of(path: Path, head: bytes) -> str:
    """What a file is that is neither safetensors nor a pickle, and what to do."""
    if head.startswith(b"\x89HDF"):
        return "is an HDF5 file, as Keras writes them; only weights of PyTorch can be used"
    if path.suffix == ".onnx" or (head[:1] == b"\x08" and b"pytorch" in head[:256]):
        return "is an ONNX file; use the weights it was exported from, a .safetensors or .pth file"
    if head.startswith(b"\x93NUMPY"):
        return "is a numpy array; use the weights as a .safetensors or .pth file"
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return "is a web page, not a model; download the file itself"
    if head.startswith(b"version https://git-lfs"):
        return "only points to a file in Git LFS; download the file itself (git lfs pull)"
    return "holds no weights that can be recognised; use a .safetensors or .pth file"


def _check_archive(path: Path) -> None:
    """Refuse zip archives that are no checkpoint, or that claim more than they hold."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(
            f"{path.name} is damaged or cut off ({first_line(error)}); get it again from where it came from"
        ) from error
    names = [member.filename for member in members]
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        raise UserError(
            f"{path.name} is a TorchScript program, and programs are not run; "
            "use the weights it was made from, saved with torch.save(model.state_dict(), ...)"
        )
    if any(name.endswith((".weights.h5", "keras_metadata.pb")) for name in names):
        raise UserError(f"{path.name} is a Keras model; only weights of PyTorch can be used")
    if not any(name.endswith("data.pkl") for name in names):
        raise UserError(
            f"{path.name} is a zip archive without weights; "
            "unpack it and choose the .pth or .safetensors file in it"
        )
    claimed = sum(member.file_size for member in members)
    _check_claim(path, claimed)


def _check_claim(path: Path, claimed: int) -> None:
    size = path.stat().st_size
    if claimed > _INFLATION * size + _SLACK:
        raise UserError(
            f"{path.name} has {size:,} bytes and claims to hold {claimed:,}; "
            "such a file is not opened: get another one"
        )


def _read_pickle(path: Path) -> Any:
    try:
        # By the file, as for a path torch would go by its ending.
        with (
            path.open("rb") as file,
            process_wide(),
            _only_stand_ins(),
        ):
            return torch.load(file, map_location="cpu", weights_only=True)
    except NotPlain as error:
        raise UserError(
            f"{path.name} holds {error}, which could be used to run code, so it was not opened; "
            "get the weights alone from someone you trust"
        ) from error
    except pickle.UnpicklingError as error:
        raise UserError(f"{path.name} {_why_not_unpickled(str(error))}") from error
    except Exception as error:  # damaged files raise whatever the damage leads to
        raise UserError(
            f"{path.name} is damaged or cut off ({first_line(error)}); get it again from where it came from"
        ) from error


@contextmanager
def _only_stand_ins() -> Iterator[None]:
    """Let files call our stand-ins and what of PyTorch makes plain tensors, not what others allowed here."""
    of_others, of_torch = torch.serialization.get_safe_globals(), _get_allowed_globals()
    taken_out = {name: of_torch.pop(name) for name in _NOT_NEEDED if name in of_torch}
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(list(STAND_INS))
    try:
        yield
    finally:
        of_torch.update(taken_out)
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(of_others)


def _why_not_unpickled(message: str) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", message)
    if found is None:
        return (
            "is no checkpoint that can be read; if it comes from elsewhere than PyTorch, "
            "convert it to .safetensors there"
        )
    name = found[1]
    if name.rpartition(".")[2][:1].isupper():
        return (
            f"holds a whole Python object ({name}) and not weights alone; opening that would run code, "
            "so it was not opened: load it where it was made and save "
            "torch.save(model.state_dict(), 'weights.pth')"
        )
    return (
        f"holds code besides weights ({name}), which opening it would run, so it was not opened; "
        "get the weights alone from someone you trust"
    )


def check_tensor_claims(path: Path, state: dict[str, Tensor]) -> None:
    """Refuse tensors that repeat a few stored values to a size no memory holds.

    Parameters
    ----------
    path
        The file that they come from.
    state
        Tensors of any shape and dtype by name.

    Raises
    ------
    UserError
        If they are together much larger than their file.
    """
    _check_claim(path, sum(tensor.numel() * tensor.element_size() for tensor in state.values()))
