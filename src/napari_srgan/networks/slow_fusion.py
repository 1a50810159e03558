"""Slow fusion: three frames become one, layer by layer.

Karpathy et al. 2014, section 3.1, and Caballero et al. 2017, section 2.2 (VESPCN); see
:mod:`~napari_srgan.networks.temporal`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_srgan.networks.temporal import KERNEL, TemporalArguments, TemporalGenerator, each_frame


class Merge(nn.Module):
    """A 3-D convolution over three frames, and the middle one added.

    It is written as a 2-D convolution over the features of three frames, which is the same sum, and faster.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_three = nn.Conv2d(3 * width, width, KERNEL, padding=KERNEL // 2)

    def forward(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        """Features ``(N, width, Y, X)``, of a float dtype, of T frames to those of T - 2, each as soon as it
        can be made."""
        three: deque[Tensor] = deque(maxlen=3)
        for frame in frames:
            three.append(frame)
            if len(three) == 3:
                yield three[1] + F.relu(self.over_three(torch.cat(tuple(three), dim=1)))


@dataclass(frozen=True)
class SlowFusionArguments(TemporalArguments):
    """What can be chosen of slow fusion, which computes once what the frames of a clip have in common."""

    title = "slow fusion"

    _: KW_ONLY
    blocks: int = 6
    """Number of residual blocks after the merging."""
    frames: int = 5
    """Number of frames that a result frame is made from, an odd number from 3 on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 3 or self.frames % 2 == 0:
            raise ValueError(f"slow fusion merges an odd number of frames, 3 or more; got {self.frames}")

    @property
    def before(self) -> int:
        return self.frames // 2


class SlowFusion(TemporalGenerator):
    """Merges the frames around each frame in as many steps as there are on one side."""

    arguments_type = SlowFusionArguments

    def __init__(self, arguments: SlowFusionArguments) -> None:
        super().__init__(arguments)
        width = arguments.width
        self.head = nn.Sequential(
            nn.Conv2d(arguments.channels, width, KERNEL, padding=KERNEL // 2), nn.ReLU(inplace=True)
        )
        self.merges = nn.ModuleList(Merge(width) for _ in range(arguments.frames // 2))

    @property
    def receptive_radius(self) -> int:
        merging = len(self.merges) * (KERNEL // 2)
        return KERNEL // 2 + merging + self._trunk_radius + self._back_projection_radius

    def _fused(self, low: Tensor) -> Iterator[Tensor]:
        features = each_frame(self.head, self._seen(low).unbind(1))
        for merge in self.merges:
            features = merge(features)
        yield from features
