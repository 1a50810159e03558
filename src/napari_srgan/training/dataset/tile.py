"""An image to learn from or to judge by, as a network sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TrainingTile:
    """A high-resolution image and the low-resolution image made from it."""

    source_set: str
    """The set that it comes from; sets are judged one by one."""
    low: Tensor
    """``(C, Y, X)`` float32 in the network's range."""
    high: Tensor
    """``(C, Y * factor, X * factor)`` float32 in the network's range."""
    fingerprint: bytes
    """Checksum of the pixels as they are in the file: equal for equal images."""
