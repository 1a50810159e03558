"""The mean over the eight orientations of an image.

Lim, B. et al. (2017). Enhanced deep residual networks for single image super-resolution.
CVPR workshops, arXiv 1707.02921, section 4.3; after Timofte, R. et al. (2016). Seven ways to
improve example-based single image super resolution. CVPR, arXiv 1511.02228.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_srgan.networks.generator import Generator, GeneratorArguments, layout_of
from napari_srgan.networks.instance_norm import Complete

ORIENTATIONS = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""Quarter turns, and whether the image is mirrored before: the eight of a square."""


class SelfEnsemble(Generator):
    """Upscale an image in each of its eight orientations, turn back, and take the mean.

    Eight times the work for about 0.1 dB, and no direction is preferred any more: the
    result of a turned image is the turned result.

    Parameters
    ----------
    network
        Any generator, for images or for frames.
    """

    def __init__(self, network: Generator) -> None:
        super().__init__(GeneratorArguments(network.scale_factor, network.channels))
        self.network = network

    @property
    def receptive_radius(self) -> int:
        return self.network.receptive_radius

    @property
    def grid(self) -> int:
        return self.network.grid

    @property
    def frames_before(self) -> int:
        return self.network.frames_before

    @property
    def frames_after(self) -> int:
        return self.network.frames_after

    @property
    def clip(self) -> int:
        return self.network.clip

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to the mean of the network's eight results, of the network's shape.

        Raises
        ------
        Complete
            If only statistics are gathered, once all orientations have been seen.
        """
        total: Tensor | None = None
        for turns, mirrored in ORIENTATIONS:
            seen = oriented(low, turns, mirrored).contiguous(memory_format=layout_of(low.ndim, low.device))
            try:
                high = oriented_back(self.network(seen), turns, mirrored)
            except Complete:  # only its statistics are wanted, and each orientation has its own
                continue
            total = high if total is None else total.add_(high)
            del high  # or it would be there still when the next one is made
        if total is None:
            raise Complete
        return total.div_(len(ORIENTATIONS))


def oriented(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Mirror ``(..., Y, X)`` of any dtype along X, if wanted, and then turn it by quarters."""
    return torch.rot90(image.flip(-1) if mirrored else image, turns, (-2, -1))


def oriented_back(image: Tensor, turns: int, mirrored: bool) -> Tensor:
    """Undo :func:`oriented` for ``(..., Y, X)`` of any dtype."""
    turned = torch.rot90(image, -turns, (-2, -1))
    return turned.flip(-1) if mirrored else turned
