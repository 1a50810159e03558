"""The processes that train one model together; usually that is one.

All of them draw the same batch from the same seed, each trains on its share of it, and the mean
of their gradients moves the weights of all alike. So two processes with 8 patches each are one
process with 16, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from napari_srgan.errors import UserError

Said = TypeVar("Said", bool, float)


class ProcessLost(UserError):
    """Another process of the team has ended, so that this one cannot go on."""


class ProcessGroup(Protocol):
    """What a training asks of the processes it runs in.

    Every method that speaks to the others has to be called by all of them, in the same order.
    """

    @property
    def rank(self) -> int:
        """Number of this process; 0 is the one that writes and prints."""

    @property
    def size(self) -> int:
        """Number of processes, over all machines."""

    @property
    def device(self) -> torch.device:
        """Where this process computes."""

    def share(self, batch: int) -> slice:
        """The patches of a batch, the same for all, that this process trains on.

        Raises
        ------
        UserError
            If the batch is no multiple of :attr:`size`: unequal shares have no common mean.
        """

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their mean over the team; to be called before they are clipped."""

    def mean(self, value: Tensor) -> Tensor:
        """Mean over the team of a tensor of any shape, detached."""

    def same(self, network: nn.Module) -> None:
        """Give all the weights and buffers that the first process has."""

    def agree(self, value: Said) -> Said:
        """What the first process says, for all: orders and clocks are not the same everywhere."""

    def barrier(self) -> None:
        """Wait until all have come here."""

    def close(self) -> None:
        """Leave the team."""


class SingleProcess:
    """The team of one process: everything is its own.

    Parameters
    ----------
    device
        Where it computes.
    """

    rank = 0
    size = 1

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def share(self, batch: int) -> slice:
        return slice(0, batch)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """The mean of one is that one."""

    def mean(self, value: Tensor) -> Tensor:
        return value.detach()

    def same(self, network: nn.Module) -> None:
        """It is the first process."""

    def agree(self, value: Said) -> Said:
        return value

    def barrier(self) -> None:
        """Nobody to wait for."""

    def close(self) -> None:
        """Nobody to leave."""


def share_of(batch: int, rank: int, size: int) -> slice:
    """Part of a batch for one process of a team.

    Raises
    ------
    UserError
        If the parts would not be equal.
    """
    if batch % size:
        raise UserError(
            f"a batch of {batch} patches cannot be shared equally by {size} processes; "
            f"choose a multiple of {size}, e.g. {whole_shares(batch, size)}"
        )
    part = batch // size
    return slice(rank * part, (rank + 1) * part)


def whole_shares(batch: int, size: int) -> int:
    """The smallest batch, not below the one given, that a team of `size` can share equally."""
    return -(-max(batch, 1) // size) * size
