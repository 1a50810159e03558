"""SRGAN's discriminator and PatchGAN."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from napari_srgan.networks.frames_discriminator import FramesDiscriminator
from napari_srgan.networks.instance_norm import InstanceNorm2d
from napari_srgan.networks.patch_gan import PatchDiscriminator
from napari_srgan.networks.vgg_discriminator import VGGDiscriminator


def test_srgans_discriminator_is_the_papers() -> None:
    network = VGGDiscriminator()
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [m.stride[0] for m in convolutions] == [1, 2, 1, 2, 1, 2, 1, 2]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 7
    assert [m.out_features for m in network.modules() if isinstance(m, nn.Linear)] == [1024, 1]


@pytest.mark.parametrize(("channels", "patch"), [(1, 32), (3, 48)])
def test_srgans_discriminator_gives_one_answer_an_image(channels: int, patch: int) -> None:
    network = VGGDiscriminator(channels, patch=patch, width=4)
    assert network(torch.rand(2, channels, patch, patch)).shape == (2, 1)


@pytest.mark.parametrize(("halvings", "field"), [(1, 16), (2, 34), (3, 70)])
@pytest.mark.parametrize("spectral", [False, True])
def test_an_answer_of_patchgan_is_about_its_patch(halvings: int, field: int, spectral: bool) -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(1, halvings=halvings, width=4, normalisation="none", spectral=spectral)
    assert network.receptive_field == field
    image = torch.rand(1, 1, 160, 160, requires_grad=True)
    answers = network.eval()(image)
    middle = answers.shape[-1] // 2
    answers[0, 0, middle, middle].backward()
    assert image.grad is not None
    reached = (image.grad[0, 0] != 0).nonzero()
    assert (reached.max(0).values - reached.min(0).values + 1).tolist() == [field, field]


def test_patchgan_takes_images_of_any_size() -> None:
    network = PatchDiscriminator(3, width=4)
    assert network(torch.rand(2, 3, 96, 96)).shape == (2, 1, 10, 10)
    assert network(torch.rand(1, 3, 70, 130)).shape[:2] == (1, 1)
    assert sum(isinstance(m, InstanceNorm2d) for m in network.modules()) == 3


def test_spectral_normalisation_bounds_every_convolution() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(1, width=4, halvings=2, normalisation="none", spectral=True)
    for _ in range(30):  # the power iteration converges in training mode
        network(torch.rand(1, 1, 64, 64))
    for convolution in network.eval().modules():
        if isinstance(convolution, nn.Conv2d):
            norm = torch.linalg.matrix_norm(convolution.weight.detach().flatten(1), 2)
            assert norm.item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: VGGDiscriminator(patch=40), "multiple of 16 pixels, not 40"),
        (lambda: VGGDiscriminator(0), "at least one channel"),
        (lambda: PatchDiscriminator(halvings=0), "got 3, 0 and 64"),
        (lambda: PatchDiscriminator(normalisation="batch"), "no normalisation 'batch'"),
    ],
)
def test_wrong_arguments_are_named(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def moving(draw: torch.Generator, count: int = 8) -> torch.Tensor:
    """Clips ``(N, 5, 1, 16, 16)`` of smooth blobs that drift by a pixel a frame."""
    ground = torch.rand(count, 1, 28, 28, generator=draw)
    blobs = F.avg_pool2d(ground, 5, stride=1) * 4 - 2
    return torch.stack([blobs[..., 4:20, 4 + t : 20 + t] for t in range(5)], dim=1)


def shuffled(clips: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    return clips[:, [0, 3, 1, 4, 2]]


def flickering(clips: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Every frame brighter or darker by itself: nothing that a single frame could show."""
    return clips + 0.3 * torch.randn(len(clips), 5, 1, 1, 1, generator=draw)


@pytest.mark.parametrize("spoilt", [shuffled, flickering])
def test_a_discriminator_of_frames_sees_in_what_order_they_are_and_whether_they_flicker(spoilt: Any) -> None:
    """As sharp as the true ones, frame by frame: only time can tell."""
    torch.manual_seed(0)
    draw = torch.Generator().manual_seed(0)
    network = FramesDiscriminator(PatchDiscriminator(3, halvings=1, width=8, normalisation="none"))
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(60):
        real, fake = moving(draw), spoilt(moving(draw), draw)
        loss = F.softplus(-network(real)).mean() + F.softplus(network(fake)).mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    with torch.no_grad():
        right = (network(moving(draw, 32)).mean(dim=(1, 2, 3)) > 0).float().mean()
        caught = (network(spoilt(moving(draw, 32), draw)).mean(dim=(1, 2, 3)) < 0).float().mean()
    assert float(right) > 0.85
    assert float(caught) > 0.85


def test_a_discriminator_of_frames_judges_every_window() -> None:
    patch = FramesDiscriminator(PatchDiscriminator(6, halvings=1, width=4), frames=2)
    assert patch(torch.rand(3, 5, 3, 24, 24)).shape == (3 * 4, 1, 10, 10)
    whole = FramesDiscriminator(VGGDiscriminator(3, patch=16, width=4))
    assert whole(torch.rand(2, 3, 1, 16, 16)).shape == (2, 1)
    clips = torch.rand(1, 4, 1, 24, 24)
    one = FramesDiscriminator(PatchDiscriminator(3, halvings=1, width=4)).eval()
    torch.testing.assert_close(one(clips)[1:], one(clips[:, 1:]))
    with pytest.raises(ValueError, match="a window has 3 frames; got 2"):
        one(clips[:, :2])
    with pytest.raises(ValueError, match="at least one of them; got 0"):
        FramesDiscriminator(PatchDiscriminator(1), frames=0)
