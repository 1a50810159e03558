"""Which pixel of the high-resolution image belongs to which of the low-resolution one."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.training.pairs.source import Region, SourceImage


@dataclass(frozen=True)
class MatchedPair:
    """Two images whose axes, factor and common part are known."""

    low: SourceImage
    high: SourceImage
    factor: int
    """How many times finer `high` is."""
    low_region: Region
    """What both show, in pixels of `low`."""
    high_region: Region
    """The same in pixels of `high`: `factor` times as large."""
    high_axes: tuple[int | None, ...] = ()
    """For each leading axis of `high` the leading axis of `low` it is; None: it has one entry."""

    @property
    def name(self) -> str:
        """For sentences."""
        return f"{self.low.name} and {self.high.name}"

    def planes(self) -> tuple[tuple[int, ...], ...]:
        """Places of all planes along the leading axes of `low`."""
        raise NotImplementedError

    def high_index(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Place along the leading axes of `high` of a plane of `low`."""
        raise NotImplementedError

    def channel_of(self, index: tuple[int, ...]) -> int:
        """Channel of a plane: 0 where there is no C axis."""
        raise NotImplementedError


def match(low: SourceImage, high: SourceImage, factor: int | None = None) -> MatchedPair:
    """Match two images."""
    raise NotImplementedError
