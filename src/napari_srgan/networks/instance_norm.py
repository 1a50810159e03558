"""Normalisation of each feature of an image over its pixels.

Ulyanov, D., Vedaldi, A. and Lempitsky, V. (2016). Instance normalization: the missing
ingredient for fast stylization. arXiv 1607.08022.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class InstanceNorm2d(nn.Module):
    """Bring every feature of every image to mean 0 and variance 1, then scale and shift it.

    The names and shapes of its parameters are those of ``torch.nn.InstanceNorm2d(width,
    affine=True)``, so that weights can be exchanged. Statistics are float32 whatever the
    activation's dtype.

    Parameters
    ----------
    width
        Features of the input.
    eps
        Added to the variance.
    """

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor) -> Tensor:
        """Normalise ``(N, C, Y, X)`` of any float dtype; the result has the same dtype."""
        exact = features.float()
        variance, mean = torch.var_mean(exact, (2, 3), keepdim=True, correction=0)
        scale = self.weight.float()[:, None, None] * torch.rsqrt(variance + self.eps)
        shift = self.bias.float()[:, None, None]
        return ((exact - mean) * scale + shift).to(features.dtype)
