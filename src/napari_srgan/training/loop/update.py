"""One update of weights, which refuses to be made by numbers that are not finite."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from napari_srgan.training.loop.process_group import ProcessGroup


class LossNotFinite(Exception):
    """A loss or its gradient is no number any more; the weights it was for have not been moved."""


def update(
    loss: Tensor,
    trained: nn.Module,
    optimisers: Iterable[Optimizer],
    clip: float,
    team: ProcessGroup,
    name: str,
) -> Tensor:
    """Move a network's weights down the gradient of a loss.

    Parameters
    ----------
    loss
        A scalar.
    trained
        The network whose gradient is clipped.
    optimisers
        That move its weights.
    clip
        Largest norm of the gradient.
    team
        Those who train together: their gradients are averaged.
    name
        What the loss is called where it fails.

    Returns
    -------
    Tensor
        The loss, detached, in the memory of the host.

    Raises
    ------
    LossNotFinite
        Before anything is moved.
    """
    loss.backward()  # type: ignore[no-untyped-call]
    # What is not finite in one process is so in the mean, and all of them stop.
    team.average_gradients(trained.parameters())
    norm = nn.utils.clip_grad_norm_(trained.parameters(), clip)
    # All that the host wants to know, in one copy: it is the only time that it waits for the device.
    told = torch.stack((loss.detach().float(), norm.float())).cpu()
    if not bool(torch.isfinite(told).all()):
        what = "gradient" if bool(torch.isfinite(told[0])) else "loss"
        raise LossNotFinite(f"the {name}'s {what} is not finite")
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad()
    return told[0]
