"""A recurrent network: what earlier frames have shown is carried along.

Shi, X. et al. (2015). Convolutional LSTM network: a machine learning approach for precipitation
nowcasting. NeurIPS, arXiv 1506.04214, eq. 3, without its peepholes; in both directions as in Huang, Y. et
al. (2015). Bidirectional recurrent convolutional networks for multi-frame super-resolution. NeurIPS.

The state is carried over a clip and the frames before it, from an empty one: frames farther away hardly
count, and so every clip can be computed by itself, in any order, with a halo of known width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from napari_srgan.networks.srresnet import ResidualBlock
from napari_srgan.networks.temporal import KERNEL, TemporalArguments, TemporalGenerator, each_frame


class ConvLSTM(nn.Module):
    """A cell whose gates see features and state around each pixel.

    Parameters
    ----------
    width
        Number of features of a frame.
    state
        Number of features of the state.
    """

    def __init__(self, width: int, state: int) -> None:
        super().__init__()
        self.state = state
        self.of_frame = nn.Conv2d(width, 4 * state, KERNEL, padding=KERNEL // 2)
        self.of_state = nn.Conv2d(state, 4 * state, KERNEL, padding=KERNEL // 2, bias=False)
        # Remember at first (Jozefowicz, R. et al. (2015). ICML, section 2.2).
        assert self.of_frame.bias is not None
        nn.init.ones_(self.of_frame.bias[state : 2 * state])

    def forward(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        """Features ``(N, width, Y, X)`` of frames, in the order of time, to states ``(N, state, Y, X)`` of
        their dtype."""
        hidden = cell = None
        for sums in each_frame(self.of_frame, frames):
            if hidden is not None:
                sums = sums + self.of_state(hidden)
            gates, new = sums[:, : 3 * self.state], sums[:, 3 * self.state :]
            given, kept, shown = gates.sigmoid().chunk(3, dim=1)
            cell = given * new.tanh() if cell is None else kept * cell + given * new.tanh()
            hidden = shown * cell.tanh()
            yield hidden


@dataclass(frozen=True)
class RecurrentArguments(TemporalArguments):
    """What can be chosen of the recurrent network."""

    title = "recurrent"

    _: KW_ONLY
    warm_up: int = 3
    """Number of frames before a clip from which its state begins."""
    both_ways: bool = True
    """Whether to carry a second state back from as many frames after the clip."""
    early_blocks: int = 1
    """Number of residual blocks before the state."""
    blocks: int = 5
    """Number of residual blocks after it."""
    state: int = 12
    """Number of features of each state."""
    clip: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warm_up < 1 or self.early_blocks < 0 or self.state < 1:
            raise ValueError(
                "a recurrent network needs a frame to warm up, and a feature of state; "
                f"got {self.warm_up} and {self.state}, and {self.early_blocks} blocks before"
            )

    @property
    def before(self) -> int:
        return self.warm_up

    @property
    def after(self) -> int:
        return self.warm_up if self.both_ways else 0


class Recurrent(TemporalGenerator):
    """A convolutional LSTM between the first residual blocks and the others."""

    arguments_type = RecurrentArguments

    def __init__(self, arguments: RecurrentArguments) -> None:
        super().__init__(arguments)
        width, state, both_ways = arguments.width, arguments.state, arguments.both_ways
        early_blocks = arguments.early_blocks
        self.head = nn.Sequential(
            nn.Conv2d(arguments.channels, width, KERNEL, padding=KERNEL // 2),
            nn.ReLU(inplace=True),
            *(ResidualBlock(width, "none", "relu") for _ in range(early_blocks)),
        )
        self.onward = ConvLSTM(width, state)
        self.back = ConvLSTM(width, state) if both_ways else None
        self.join = nn.Conv2d(width + (2 if both_ways else 1) * state, width, 1)
        carried = (arguments.warm_up + arguments.clip) * (KERNEL // 2)
        self._radius = (
            KERNEL // 2 + 2 * early_blocks + carried + self._trunk_radius + self._back_projection_radius
        )

    @property
    def receptive_radius(self) -> int:
        return self._radius

    def _fused(self, low: Tensor) -> Iterator[Tensor]:
        features = list(each_frame(self.head, self._seen(low).unbind(1)))
        before, end = self.frames_before, len(features) - self.frames_after
        states: list[Iterator[Tensor]] = [islice(self.onward(features[:end]), before, None)]
        if self.back is not None:
            from_the_end = list(self.back(reversed(features[before:])))
            states.append(iter(from_the_end[::-1]))
        for own, *carried in zip(features[before:end], *states, strict=False):
            yield self.join(torch.cat([own, *carried], dim=1))
