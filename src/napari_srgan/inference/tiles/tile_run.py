"""One run of the network over a tile: raw pixels go to the device, finished pixels come from it.

Between lies all the arithmetic on pixels: to the network's range and back, the tile's own pixels cut out,
rounded, clipped and cast. It is done where the network is, so that few bytes are copied and no device waits
for the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.tensor_intensity import (
    ToQuantities,
    divided,
    row_blocks,
    to_network_range,
    torch_dtype,
)
from napari_srgan.inference.tiles.tiling import TileWindow


class Run(Protocol):
    """Pixels that go to the network, and what is done to them before and after it."""

    @property
    def raw(self) -> NDArray[Any]:
        """What is copied to the device."""
        ...

    @property
    def types(self) -> tuple[set[torch.dtype], set[torch.dtype]]:
        """Types of all tensors before the network, and after it, but for float32."""
        ...

    def low(self, raw: Tensor) -> Tensor:
        """What the network is given: float32 in its range, made of :attr:`raw` on the same device."""
        ...

    def pixels(self, high: Tensor) -> Tensor:
        """What is copied back: made of the network's answer, float32, on the same device."""
        ...


@dataclass(frozen=True)
class PlainRun:
    """A batch that is in the network's range already, and is wanted in that range."""

    raw: NDArray[np.float32]

    @property
    def types(self) -> tuple[set[torch.dtype], set[torch.dtype]]:
        return set(), set()

    def low(self, raw: Tensor) -> Tensor:
        return raw

    def pixels(self, high: Tensor) -> Tensor:
        return high.contiguous()


class PartlyHere:
    """A run of which a part is done on the host, before or after the network, as the device lacks a type.

    Parameters
    ----------
    run
        The run.
    before, after
        Which of both is done here.
    """

    def __init__(self, run: Run, *, before: bool, after: bool) -> None:
        self._run = run
        self._before, self._after = before, after
        self.raw: NDArray[Any] = run.low(torch.from_numpy(run.raw)).numpy() if before else run.raw

    @property
    def types(self) -> tuple[set[torch.dtype], set[torch.dtype]]:
        return set(), set()

    def low(self, raw: Tensor) -> Tensor:
        return raw if self._before else self._run.low(raw)

    def pixels(self, high: Tensor) -> Tensor:
        return high.contiguous() if self._after else self._run.pixels(high)

    def completed(self, values: NDArray[Any]) -> NDArray[Any]:
        """What came down as the run would have made it."""
        if not self._after:
            return values
        made: NDArray[Any] = self._run.pixels(torch.from_numpy(values)).numpy()
        return made


@dataclass(frozen=True)
class FrameMade:
    """A frame of which the tile is wanted."""

    place: int
    """Among those that come out of the network."""
    windows: tuple[TileWindow, ...]
    """What was read, along Y and X."""
    transform: IntensityTransform
    """From the network's range to quantities of the result."""


@dataclass(frozen=True)
class TileRun:
    """A tile of some frames: raw pixels go up, pixels of the result, or quantities, come down."""

    raw: NDArray[Any]
    """``(T, Y, X, K)``: finite pixels of all frames that the network sees, of any real dtype; K = 1 or 3."""
    transforms: tuple[IntensityTransform, ...]
    """Of each frame."""
    made: tuple[FrameMade, ...]
    channels: int
    """Of the network."""
    temporal: bool
    """Whether the network takes clips ``(N, T, C, Y, X)``, and not images ``(N, C, Y, X)``."""
    factor: int
    dtype: np.dtype[Any]
    """Of the result."""
    rounded: bool
    """Whether the result has that type; else it has quantities, to be rounded later."""

    @property
    def types(self) -> tuple[set[torch.dtype], set[torch.dtype]]:
        before = {self.raw.dtype, *(each.working_dtype(self.raw.dtype) for each in self.transforms)}
        after = {each.transform.working_dtype(self.dtype) for each in self.made}
        after |= {self.dtype} if self.rounded else set()
        return {torch_dtype(each) for each in before}, {torch_dtype(each) for each in after}

    def low(self, raw: Tensor) -> Tensor:
        clip = network_input(raw, self.transforms, self.channels, self.raw.dtype)
        return clip if self.temporal else clip[:, 0]

    def pixels(self, high: Tensor) -> Tensor:
        """``(frames, Y * factor, X * factor, K)`` of the tile's own pixels."""
        clip = high if self.temporal else high[:, None]
        frames = [self._frame(clip[:, each.place], each) for each in self.made]
        return frames[0][None] if len(frames) == 1 else torch.stack(frames)

    def _frame(self, answer: Tensor, frame: FrameMade) -> Tensor:
        return finished_frame(
            answer, frame.windows, frame.transform, self.factor, self.raw.shape[-1], self.dtype, self.rounded
        )


def network_input(
    raw: Tensor, transforms: Sequence[IntensityTransform], channels: int, dtype: np.dtype[Any]
) -> Tensor:
    """Make what the network sees of some frames.

    A one-channel model sees colours one by one; an RGB model sees gray as three equal channels.

    Parameters
    ----------
    raw
        ``(T, Y, X, K)`` finite pixels.
    transforms
        One for each frame.
    channels
        Number of channels of the network: 1 or 3.
    dtype
        Type of the pixels.

    Returns
    -------
    Tensor
        ``(N, T, C, Y, X)`` float32.
    """
    if all(each == transforms[0] for each in transforms):
        values = to_network_range(raw, transforms[0], dtype)
    else:
        pairs = zip(raw, transforms, strict=True)
        values = torch.stack([to_network_range(frame, each, dtype) for frame, each in pairs])
    frames = values.permute(0, 3, 1, 2)
    if channels == 1:
        return frames.transpose(0, 1)[:, :, None].contiguous()
    if frames.shape[1] != channels:
        frames = frames.expand(-1, channels, -1, -1)
    return frames.contiguous()[None]


def finished_frame(
    answer: Tensor,
    windows: tuple[TileWindow, ...],
    transform: IntensityTransform,
    factor: int,
    colours: int,
    dtype: np.dtype[Any],
    rounded: bool,
) -> Tensor:
    """Make pixels of the network's answer ``(N, C, Y * factor, X * factor)`` for one frame.

    Returns
    -------
    Tensor
        ``(Y, X, K)`` of the result: in `dtype` if `rounded`, else in its working dtype.
    """
    planes = answer[:, 0] if answer.shape[1] == 1 else answer[0]
    y, x = (
        slice(before * factor, size - after * factor)
        for (before, after), size in zip((w.trim for w in windows), planes.shape[1:], strict=True)
    )
    own = planes[:, y, x]
    height, width = own.shape[1:]
    inverse = ToQuantities(transform, dtype)
    kind = torch_dtype(dtype) if rounded else inverse.working
    make = inverse.rounded if rounded else inverse.quantities
    result = torch.empty((height, width, colours), dtype=kind, device=answer.device)
    for rows in row_blocks(height, width * len(own), answer.device):
        part = own[:, rows]
        if colours == 1 and len(own) > 1:  # an RGB model on gray answers three times
            part = divided(part[0] + part[1] + part[2], len(own))[None]
        result[rows].permute(2, 0, 1).copy_(make(part))
    return result
