"""Losses agree with their formulas, and pull both players where they should."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from flicker import flicker
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from napari_srgan.training.loop.losses import (
    AdversarialLoss,
    PixelLoss,
    change_loss,
    discriminator_loss,
    generator_loss,
    pixel_loss,
)

KINDS = get_args(AdversarialLoss)
logits = st.lists(st.floats(-5, 5), min_size=1, max_size=5).map(torch.tensor)


def cross_entropy(logits: Tensor, label: float) -> float:
    chance = torch.sigmoid(logits.double())
    return float(-(label * chance.log() + (1 - label) * (1 - chance).log()).mean())


def test_pixel_losses_of_a_known_difference() -> None:
    result, truth = torch.full((1, 1, 3, 3), 0.7), torch.full((1, 1, 3, 3), 0.4)
    assert pixel_loss("l1", result, truth).item() == pytest.approx(0.3)
    assert pixel_loss("l2", result, truth).item() == pytest.approx(0.09)
    assert pixel_loss("charbonnier", result, truth).item() == pytest.approx(math.hypot(0.3, 1e-3))
    assert pixel_loss("psnr", result, truth).item() == pytest.approx(math.log(0.3), abs=1e-3)


def test_in_the_loss_of_psnr_images_of_different_noise_count_alike() -> None:
    truth = torch.zeros(2, 1, 8, 8)
    result = torch.stack([torch.full((1, 8, 8), 0.5), torch.full((1, 8, 8), 0.05)])
    better = torch.stack([result[0] / 2, result[1]]), torch.stack([result[0], result[1] / 2])
    gains = [pixel_loss("psnr", result, truth) - pixel_loss("psnr", each, truth) for each in better]
    assert float(gains[0]) == pytest.approx(float(gains[1]), rel=0.02)


def test_what_changes_in_the_result_alone_is_its_flicker() -> None:
    draw = np.random.default_rng(0)
    result, truth = (torch.from_numpy(draw.random((1, 4, 1, 5, 6))) for _ in range(2))
    expected = flicker(result[0].numpy(), truth[0].numpy())
    assert change_loss("l1", result, truth).item() == pytest.approx(expected)
    assert change_loss("l1", truth + 3, truth).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", get_args(PixelLoss))
def test_gradients_stay_finite_where_images_are_equal(kind: PixelLoss) -> None:
    result = torch.zeros(1, 1, 3, 3, requires_grad=True)
    pixel_loss(kind, result, torch.zeros(1, 1, 3, 3)).backward()
    assert result.grad is not None
    assert result.grad.isfinite().all()


@given(logits, logits)
def test_adversarial_losses_are_those_of_their_papers(real: Tensor, fake: Tensor) -> None:
    expected_discriminator = {
        "standard": cross_entropy(real, 1) + cross_entropy(fake, 0),
        "least-squares": (((real - 1) ** 2).mean().item() + (fake**2).mean().item()) / 2,
        "hinge": (1 - real).clamp(min=0).mean().item() + (1 + fake).clamp(min=0).mean().item(),
        "relativistic": cross_entropy(real - fake.mean(), 1) + cross_entropy(fake - real.mean(), 0),
    }
    expected_generator = {
        "standard": cross_entropy(fake, 1),
        "least-squares": ((fake - 1) ** 2).mean().item() / 2,
        "hinge": -fake.mean().item(),
        "relativistic": cross_entropy(real - fake.mean(), 0) + cross_entropy(fake - real.mean(), 1),
    }
    for kind in KINDS:
        assert discriminator_loss(kind, real, fake).item() == pytest.approx(
            expected_discriminator[kind], rel=1e-4, abs=1e-5
        )
        assert generator_loss(kind, real, fake).item() == pytest.approx(
            expected_generator[kind], rel=1e-4, abs=1e-5
        )


@pytest.mark.parametrize("kind", KINDS)
def test_both_players_pull_the_answers_apart(kind: AdversarialLoss) -> None:
    real, fake = (torch.zeros(2, 1, 3, 3, requires_grad=True) for _ in range(2))
    discriminator_loss(kind, real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    # Least squares pulls fake answers to 0, where they are.
    assert (fake.grad >= 0).all()
    fake = torch.zeros(2, 1, 3, 3, requires_grad=True)
    generator_loss(kind, torch.zeros(2, 1, 3, 3), fake).backward()
    assert fake.grad is not None
    assert (fake.grad < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_answers_give_finite_losses(kind: AdversarialLoss) -> None:
    far = torch.tensor([1e4, -1e4])
    assert discriminator_loss(kind, far, -far).isfinite()
    assert generator_loss(kind, far, -far).isfinite()


def test_unknown_losses_are_named() -> None:
    with pytest.raises(ValueError, match="no pixel loss 'l3'; there is: l1, l2, charbonnier"):
        pixel_loss("l3", torch.zeros(1), torch.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no adversarial loss 'kl'"):
        generator_loss("kl", torch.zeros(1), torch.zeros(1))  # type: ignore[arg-type]
