"""Whatever a file is, the answer is a model or one sentence, and nothing in it is run."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18, vgg11

from napari_srgan.errors import UserError
from napari_srgan.models import load_model, read_model


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return os.system, (f"echo > {self.file}",)


def discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.LeakyReLU()]
    for size in (16, 32, 64):
        layers += [nn.Conv2d(size, 2 * size, 3, 2, 1), nn.BatchNorm2d(2 * size), nn.LeakyReLU()]
    return nn.Sequential(*layers, nn.Conv2d(128, 1, 3, padding=1))


def judge() -> nn.Module:
    return nn.Sequential(*discriminator()[:-1], nn.Flatten(), nn.Linear(1024, 32), nn.Linear(32, 1))


def named(module: nn.Module) -> dict[str, torch.Tensor]:
    return {f"model.{name}": tensor for name, tensor in module.state_dict().items()}


def torchscript(file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Conv2d(1, 1, 3)), str(file))


def inflated(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(2**26))


def cut(file: Path) -> None:
    torch.save({"body.0.weight": torch.rand(64, 64)}, file)
    file.write_bytes(file.read_bytes()[:5000])


Write = Callable[[Path], Any]
HALF_A_HEADER = b"\x10\0\0\0\0\0\0\0{"
FILES: dict[str, tuple[Write, str]] = {
    "classifier": (lambda f: torch.save(resnet18().state_dict(), f), "a classifier"),
    "features": (lambda f: torch.save(vgg11().features.state_dict(), f), "not known|a classifier"),
    "discriminator": (lambda f: torch.save(named(discriminator()), f), "a discriminator"),
    "judge": (lambda f: torch.save(judge().state_dict(), f), "a discriminator"),
    "module": (lambda f: torch.save(nn.Conv2d(1, 1, 3), f), "whole Python object"),
    "TorchScript": (torchscript, "TorchScript program"),
    "random": (lambda f: f.write_bytes(bytes(range(7, 250)) * 40), "no weights that can be recognised"),
    "empty": (lambda f: f.write_bytes(b""), "is empty"),
    "folder": (lambda f: f.mkdir(), "is a folder"),
    "missing": (lambda f: None, "there is no model file"),
    "Keras": (lambda f: f.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500)), "HDF5"),
    "ONNX": (lambda f: f.write_bytes(b"\x08\x08\x12\x07pytorch" + bytes(90)), "ONNX"),
    "web page": (lambda f: f.write_bytes(b"<!DOCTYPE html><html></html>"), "web page"),
    "unknown": (lambda f: save_file({"a.weight": torch.zeros(3, 3)}, f), "network that is not known"),
    "optimiser": (lambda f: torch.save(torch.optim.Adam([torch.zeros(3)]).state_dict(), f), "optimiser"),
    "nothing": (lambda f: torch.save({}, f), "holds nothing"),
    "list": (lambda f: torch.save([1, 2], f), "no weights"),
    "tensor": (lambda f: torch.save(torch.zeros(3), f), "single tensor"),
    "cut off": (cut, "damaged or cut off"),
    "inflated": (inflated, "claims to hold"),
    "repeated": (lambda f: torch.save({"a.w": torch.zeros(1).expand(2**20, 2**20)}, f), "claims to hold"),
    "archive": (lambda f: zipfile.ZipFile(f, "w").close(), "without weights"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files_of_other_kinds_are_refused_in_one_sentence(kind: str, tmp_path: Path) -> None:
    write, message = FILES[kind]
    file = tmp_path / "found.pth"
    write(file)
    with pytest.raises(UserError, match=message) as caught:
        read_model(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", [".pth", ".pt", ".ckpt", ".bin", ".pkl", ".safetensors"])
@pytest.mark.parametrize("how", ["new", "old", "bare", "beside weights"])
def test_code_in_a_file_is_not_run(ending: str, how: str, tmp_path: Path) -> None:
    made, file = tmp_path / "made-by-the-pickle", tmp_path / f"found{ending}"
    bomb = Bomb(str(made))
    if how == "bare":
        file.write_bytes(pickle.dumps(bomb))
    elif how == "old":
        torch.save(bomb, file, _use_new_zipfile_serialization=False)
    else:
        torch.save(bomb if how == "new" else {"state_dict": {"w": torch.zeros(2)}, "x": bomb}, file)
    with pytest.raises(UserError) as caught:
        load_model(file)
    assert "\n" not in str(caught.value)
    assert not made.exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([b"", b"\x80\x02", b"\x80\x04", b"PK\x03\x04", HALF_A_HEADER]),
    rest=st.binary(),
)
def test_any_bytes_get_a_sentence(start: bytes, rest: bytes, tmp_path: Path) -> None:
    file = tmp_path / "found.pth"
    file.write_bytes(start + rest)
    with pytest.raises(UserError) as caught:
        read_model(file)
    assert "\n" not in str(caught.value)
