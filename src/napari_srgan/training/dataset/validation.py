"""How a network does on what was held back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_srgan.images.factor import Rival


@dataclass(frozen=True)
class HeldBackScores:
    """PSNR in dB on held-back tiles, beside bicubic, by source set."""

    step: int
    loss: float
    """Mean training loss since the last validation."""
    minutes: float
    """Spent training so far, over all runs."""
    psnr: dict[str, float]
    bicubic: dict[str, float]
    rival: Rival = "bicubic"
    """What `bicubic` is: at a factor of 1 the images as they went in."""
    best: bool = False
    """Whether its mean is the highest so far."""

    @property
    def mean_psnr(self) -> float:
        """Mean over the source sets."""
        return float(np.mean(list(self.psnr.values())))

    @property
    def mean_bicubic(self) -> float:
        return float(np.mean(list(self.bicubic.values())))

    @property
    def gains(self) -> dict[str, float]:
        """Decibels above bicubic by source set."""
        return {name: self.psnr[name] - self.bicubic[name] for name in self.psnr}
