"""How a network sees time, and whether images can teach it that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_srgan.errors import UserError
from napari_srgan.networks import Generator
from napari_srgan.networks.temporal import TemporalGenerator
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage

MADE = 4
"""Frames that are made of a patch: what is needed before and after them is shared, and a discriminator sees
three of them at once."""


@dataclass(frozen=True)
class InTime:
    """What a network asks of time; a network for single images asks nothing."""

    before: int = 0
    """Frames that it sees before the first one it makes."""
    after: int = 0
    """Frames that it sees after the last one it makes."""
    made: int = 1
    """Frames that it makes of a patch while it is trained."""
    clip: int = 1
    """Frames that it makes in one go where it is judged, as where it is used."""
    films: bool = False
    """Whether it takes frames, ``(N, T, C, Y, X)``, or single images."""

    @property
    def least(self) -> int:
        """Frames in a row that it can learn from; what is needed beyond them is their reflection."""
        return max(self.before, self.after, self.made - 1) + 1


STILL = InTime()
"""The window in time of networks for single images."""


def in_time_of(network: Generator) -> InTime:
    """How a network sees time."""
    if not isinstance(network, TemporalGenerator):
        return STILL
    made = MADE if network.frames > 1 else 1
    return InTime(network.frames_before, network.frames_after, made, network.clip, films=True)


def check_movies(pairs: Sequence[MatchedPair | SourceImage], in_time: InTime, name: str) -> None:
    """Refuse images that are no movies, or too short ones, for a network that learns from movies.

    Parameters
    ----------
    pairs
        To learn from; nothing of them is read.
    in_time
        How the network sees time.
    name
        Name of the model or architecture, for the sentence.

    Raises
    ------
    UserError
        With the image's name.
    """
    if in_time.least == 1:
        return
    for pair in pairs:
        image = pair.low if isinstance(pair, MatchedPair) else pair
        frames = dict(image.leading).get("T")
        if frames is None:
            raise UserError(
                f"{name} learns from time-lapses, and {image.name!r} has no axis of time: its axes are "
                f"{image.axes}, of {' x '.join(map(str, image.data.shape))}; name one of them T, as in "
                "'TYX', or choose a base for single images"
            )
        if frames < in_time.least:
            raise UserError(
                f"{name} learns from {in_time.least} frames in a row or more, and {image.name!r} has "
                f"{frames}: choose a longer time-lapse, or a base for single images"
            )
