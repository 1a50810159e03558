"""Muon for convolutions, Adam for everything else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from napari_srgan.models.foreign.without_triton import without_triton

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration that drives singular values towards 1 (Jordan 2024)."""
ITERATIONS = 5
"""After which they are near enough (ibid.)."""
MOMENTUM = 0.95
"""Of the gradient, as there."""
FEW_FEATURES = 4
"""No more than these can be the channels of an image: such a convolution is not inside."""


def import_optimisers() -> None:
    """Import what torch imports with its first optimiser, its compiler, but without Triton.

    Triton's LLVM crashes a process that draws through Mesa's or compiles by numba's: napari's console.
    """
    with without_triton():
        import_module("torch._dynamo")


def build_optimiser(network: nn.Module, kind: str, learning_rate: float) -> list[Optimizer]:
    """Optimisers that together move every parameter once.

    Parameters
    ----------
    network
        Whose parameters are trained.
    kind
        ``"adam"``, or ``"muon"`` for the convolutions inside the network that do not give more
        features than they see, with Adam for the first and last convolutions, biases and slopes.
    learning_rate
        Learning rate of both: Muon's updates are scaled to the size of Adam's.
    """
    parameters = list(network.parameters())
    if kind == "adam":
        return [torch.optim.Adam(parameters, learning_rate, betas=(0.9, 0.99))]
    inner = [p for p in parameters if p.ndim == 4 and FEW_FEATURES < p.shape[0] <= p.shape[1]]
    chosen = {id(p) for p in inner}
    rest = [p for p in parameters if id(p) not in chosen]
    adam = torch.optim.Adam(rest, learning_rate, betas=(0.9, 0.99))
    return [Muon(inner, learning_rate), adam] if inner else [adam]


class Muon(Optimizer):
    """Momentum whose matrices are made orthogonal before each step.

    Jordan, K. et al. (2024). Muon: an optimizer for hidden layers in neural networks.
    A kernel ``(out, in, y, x)`` is taken as a matrix ``(out, in * y * x)``. Updates
    are scaled as in Liu, J. et al. (2025), arXiv 2502.16982, eq. 4, so that a learning rate
    found for Adam serves here.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        super().__init__(parameters, {"lr": learning_rate, "momentum": MOMENTUM})

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]  # no line search here
        """Move the parameters by one update."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                by_shape[parameter.shape].append(parameter)
            for parameters in by_shape.values():
                self._step_together(parameters, group["lr"], group["momentum"])

    def _step_together(self, parameters: list[Tensor], rate: float, momentum: float) -> None:
        updates = []
        for parameter in parameters:
            assert parameter.grad is not None
            buffer = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
            buffer.lerp_(parameter.grad, 1 - momentum)
            updates.append(parameter.grad.lerp(buffer, momentum).flatten(1))
        orthogonal = orthogonalise(torch.stack(updates))
        scale = 0.2 * max(orthogonal.shape[-2:]) ** 0.5
        for parameter, update in zip(parameters, orthogonal, strict=True):
            parameter.add_(update.view_as(parameter), alpha=-rate * scale)


def orthogonalise(matrices: Tensor) -> Tensor:
    """Matrices ``(N, rows, columns)``, rows <= columns, with all singular values near 1."""
    a, b, c = NEWTON_SCHULZ
    x: Tensor = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x
