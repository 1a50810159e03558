"""Early fusion: the first convolution sees several frames at once.

Karpathy et al. 2014, section 3.1, and Caballero et al. 2017, section 2.2 (VESPCN); see
:mod:`~napari_srgan.networks.temporal`.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from napari_srgan.networks.generator import BackProjection
from napari_srgan.networks.temporal import KERNEL, TemporalGenerator, each_frame


class EarlyFusion(TemporalGenerator):
    """Stacks the frames around each frame as channels of one image.

    Parameters
    ----------
    scale_factor
        The scale factor: 1, 2, 3, 4 or 8.
    channels
        Number of channels of each frame.
    frames
        Number of frames that a result frame is made from, odd; 1 makes it a network for single frames.
    blocks, width
        Number of residual blocks, and of features of each convolution.
    clip
        Number of frames that are made in one go.
    back_projection
        See :class:`~napari_srgan.networks.temporal.TemporalGenerator`.

    Raises
    ------
    ValueError
        If an argument is outside what is said above.
    """

    def __init__(
        self,
        scale_factor: int = 2,
        channels: int = 1,
        *,
        frames: int = 5,
        blocks: int = 8,
        width: int = 32,
        clip: int = 8,
        back_projection: BackProjection = False,
    ) -> None:
        if frames < 1 or frames % 2 == 0:
            raise ValueError(
                f"early fusion sees an odd number of frames, its own in the middle; got {frames}"
            )
        super().__init__(
            "early fusion", scale_factor=scale_factor, channels=channels, blocks=blocks, width=width,
            before=frames // 2, after=frames // 2, clip=clip, back_projection=back_projection,
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Conv2d(frames * channels, width, KERNEL, padding=KERNEL // 2), nn.ReLU(inplace=True)
        )

    @property
    def receptive_radius(self) -> int:
        return KERNEL // 2 + self._trunk_radius + self._back_projection_radius

    def _fused(self, low: Tensor) -> Iterator[Tensor]:
        windows = self._seen(low).unfold(1, self.frames, 1).movedim(-1, 2)
        yield from each_frame(self.head, (window.flatten(1, 2) for window in windows.unbind(1)))
