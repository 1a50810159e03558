"""What networks for time-lapses have in common: frames in, frames out.

The three ways to let frames help each other are those compared by Karpathy, A. et al. (2014). Large-scale
video classification with convolutional neural networks. CVPR, section 3.1, and for super-resolution by
Caballero, J. et al. (2017). Real-time video super-resolution with spatio-temporal networks and motion
compensation. CVPR, arXiv 1611.05250, section 2.2. All have the head, the residual trunk and the
upsampling tail of the single-frame generator (:mod:`~napari_srgan.networks.srresnet`).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from napari_srgan.networks.generator import Generator, layout_of, predict_nothing_yet
from napari_srgan.networks.srresnet import ResidualBlock
from napari_srgan.networks.sub_pixel import DirectTailArguments, direct_tail, tail_radius

KERNEL = 3
"""Side of every convolution in pixels."""


@dataclass(frozen=True)
class TemporalArguments(DirectTailArguments):
    """What can be chosen of every network for time-lapses, whose frames agree with their input one by one."""

    counted: ClassVar[Mapping[str, str]] = {
        "channels": "channel", "blocks": "block", "width": "feature", "clip": "frame"
    }  # fmt: skip

    _: KW_ONLY
    blocks: int = 8
    """Number of residual blocks of the trunk."""
    width: int = 32
    """Number of features of each convolution."""
    clip: int = 8
    """Number of frames that are best made in one go."""

    @property
    def before(self) -> int:
        """Number of frames before its own that a result frame is made from."""
        raise NotImplementedError

    @property
    def after(self) -> int:
        """Number of frames after its own that a result frame is made from."""
        return self.before


class TemporalGenerator(Generator):
    """A network from frames at low resolution to frames at high resolution."""

    def __init__(self, arguments: TemporalArguments) -> None:
        super().__init__(arguments)
        factor, width, blocks = arguments.scale_factor, arguments.width, arguments.blocks
        self._before, self._after, self._clip = arguments.before, arguments.after, arguments.clip
        self.trunk = nn.Sequential(*(ResidualBlock(width, "none", "relu") for _ in range(blocks)))
        self.tail = direct_tail(factor, arguments.channels, width)
        predict_nothing_yet(self.tail)
        self._trunk_radius = 2 * blocks + math.ceil(tail_radius("direct", factor, KERNEL))

    @property
    def frames_before(self) -> int:
        return self._before

    @property
    def frames_after(self) -> int:
        return self._after

    @property
    def clip(self) -> int:
        return self._clip

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, T, C, Y, X)`` to float32 ``(N, T', C, Y * factor, X * factor)``.

        ``T' = T - frames_before - frames_after``: the first and last frames only help the others. The
        weights may be of a smaller float type.

        Raises
        ------
        ValueError
            If there are too few frames for one result.
        """
        made = low.shape[1] - self._before - self._after
        if made < 1:
            raise ValueError(f"{self.frames} frames make one; got {low.shape[1]}")
        own = low[:, self._before : self._before + made]
        high = [
            self._completed(self._predict(features), own[:, t]) for t, features in enumerate(self._fused(low))
        ]
        return torch.stack(high, dim=1)

    def _predict(self, features: Tensor) -> Tensor:
        predicted: Tensor = self.tail(features + self.trunk(features))
        return predicted

    @abstractmethod
    def _fused(self, low: Tensor) -> Iterator[Tensor]:
        """Features ``(N, width, Y, X)`` of one result frame after the other, from ``(N, T, C, Y, X)``.

        Each is let go before the next is made, where its network can.
        """

    def _seen(self, low: Tensor) -> Tensor:
        """What the layers see."""
        return low.to(next(self.parameters()).dtype)


def each_frame(layers: nn.Module, frames: Iterable[Tensor]) -> Iterator[Tensor]:
    """Run layers on each frame ``(N, C, Y, X)`` of a float dtype, and yield the results in the same order."""
    if not layers.training:  # one after the other: a large frame fills the processor's cache by itself
        for frame in frames:
            yield layers(frame.contiguous(memory_format=layout_of(4, frame.device)))
        return
    together = list(frames)
    batch = torch.cat(together)
    batch = batch.contiguous(memory_format=layout_of(4, batch.device))
    yield from layers(batch).split(len(together[0]))
