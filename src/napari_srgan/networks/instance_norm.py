"""Normalisation of each feature of an image over its pixels, and how it survives tiling.

Ulyanov, D., Vedaldi, A. and Lempitsky, V. (2016). Instance normalization: the missing
ingredient for fast stylization. arXiv 1607.08022.

Mean and variance are those of the whole image: a tile that took its own would differ from
its neighbours whatever its halo. So they are gathered first, in one run over the image or
over a sample of it (:class:`Gathering`), and every tile is normalised with them
(:class:`Gathered`). Layers ask for them in the order in which they run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Moments = tuple[Tensor, Tensor]
"""Mean and variance, each ``(N, C, 1, 1)`` float32."""


def own_moments(features: Tensor) -> Moments:
    """Mean and variance, float32, of each image of a batch ``(N, C, Y, X)`` float32 itself, as in
    training."""
    variance, mean = torch.var_mean(features, (2, 3), keepdim=True, correction=0)
    return mean, variance


class InstanceNorm2d(nn.Module):
    """Bring every feature of every image to mean 0 and variance 1, then scale and shift it.

    The names and shapes of its parameters are those of ``torch.nn.InstanceNorm2d(width,
    affine=True)``, so that weights can be exchanged. Statistics are float32 whatever the
    activation's dtype.

    Parameters
    ----------
    width
        Number of features of the input.
    eps
        A small number that is added to the variance.
    """

    moments: Callable[[Tensor], Moments]
    """Where mean and variance come from; see :func:`moments_from`."""

    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.moments = own_moments

    def forward(self, features: Tensor) -> Tensor:
        """Normalise ``(N, C, Y, X)`` of any float dtype; the result has the same dtype."""
        exact = features.float()
        mean, variance = self.moments(exact)
        scale = self.weight.float()[:, None, None] * torch.rsqrt(variance + self.eps)
        shift = self.bias.float()[:, None, None]
        centred = exact - mean
        del exact  # a copy, unless the features are float32 themselves
        if torch.is_grad_enabled():
            return (centred * scale + shift).to(features.dtype)
        return centred.mul_(scale).add_(shift).to(features.dtype)


class Complete(Exception):
    """All statistics of a network are gathered: what is left of the run is not needed."""


class Gathering:
    """Takes mean and variance over windows of an image, all together, and keeps them.

    Parameters
    ----------
    windows
        Number of windows in the batch, the slowest part of its first axis: ``(windows * N, C, Y, X)``.
    pixels
        Number of pixels of one window, in the network's input.
    margin
        Number of pixels at each side of a window that do not count: they are there for others to see.
    stop_after
        Number of layers after which a run ends in :class:`Complete`; by default it does not end so.
    """

    def __init__(self, windows: int, pixels: int, margin: int = 0, stop_after: int | None = None) -> None:
        self.windows = windows
        self.pixels = pixels
        self.margin = margin
        self.stop_after = stop_after
        self.kept: list[Moments] = []
        """Moments of each layer that has run, for N images."""

    def __call__(self, features: Tensor) -> Moments:
        """Mean and variance of features ``(windows * N, C, Y, X)`` float32, over all windows of an image.

        Raises
        ------
        Complete
            If this was the last of `stop_after` layers.
        """
        height, width = features.shape[2:]
        # Layers of upsampled features have larger margins; windows may come turned.
        margin = self.margin * math.isqrt(height * width // self.pixels)
        inner = features.reshape(self.windows, -1, *features.shape[1:])[
            ..., margin : height - margin, margin : width - margin
        ]
        variance, mean = torch.var_mean(inner, (0, 3, 4), correction=0)
        moments = mean[:, :, None, None], variance[:, :, None, None]
        self.kept.append(moments)
        if self.stop_after is not None and len(self.kept) % self.stop_after == 0:
            raise Complete
        return moments[0].repeat(self.windows, 1, 1, 1), moments[1].repeat(self.windows, 1, 1, 1)


class Gathered:
    """Gives back, layer by layer, what was gathered; one for each run.

    Parameters
    ----------
    kept
        The moments that :class:`Gathering` kept, layer by layer.
    """

    def __init__(self, kept: Sequence[Moments]) -> None:
        self._next = iter(kept)

    def __call__(self, _: Tensor) -> Moments:
        """The moments of the next layer, each ``(N, C, 1, 1)`` float32, whatever its features are."""
        return next(self._next)


def normalises_over_image(network: nn.Module) -> bool:
    """Whether a network has a layer whose result depends on all pixels of the image."""
    return any(
        isinstance(layer, InstanceNorm2d)
        or (isinstance(layer, nn.InstanceNorm2d) and not layer.track_running_stats)
        for layer in network.modules()
    )


@contextmanager
def moments_from(source: Callable[[Tensor], Moments], network: nn.Module) -> Iterator[None]:
    """Let all layers of a network take their statistics from one place, while the context is open.

    Parameters
    ----------
    source
        A function that takes the features ``(N, C, Y, X)`` float32 of a layer and gives its :data:`Moments`.
    network
        The network; afterwards its layers use :func:`own_moments` again.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, InstanceNorm2d)]
    for layer in layers:
        layer.moments = source
    try:
        yield
    finally:
        for layer in layers:
            layer.moments = own_moments


def adopt_instance_norms(network: nn.Module) -> None:
    """Put our layer in place of torch's, with its weights, so that it can be measured.

    Those that keep statistics of their training data are left: they see no image.
    """
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, nn.InstanceNorm2d) and not layer.track_running_stats:
                ours = InstanceNorm2d(layer.num_features, layer.eps)
                if layer.affine:
                    ours.weight, ours.bias = layer.weight, layer.bias
                elif (other := next(network.parameters(), None)) is not None:
                    ours = ours.to(other.device, other.dtype)
                setattr(parent, name, ours.train(layer.training))
