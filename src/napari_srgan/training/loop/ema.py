"""The exponential moving average of weights, which is what is kept of a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ExponentialMovingAverage:
    """Brings averaged weights nearer to a network's after each step.

    Parameters
    ----------
    network
        That is trained.
    average
        A network of the same shape; its tensors are moved in place.
    decay
        Part of itself that the average keeps, once it is old.
    """

    def __init__(self, network: nn.Module, average: nn.Module, decay: float) -> None:
        pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
        self._decay = decay
        self._means, self._values = _columns([pair for pair in pairs if pair[0].is_floating_point()])
        self._copies, self._counts = _columns([pair for pair in pairs if not pair[0].is_floating_point()])

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average after so many steps; a young one forgets its beginning faster."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._means, self._values, 1 - decay)
        for copy, count in zip(self._copies, self._counts, strict=True):
            copy.copy_(count)


def _columns(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    return [mean for mean, _ in pairs], [value for _, value in pairs]
