"""The adversarial stage: both players move, it resumes, and it stops before it breaks anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_srgan.errors import UserError
from napari_srgan.models import Model, read_model, save_model
from napari_srgan.networks import build_network
from napari_srgan.networks.frames_discriminator import FramesDiscriminator
from napari_srgan.networks.perceptual import SqueezeNetFeatures
from napari_srgan.training.dataset.patch_sampler import PatchSampler
from napari_srgan.training.loop.gan_stage import AdversarialStage
from napari_srgan.training.loop.losses import pixel_loss
from napari_srgan.training.loop.process_group import SingleProcess
from napari_srgan.training.loop.schedule import Moment
from napari_srgan.training.recipes.recipe import MovieClips, Recipe, read_recipe
from napari_srgan.training.recipes.session import run_recipe

GAN = """
[gan]
after = 20
discriminator = "patch"
discriminator_arguments = { halvings = 1, width = 4 }
perceptual = "none"
pixel_weight = 1.0
adversarial_weight = 1e-2
learning_rate = 1e-3
"""


@pytest.fixture
def gan_file(recipe_file: Path) -> Path:
    recipe_file.write_text(recipe_file.read_text() + GAN)
    return recipe_file


def finish(recipe: Path, data: Path, out: Path, **options: Any) -> Model | None:
    job = run_recipe(recipe, data, out, **options)
    while True:
        try:
            next(job)
        except StopIteration as end:
            model: Model | None = end.value
            return model


@pytest.mark.parametrize("adversarial", ["standard", "least-squares", "hinge", "relativistic"])
def test_pixel_stage_then_adversarial_stage(
    gan_file: Path, data: Path, tmp_path: Path, adversarial: str
) -> None:
    gan_file.write_text(gan_file.read_text() + f'adversarial = "{adversarial}"\n')
    model = finish(gan_file, data, tmp_path / "out")
    assert model is not None
    assert model.card.recipe["gan"]["adversarial"] == adversarial
    assert all(parameter.isfinite().all() for parameter in model.network.parameters())


def test_neither_stage_lays_a_grid_on_what_is_even(gan_file: Path, data: Path, tmp_path: Path) -> None:
    gan_file.write_text(gan_file.read_text().replace("adversarial_weight = 1e-2", "adversarial_weight = 1.0"))
    model = finish(gan_file, data, tmp_path / "out")
    assert model is not None
    network, factor = model.network, model.scale_factor
    border = factor * (int(network.receptive_radius) + 1)
    side = 2 * (border // factor) + 4
    with torch.inference_mode():
        even = network(torch.full((1, 1, side, side), 0.5))[..., border:-border, border:-border]
    assert float(even.max() - even.min()) < 1e-5


def test_a_stopped_adversarial_stage_goes_on_as_if_it_had_not_been(
    gan_file: Path, data: Path, tmp_path: Path
) -> None:
    gan_file.write_text(gan_file.read_text().replace("validate_every = 20", "validate_every = 10"))
    whole = finish(gan_file, data, tmp_path / "whole")
    job = run_recipe(gan_file, data, tmp_path / "parts")
    for _ in range(4):  # to the middle of the adversarial stage
        next(job)
    job.close()
    parts = finish(gan_file, data, tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    assert parts.weights_hash == whole.weights_hash


def test_both_players_move_once_and_only_by_their_own_loss(gan_file: Path, data: Path) -> None:
    stage, network = stage_of(gan_file, data)
    before = [p.detach().clone() for p in (*network.parameters(), *stage.discriminator.parameters())]
    low, high = torch.rand(4, 1, 12, 12), torch.rand(4, 1, 24, 24)
    for step in range(2):  # the generator's last convolution begins at zero, and hides the others
        assert stage.step(network, low, high, Moment(step, step / 20)).isfinite()
    after = [*network.parameters(), *stage.discriminator.parameters()]
    assert all(not torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert all(p.requires_grad for p in stage.discriminator.parameters())
    assert all(p.grad is None for p in after)


def stage_of(file: Path, data: Path) -> tuple[AdversarialStage, Any]:
    recipe = read_recipe(file)
    torch.manual_seed(0)
    network = build_network(recipe.architecture, recipe.arguments)
    return AdversarialStage(recipe, network, data, SingleProcess()), network


def test_a_perceptual_loss_from_a_file_takes_part(gan_file: Path, data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in SqueezeNetFeatures().state_dict().items()}
    np.savez(data / "squeezenet.npz", **weights)
    text = gan_file.read_text().replace(
        'perceptual = "none"', 'perceptual = "squeezenet"\nfeatures = "squeezenet.npz"'
    )
    losses = []
    for weight in (0.0, 5.0):
        gan_file.write_text(text + f"perceptual_weight = {weight}\n")
        stage, network = stage_of(gan_file, data)
        torch.manual_seed(1)
        low, high = torch.rand(4, 1, 12, 12), torch.rand(4, 1, 24, 24)
        losses.append(float(stage.step(network, low, high, Moment(5, 5 / 20))))
    assert losses[1] > losses[0] + 0.01


def test_a_diverging_training_stops_and_keeps_what_was_good(
    gan_file: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def breaking(kind: Any, result: Any, truth: Any) -> Any:
        nonlocal calls
        calls += 1
        loss = pixel_loss(kind, result, truth)
        return loss * float("nan") if calls > 8 else loss

    monkeypatch.setattr("napari_srgan.training.loop.gan_stage.pixel_loss", breaking)
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"step 28 the generator's loss is not finite.*lower the learning"):
        finish(gan_file, data, out)
    kept = read_model(out / "toy.safetensors")
    assert all(parameter.isfinite().all() for parameter in kept.network.parameters())
    assert (out / "toy.checkpoint").exists()
    # The cause is gone, and it goes on from there.
    monkeypatch.undo()
    assert finish(gan_file, data, out) is not None


def test_a_starting_model_makes_the_pixel_stage_unnecessary(
    gan_file: Path, data: Path, tmp_path: Path, recipe_file: Path
) -> None:
    pixel = tmp_path / "pixel.toml"
    pixel.write_text(gan_file.read_text().split("[gan]")[0])
    start = finish(pixel, data, tmp_path / "pixel")
    assert start is not None
    file = save_model(start, tmp_path / "start.safetensors")
    text = gan_file.read_text().replace("after = 20", "after = 0")
    gan_file.write_text(f'start = "{file.as_posix()}"\npartner = "start"\n' + text)
    model = finish(gan_file, data, tmp_path / "out")
    assert model is not None
    assert model.card.partner == "start"
    assert model.weights_hash != start.weights_hash


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("after = 20", "after = 40", "begins after 40 of 40 steps"),
        ("after = 20", "after = 0", "needs a pixel stage before it"),
        ('perceptual = "none"', 'perceptual = "squeezenet"', "needs features"),
        ("halvings = 1", "halvings = 0", "cannot be built: PatchGAN needs"),
        ("halvings = 1", "depth = 1", "cannot be built"),
        ('discriminator = "patch"', 'discriminator = "vgg"', "cannot be built"),
        ('perceptual = "none"', 'perceptual = "squeezenet"\nfeatures = "missing.npz"', "no file .*missing"),
    ],
)
def test_wrong_stages_are_named_before_the_training(
    gan_file: Path, data: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    gan_file.write_text(gan_file.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        finish(gan_file, data, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.checkpoint"))


def test_a_checkpoint_of_a_training_without_a_second_player_is_refused(
    gan_file: Path, data: Path, tmp_path: Path
) -> None:
    pixel = tmp_path / "pixel.toml"
    pixel.write_text(gan_file.read_text().split("[gan]")[0])
    job = run_recipe(pixel, data, tmp_path / "out")
    next(job)
    job.close()
    with pytest.raises(UserError, match="no checkpoint of this training"):
        finish(gan_file, data, tmp_path / "out")


def test_batches_that_are_not_finite_spoil_nothing(
    gan_file: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch statistics see a batch before its loss is known."""
    gan_file.write_text(gan_file.read_text().replace('normalisation = "none"', 'normalisation = "batch"'))
    whole = PatchSampler.batch
    drawn = 0

    def broken(sampler: PatchSampler, count: int) -> Any:
        nonlocal drawn
        drawn += 1
        low, high = whole(sampler, count)
        return (low * float("nan"), high) if drawn == 28 else (low, high)

    monkeypatch.setattr(PatchSampler, "batch", broken)
    out = tmp_path / "out"
    with pytest.raises(UserError, match=r"step 27 .* kept in .*toy.safetensors"):
        finish(gan_file, data, out)
    kept = read_model(out / "toy.safetensors")
    assert "27 steps" in kept.card.trained
    assert all(tensor.isfinite().all() for tensor in kept.network.state_dict().values())
    model = finish(gan_file, data, out)
    assert model is not None
    assert all(tensor.isfinite().all() for tensor in model.network.state_dict().values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("patch = 12", "patch = 8", r"cannot see patches of 16 x 16"),
        ('perceptual = "none"', 'perceptual = "none"\nheads = "heads.pth"', "are for 'squeezenet'"),
    ],
)
def test_what_cannot_be_seen_is_told_before_the_training(
    gan_file: Path, data: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    gan_file.write_text(gan_file.read_text().replace("halvings = 1", "halvings = 3").replace(old, new))
    with pytest.raises(UserError, match=message):
        finish(gan_file, data, tmp_path / "out")


@pytest.mark.parametrize(("old", "new"), [("batch = 4", "batch = 2"), ("seed = 0", "seed = 1")])
def test_a_checkpoint_of_another_recipe_is_refused(
    gan_file: Path, data: Path, tmp_path: Path, old: str, new: str
) -> None:
    gan_file.write_text("seed = 0\n" + gan_file.read_text())
    job = run_recipe(gan_file, data, tmp_path / "out")
    next(job)
    job.close()
    gan_file.write_text(gan_file.read_text().replace("steps = 40", "steps = 30").replace(old, new))
    with pytest.raises(UserError, match=f"its recipe had {old}, now it is {new[-1]}; put that back"):
        finish(gan_file, data, tmp_path / "out")


@pytest.mark.parametrize("after", [0, 20])
def test_a_start_that_does_not_fit_is_refused(
    gan_file: Path, data: Path, tmp_path: Path, tiny_model: Any, after: int
) -> None:
    file = save_model(tiny_model(), tmp_path / "start.safetensors")
    text = gan_file.read_text().replace("after = 20", f"after = {after}").replace("width = 8", "width = 6")
    gan_file.write_text(f'start = "{file.as_posix()}"\n' + text)
    with pytest.raises(UserError, match=r"of the \d+ tensors of toy can start from"):
        finish(gan_file, data, tmp_path / "out")


def temporal(**gan: Any) -> Recipe:
    """A recipe of a network of three frames."""
    return Recipe(
        name="toy", description="", architecture="early-fusion", intensity="percentile", steps=40, patch=12,
        arguments={"scale_factor": 2, "channels": 1, "frames": 3, "blocks": 1, "width": 4},
        gan={"after": 20, "discriminator": "patch", "perceptual": "none", "pixel_weight": 1.0}
        | {"discriminator_arguments": {"halvings": 1, "width": 4}} | gan,
    )  # fmt: skip


def temporal_stage(data: Path, recipe: Recipe) -> tuple[AdversarialStage, Any]:
    torch.manual_seed(0)
    network = build_network(recipe.architecture, recipe.arguments)
    return AdversarialStage(recipe, network, data, SingleProcess()), network


@pytest.mark.parametrize("kind", ["patch", "vgg"])
def test_frames_are_judged_several_at_once(data: Path, kind: str) -> None:
    recipe = temporal(discriminator=kind, discriminator_arguments={"width": 4})
    stage, network = temporal_stage(data, recipe.model_copy(update={"patch": 16}))
    assert isinstance(stage.discriminator, FramesDiscriminator)
    assert stage.discriminator.frames == 3
    before = [p.detach().clone() for p in (*network.parameters(), *stage.discriminator.parameters())]
    low, high = torch.rand(2, 6, 1, 16, 16), torch.rand(2, 4, 1, 32, 32)
    for step in range(2):
        assert stage.step(network, low, high, Moment(step, step / 20)).isfinite()
    after = [*network.parameters(), *stage.discriminator.parameters()]
    assert all(not torch.equal(a, b) for a, b in zip(after, before, strict=True))


def test_a_perceptual_loss_sees_frames_one_by_one(data: Path) -> None:
    torch.manual_seed(0)
    weights = {name: tensor.numpy() for name, tensor in SqueezeNetFeatures().state_dict().items()}
    np.savez(data / "squeezenet.npz", **weights)
    losses = []
    for weight in (0.0, 5.0):
        recipe = temporal(perceptual="squeezenet", features="squeezenet.npz", perceptual_weight=weight)
        stage, network = temporal_stage(data, recipe)
        torch.manual_seed(1)
        low, high = torch.rand(2, 5, 1, 12, 12), torch.rand(2, 3, 1, 24, 24)
        losses.append(float(stage.step(network, low, high, Moment(5, 5 / 20))))
    assert losses[1] > losses[0] + 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"discriminator_arguments": {"frames": 0}}, "cannot be built"),
        ({"discriminator_arguments": {"frames": "3"}}, "cannot be built"),
        ({"discriminator_arguments": {"halvings": 4}}, "cannot see patches of 24 x 24"),
    ],
)
def test_a_discriminator_of_frames_that_does_not_fit_is_told_before(
    data: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        temporal_stage(data, temporal(**changes))


def test_clips_too_short_for_the_discriminator_are_told_before(data: Path) -> None:
    short = temporal().model_copy(update={"movies": MovieClips(folders=("movies",), clip=2)})
    with pytest.raises(UserError, match="judges 3 frames at once, and clips of its movies have 2"):
        temporal_stage(data, short)


def test_a_single_image_has_no_frames_to_judge(gan_file: Path, data: Path) -> None:
    gan_file.write_text(gan_file.read_text().replace("halvings = 1", "halvings = 1, frames = 3"))
    with pytest.raises(UserError, match="cannot be built"):
        stage_of(gan_file, data)
