"""What a training learns from and what it is judged on, whatever it was made from."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from napari_srgan.networks import Generator
from napari_srgan.training.recipes.recipe import Recipe


class Sampler(Protocol):
    """Draws batches; all it draws comes from one generator of random numbers, which is in checkpoints."""

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw patches.

        Parameters
        ----------
        count
            How many, N.

        Returns
        -------
        low, high
            Float32 in the network's range: ``(N, C, p, p)`` and ``(N, C, p * factor, p * factor)``; from
            movies ``(N, T, C, p, p)``, and the frames that the network makes of them.
        """


class Dataset(Protocol):
    """Images to learn from, and others, or other parts of them, that are held back."""

    def sampler(self, recipe: Recipe, draw: np.random.Generator) -> Sampler:
        """What draws the patches of a recipe's batches."""

    def validate(self, network: Generator, device: torch.device) -> dict[str, float]:
        """PSNR in dB of a network on what is held back, by source."""

    @property
    def bicubic(self) -> dict[str, float]:
        """PSNR in dB of bicubic interpolation on what is held back, by source."""
