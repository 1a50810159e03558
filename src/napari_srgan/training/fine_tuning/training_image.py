"""What is learned from, read into memory, and what a network asks of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.training.fine_tuning.brightness import Relation
from napari_srgan.training.fine_tuning.temporal_needs import STILL, InTime
from napari_srgan.training.pairs.aligned import AlignedPlane


@dataclass(frozen=True)
class TrainingImage:
    """One pair, or one image without a partner."""

    name: str
    planes: list[AlignedPlane]
    leading: str
    """Letters of the axes before Y."""
    shape: tuple[int, ...]
    """Shape of the low-resolution image, or of the only one."""
    field: tuple[int, int]
    """Height and width of that image's planes in low-resolution pixels; places in images of one field are
    those of each other."""
    seen: dict[int, IntensityTransform]
    """How inference sees the low-resolution image, by channel; empty where it is simulated."""
    relations: dict[int, Relation]
    """Between the brightness of both images, by channel; empty where one is simulated."""
    notes: tuple[str, ...] = ()
    """What was left out when it was read."""
    wished: int = 0
    """Planes that were to be read; those that show nothing, or do not fit, are missing."""
    predicted_by: str = ""
    """Name of the model that made the high-resolution image; empty for measured ones."""
    cuts: tuple[int, ...] = ()
    """Frames of a movie with which another scene begins."""

    def source_of(self, plane: AlignedPlane) -> str:
        """What a plane is called where figures are given: channels differ in brightness."""
        several = len({each.channel for each in self.planes}) > 1
        return f"{self.name}, channel {plane.channel}" if several else self.name

    def movie_of(self, plane: AlignedPlane) -> tuple[object, ...]:
        """Equal for planes that are frames of one scene: of one channel and depth, between the same cuts."""
        beside = tuple(at for at, letter in zip(plane.index, self.leading, strict=True) if letter != "T")
        return self.name, beside, bisect_right(self.cuts, self.frame_of(plane))

    def frame_of(self, plane: AlignedPlane) -> int:
        """Place of a plane in time; 0 where there is no time."""
        return plane.index[self.leading.index("T")] if "T" in self.leading else 0


@dataclass(frozen=True)
class Framing:
    """What a network and its settings ask of the images."""

    factor: int
    channels: int
    intensity: Literal["byte", "percentile"]
    guard: int
    """Low-resolution pixels that the network sees around its own."""
    patch: int
    in_time: InTime = STILL
    """What it asks of frames of a time-lapse."""
