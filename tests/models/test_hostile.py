"""Whatever a file is, the answer is a model or one sentence, and nothing in it is run."""

from __future__ import annotations

import argparse
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet18, vgg11

from napari_srgan.errors import UserError
from napari_srgan.models import Model, add_model, load_model, read_model, save_model
from napari_srgan.models.files import CARD_KEY
from published_generators import made


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
    "meta": (lambda f: torch.save({"a.weight": torch.zeros(3, 3, device="meta")}, f), "holds none"),
    "pipe": (lambda f: os.mkfifo(f), "is a pipe"),
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


@pytest.mark.parametrize("path", ["x" * 5000 + ".pth", "a\0b.pth", "x" * 5000 + ".safetensors"])
def test_names_that_no_file_has_get_a_sentence(path: str, tiny_model: Any, tmp_path: Path) -> None:
    for read in (load_model, read_model, add_model):
        with pytest.raises(UserError) as caught:
            read(path)
        assert len(str(caught.value)) < 500
    with pytest.raises(UserError, match=r"cannot be written|saved as"):
        save_model(tiny_model(), tmp_path / path)


def test_small_files_build_no_large_networks(tiny_model: Any, tmp_path: Path) -> None:
    card = tiny_model().card
    for arguments in ({"width": 9000}, {"blocks": 10**8}, {"normalisation": "batch", "width": 10**6}):
        huge = card.model_copy(update={"arguments": card.arguments | arguments})
        file = tmp_path / "found.safetensors"
        save_file({"x": torch.zeros(1)}, file, metadata={CARD_KEY: huge.model_dump_json()})
        with pytest.raises(UserError, match="much larger than the file"):
            read_model(file)


def test_numbers_in_names_build_no_layers(tmp_path: Path) -> None:
    layers = {"body.0.weight": torch.zeros(16, 3, 3, 3), "body.60001.weight": torch.zeros(12, 16, 3, 3)}
    torch.save(layers, tmp_path / "found.pth")
    with pytest.raises(UserError, match="not known"):
        read_model(tmp_path / "found.pth")


def test_our_own_broken_weights_are_refused(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model()
    model.network.head[0].weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(UserError, match=r"head\.0\.weight holds values that are not finite"):
        read_model(save_model(model, tmp_path / "broken.safetensors"))


def test_a_card_of_more_frames_than_its_network_is_refused(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model()
    several = Model(model.network, model.card.model_copy(update={"frames": 3}))
    with pytest.raises(UserError, match="says that 3 frames"):
        read_model(save_model(several, tmp_path / "several.safetensors"))


def test_files_are_read_at_the_same_time(tmp_path: Path) -> None:
    """What may be unpickled is a setting of the whole process."""
    weights = made("block1, PReLU").state_dict()
    torch.save(
        {"state_dict": weights, "args": argparse.Namespace(a=1), "best": np.float64(3)}, tmp_path / "a.pth"
    )
    with ThreadPoolExecutor(3) as threads:
        models = list(threads.map(read_model, [tmp_path / "a.pth"] * 60))
    assert len({model.weights_hash for model in models}) == 1
