"""What every generator tells about itself, so that its callers need not know it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Generator(nn.Module, ABC):
    """A network from a low-resolution to a high-resolution image.

    Parameters
    ----------
    scale_factor
        How many times larger the output is in Y and in X.
    channels
        Channels of the input and of the output.
    """

    def __init__(self, *, scale_factor: int, channels: int) -> None:
        super().__init__()
        self.scale_factor = scale_factor
        self.channels = channels

    @property
    @abstractmethod
    def receptive_radius(self) -> int:
        """Low-resolution pixels, beyond its own, that an output pixel depends on."""

    @abstractmethod
    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``.

        The weights may be of a smaller float type: the generator casts its own
        activations, and whatever passes straight from input to output stays float32.
        """
