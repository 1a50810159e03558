"""A training on a device is the training on the CPU: to the last bit, with few waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.fine_tuning.conftest import cells, pair_of, run
from tests.training.fine_tuning.movies import movie, movie_pair, temporal_model

from napari_srgan.errors import UserError
from napari_srgan.inference.devices import choice as devices
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.networks import Generator
from napari_srgan.networks.perceptual import SqueezeNetFeatures
from napari_srgan.training.dataset.tiles import TileSets, read_tiles
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.fine_tuning.memory import batch_for
from napari_srgan.training.loop.events import Event, StepDone
from napari_srgan.training.loop.gan_stage import AdversarialStage
from napari_srgan.training.loop.process_group import SingleProcess
from napari_srgan.training.loop.training_loop import train
from napari_srgan.training.recipes.recipe import Recipe
from pretended_device import NAME, Device

GAN: dict[str, Any] = {
    "after": 2, "discriminator": "patch", "discriminator_arguments": {"halvings": 1, "width": 4},
    "perceptual": "squeezenet", "features": "squeezenet.npz", "pixel_weight": 1.0,
    "adversarial_weight": 1e-2, "learning_rate": 1e-3,
}  # fmt: skip
ADVERSARIAL = ["standard", "least-squares", "hinge", "relativistic"]


@pytest.fixture
def features(data: Path) -> Path:
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in SqueezeNetFeatures().state_dict().items()}
    np.savez(data / "squeezenet.npz", **weights)
    return data


def gan(recipe: Recipe, **chosen: Any) -> Recipe:
    return Recipe(**recipe.model_dump() | {"steps": 4, "validate_every": 4, "gan": GAN | chosen})


def trained(recipe: Recipe, data: Path, device: str = "cpu") -> tuple[list[Event], Generator]:
    """All that was told, and the network."""
    loop = train(recipe, read_tiles(recipe, data), None, features=data, team=SingleProcess(device))
    told: list[Event] = []
    while True:
        try:
            told.append(next(loop))
        except StopIteration as end:
            return told, end.value


def assert_same(recipe: Recipe, data: Path) -> None:
    there, network = trained(recipe, data, f"{NAME}:0")
    here, expected = trained(recipe, data)
    for one, other in zip(there, here, strict=True):
        if isinstance(one, StepDone) and isinstance(other, StepDone):
            assert one.loss == other.loss
        if isinstance(one, HeldBackScores) and isinstance(other, HeldBackScores):
            assert one.psnr == other.psnr
    for name, tensor in network.state_dict().items():
        assert tensor.device.type == "cpu"
        np.testing.assert_array_equal(tensor, expected.state_dict()[name])


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_the_pixel_stage(pretended_device: Device, recipe: Recipe, data: Path, optimiser: str) -> None:
    assert_same(recipe.model_copy(update={"steps": 3, "validate_every": 3, "optimiser": optimiser}), data)
    assert pretended_device.up


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_the_adversarial_stage(
    pretended_device: Device, recipe: Recipe, features: Path, adversarial: str
) -> None:
    assert_same(gan(recipe, adversarial=adversarial), features)
    assert pretended_device.up


def test_fine_tuning_of_an_image(pretended_device: Device, tiny_model: Any) -> None:
    options: dict[str, Any] = {"base": tiny_model(), "steps": 3, "validate_every": 3}
    there, _ = run([pair_of(cells())], device=NAME, **options)
    here, _ = run([pair_of(cells())], **options)
    assert pretended_device.up
    assert there.weights_hash == here.weights_hash
    assert [point.psnr for point in there.history] == [point.psnr for point in here.history]


@pytest.mark.parametrize("kind", ["early-fusion", "recurrent"])
def test_fine_tuning_of_a_movie(pretended_device: Device, kind: str) -> None:
    options: dict[str, Any] = {"base": temporal_model(kind), "steps": 2, "validate_every": 2}
    there, _ = run([movie_pair(movie())], device=NAME, **options)
    here, _ = run([movie_pair(movie())], **options)
    assert pretended_device.up
    assert there.weights_hash == here.weights_hash


def waits_of_a_step(device: Device, recipe: Recipe, data: Path) -> list[int]:
    """Of each step, without validations."""
    waits, told = [], train(
        recipe, read_tiles(recipe, data), None, features=data, team=SingleProcess(f"{NAME}:0")
    )  # fmt: skip
    before = 0
    for news in told:
        if isinstance(news, StepDone):
            waits.append(device.waits - before)
        before = device.waits
    return waits


def test_one_wait_for_each_player_in_a_step(pretended_device: Device, recipe: Recipe, features: Path) -> None:
    waits = waits_of_a_step(pretended_device, gan(recipe, after=3).model_copy(update={"steps": 6}), features)
    assert waits[1:3] == [1, 1]  # weights of the interpolation are copied in the first
    assert waits[4:] == [2, 2]


def test_want_of_memory_is_not_taken_for_a_patch_that_is_too_small(
    recipe: Recipe, features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(AdversarialStage, "_see", full)
    with pytest.raises(UserError, match=r"do not fit into the memory of cpu \(CUDA out of memory"):
        trained(gan(recipe), features)


@pytest.mark.parametrize("error", [OutOfMemory, torch.OutOfMemoryError])
def test_what_is_held_back_is_judged_on_the_cpu_where_the_device_has_no_room(
    pretended_device: Device,
    recipe: Recipe,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    recipe = recipe.model_copy(update={"steps": 4, "validate_every": 2})
    here, expected = trained(recipe, data)
    validate = TileSets.validate

    def full(tiles: TileSets, network: Generator, device: torch.device) -> dict[str, float]:
        if device.type == NAME:
            raise error("too large")
        return validate(tiles, network, device)

    monkeypatch.setattr(TileSets, "validate", full)
    there, network = trained(recipe, data, f"{NAME}:0")
    assert [news.psnr for news in there if isinstance(news, HeldBackScores)] == [
        news.psnr for news in here if isinstance(news, HeldBackScores)
    ]
    said = [news.note for news in there if isinstance(news, StepDone) and news.note]
    assert said == [f"memory of {NAME}:0 is too small for what is held back: judged on the CPU"]
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor, expected.state_dict()[name])


def test_too_little_memory_to_judge_on_the_cpu_is_told(
    recipe: Recipe, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(TileSets, "validate", full)
    with pytest.raises(UserError, match=r"not enough memory to upscale what is held back \(Unable"):
        trained(recipe, data)


def test_a_batch_that_does_not_fit_is_halved(pretended_device: Device, recipe: Recipe, data: Path) -> None:
    recipe = recipe.model_copy(update={"steps": 3, "validate_every": 3, "batch": 16, "patch": 32})
    _, _ = trained(recipe, data, f"{NAME}:0")
    pretended_device.total = pretended_device.peak // 2
    told, _ = trained(recipe, data, f"{NAME}:0")
    assert any("going on with" in news.note for news in told if isinstance(news, StepDone))
    assert pretended_device.given_back


def test_memory_is_given_back_when_a_training_ends(
    pretended_device: Device, recipe: Recipe, data: Path
) -> None:
    trained(recipe.model_copy(update={"steps": 1, "validate_every": 1}), data, f"{NAME}:0")
    assert pretended_device.given_back
    assert pretended_device.live < 2**14


def test_the_batch_is_measured_on_the_device(pretended_device: Device, tiny_model: Any) -> None:
    network, device = tiny_model(width=32).network.train().to(f"{NAME}:0"), torch.device(NAME, 0)
    network.requires_grad_(True)
    assert batch_for(network, 1, 64, device) == 16
    pretended_device.total = pretended_device.live + 2**26
    assert batch_for(network, 1, 64, device) < 16


def test_why_a_gpu_is_not_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = devices.DeviceChoice(torch.device("cpu"), "computed on the CPU: cuda:0 is too old")
    monkeypatch.setattr("napari_srgan.training.fine_tuning.job.find_device", lambda _: found)
    _, told = run([pair_of(cells())], steps=1, device="auto")
    assert any("cuda:0 is too old" in note for step in told for note in step.notes)
