"""Early fusion: the first convolution sees several frames at once.

Karpathy et al. 2014, section 3.1, and Caballero et al. 2017, section 2.2 (VESPCN); see
:mod:`~napari_srgan.networks.temporal`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass

from torch import Tensor, nn

from napari_srgan.networks.temporal import KERNEL, TemporalArguments, TemporalGenerator, each_frame


@dataclass(frozen=True)
class EarlyFusionArguments(TemporalArguments):
    """What can be chosen of early fusion."""

    title = "early fusion"

    _: KW_ONLY
    frames: int = 5
    """Number of frames that a result frame is made from, odd; 1 makes it a network for single frames."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1 or self.frames % 2 == 0:
            raise ValueError(
                f"early fusion sees an odd number of frames, its own in the middle; got {self.frames}"
            )

    @property
    def before(self) -> int:
        return self.frames // 2


class EarlyFusion(TemporalGenerator):
    """Stacks the frames around each frame as channels of one image."""

    arguments_type = EarlyFusionArguments

    def __init__(self, arguments: EarlyFusionArguments) -> None:
        super().__init__(arguments)
        seen = arguments.frames * arguments.channels
        self.head = nn.Sequential(
            nn.Conv2d(seen, arguments.width, KERNEL, padding=KERNEL // 2), nn.ReLU(inplace=True)
        )

    @property
    def receptive_radius(self) -> int:
        return KERNEL // 2 + self._trunk_radius + self._back_projection_radius

    def _fused(self, low: Tensor) -> Iterator[Tensor]:
        windows = self._seen(low).unfold(1, self.frames, 1).movedim(-1, 2)
        yield from each_frame(self.head, (window.flatten(1, 2) for window in windows.unbind(1)))
