"""Small models that run in milliseconds, and a library folder of their own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

import upscalings
from napari_srgan.inference.devices import choice, copies, network_runner
from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import build_network
from pretended_device import NAME, Device, pretended

# A slow machine is no failure; and other examples come with every run.
settings.register_profile("patient", deadline=None, max_examples=60)
settings.load_profile("patient")

TinyModel = Callable[..., Model]
BEGINNING = np.random.default_rng(0).bit_generator.state


def make_tiny_model(
    scale_factor: int = 2,
    channels: int = 1,
    intensity: str = "percentile",
    name: str = "tiny",
    **arguments: Any,
) -> Model:
    """An untrained model whose residual is not 0, so that its tiles can be told apart."""
    settings = {
        "scale_factor": scale_factor,
        "channels": channels,
        "blocks": 2,
        "width": 8,
        "kernel": 3,
        "normalisation": "none",
        "activation": "prelu",
        "interpolated_skip": True,
        "upsampling": "direct",
    } | arguments
    torch.manual_seed(0)
    network = build_network("srresnet", settings)
    if settings["interpolated_skip"]:
        last = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)][-1]
        torch.nn.init.normal_(last.weight, std=0.05)
    card = ModelCard(
        name=name,
        description="untrained, for tests",
        architecture="srresnet",
        arguments=settings,
        scale_factor=scale_factor,
        channels=channels,
        intensity=intensity,  # type: ignore[arg-type]
        receptive_radius=network.receptive_radius,
        licence="CC0-1.0",
    )
    return Model(network.eval().requires_grad_(False), card)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a GPU where there is none, and say how many."""
    if torch.cuda.is_available():
        return
    without = [item for item in items if item.get_closest_marker("gpu")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


@pytest.fixture
def pretended_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    """A device that is only pretended, the best there is: see :mod:`pretended_device`."""
    monkeypatch.setattr(choice, "ACCELERATORS", (NAME,))
    monkeypatch.setattr(copies, "STREAMED", (NAME,))
    monkeypatch.setattr(network_runner, "STREAMED", (NAME,))
    with pretended() as device:
        yield device
    assert not device.races


@pytest.fixture
def tiny_model() -> TinyModel:
    return make_tiny_model


@pytest.fixture(autouse=True)
def library_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's model folder, empty at the start of each test."""
    folder = tmp_path / "user-models"
    folder.mkdir()
    monkeypatch.setenv("NAPARI_SRGAN_MODELS", str(folder))
    return folder


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor an installed release names an index of models."""
    monkeypatch.delenv("NAPARI_SRGAN_INDEX", raising=False)
    monkeypatch.setattr("napari_srgan.models.library.index.metadata", lambda _: Message())


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The stand-in for bioio in its place, whether that is installed or not."""
    installed = _forget_bioio()
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "bioio_stand_in"))
    module = importlib.import_module("bioio")
    module.READ.clear()
    yield module
    _forget_bioio()
    sys.modules.update(installed)


@pytest.fixture
def without_bioio(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No bioio, whether it is installed or not."""
    installed = _forget_bioio()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "bioio", None)
        yield
    sys.modules.update(installed)


def _forget_bioio() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "bioio"]
    return {name: sys.modules.pop(name) for name in names}


@pytest.fixture(autouse=True)
def same_random_numbers(request: pytest.FixtureRequest) -> None:
    """A test is given the same numbers whichever tests ran before it."""
    for module in (request.module, upscalings):
        if isinstance(generator := getattr(module, "RANDOM", None), np.random.Generator):
            generator.bit_generator.state = BEGINNING
