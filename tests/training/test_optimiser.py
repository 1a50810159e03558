"""Muon makes its updates orthogonal, and minimises."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from napari_srgan.training.loop.optimiser import build_optimiser, orthogonalise


def test_singular_values_come_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 16, 144)))
    assert values.min() > 0.6
    assert values.max() < 1.3


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_every_parameter_is_moved_once_and_the_loss_falls(kind: str) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 1, 3))
    optimisers = build_optimiser(network, kind, 3e-3)
    held = [id(p) for o in optimisers for group in o.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())
    image, target = torch.rand(4, 1, 12, 12), torch.rand(4, 1, 6, 6)
    losses = []
    for _ in range(60):
        loss = (network(image) - target).square().mean()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_training_loads_no_second_llvm_into_napari() -> None:
    # Triton's, beside Mesa's or numba's: the process is gone without a word.
    look = """
import sys
from napari_srgan.training.loop.optimiser import import_optimisers
import_optimisers()
import torch
torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
print(sys.modules.get("triton"))
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", look], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout.strip() == "None"
