"""A discriminator of several frames: what flickers gives itself away.

Chu, M. et al. (2020). Learning temporal coherence via self-supervision for GAN-based video generation
(TecoGAN). ACM Transactions on Graphics 39(4), arXiv 1811.09393, section 3.1: three successive frames are
judged together, stacked as channels. Here without warping them onto each other, and without the
low-resolution frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_srgan.networks.generator import layout_of

FRAMES = 3
"""Number of frames that are judged together, as in the paper."""


class FramesDiscriminator(nn.Module):
    """Judges all windows of a few successive frames, each by a discriminator of single images.

    Parameters
    ----------
    judge
        A discriminator of single images, whose channels are those of `frames` frames, frame after frame.
    frames
        Number of frames in a window.

    Raises
    ------
    ValueError
        If there is not even one frame in a window.
    """

    def __init__(self, judge: nn.Module, frames: int = FRAMES) -> None:
        if frames < 1:
            raise ValueError(f"a discriminator of frames judges at least one of them; got {frames}")
        super().__init__()
        self.judge = judge
        self.frames = frames

    def forward(self, clips: Tensor) -> Tensor:
        """Judge each window of clips ``(N, T, C, Y, X)`` of a float dtype.

        Returns
        -------
        Tensor
            The judge's logits: ``N * (T - frames + 1)`` answers along the first axis, clip by clip.

        Raises
        ------
        ValueError
            If there are fewer frames than a window has.
        """
        windows = clips.shape[1] - self.frames + 1
        if windows < 1:
            raise ValueError(f"a window has {self.frames} frames; got {clips.shape[1]}")
        seen = torch.stack([clips[:, t : t + self.frames] for t in range(windows)], dim=1)
        stacked = seen.flatten(0, 1).flatten(1, 2).contiguous(memory_format=layout_of(4, seen.device))
        logits: Tensor = self.judge(stacked)
        return logits
