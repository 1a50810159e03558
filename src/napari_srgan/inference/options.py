"""How an image is upscaled: every choice there is, checked where it is made."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Literal, get_args

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE
from napari_srgan.options import option

Precision = Literal["auto", "float32", "bfloat16", "float16"]
DRIFT = "drift"
"""The way to align frames: each is read where what the others show lies in it."""


@dataclass(frozen=True)
class UpscaleOptions:
    """How an image is upscaled.

    Raises
    ------
    UserError
        If a value can never be used. Whether a region lies inside an image, a device is there, or a model has
        frames to align, is seen when it is run.
    """

    region: Region | None = option(
        None, "Region", "Part of the image to upscale, in pixels; by default all of it.", form="Y0:Y1,X0:X1"
    )
    """``((y_start, y_stop), (x_start, x_stop))`` in pixels of the input; None: the whole plane."""
    device: str = option(
        "auto",
        "Device",
        "Where the network runs: auto, cuda, mps, xpu or cpu. auto takes the first that is there of CUDA, "
        "XPU and MPS, and the processor where there is none.",
    )
    """``"auto"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``, ``"xpu"`` or ``"cpu"``."""
    precision: str = option(
        "auto",
        "Precision",
        "float32 is exact; bfloat16 and float16 are faster where the device supports them. auto takes what "
        "the device is fast at.",
        choices=get_args(Precision),
    )
    """See :class:`~napari_srgan.inference.engine.Engine`."""
    tile: int | None = option(
        None, "Tile size", "Side of a tile in pixels; by default what is fastest and fits into memory."
    )
    """Side of a tile in pixels of the input, without its halo; None: measured."""
    self_ensemble: bool = option(
        False,
        "Self-ensemble",
        "Mean over the eight orientations of the image: eight times the time, for about 0.1 dB; see "
        "docs/quality.md.",
    )
    """Whether the mean over the eight orientations is given (Lim et al. 2017, section 3.4)."""
    align: str | None = option(
        None,
        "Correct stage drift",
        "For models for time-lapses: where the stage drifts, frames are read where it had drifted to, so "
        "that they help each other there too; the result stays where it is.",
        form=DRIFT,
    )
    """:data:`DRIFT`: frames are aligned by whole pixels (phase correlation); None: they are not."""

    def __post_init__(self) -> None:
        if self.region is not None:
            object.__setattr__(self, "region", _whole_pixels(self.region))
        check_precision(self.precision)
        if self.tile is not None and (not hasattr(self.tile, "__index__") or self.tile < SMALLEST_TILE):
            raise UserError(f"a tile has a side of {SMALLEST_TILE} whole pixels or more; got {self.tile!r}")
        if self.align not in (None, DRIFT):
            raise UserError(f"frames are aligned by align={DRIFT!r}, or not, align=None; got {self.align!r}")


def check_precision(precision: str) -> None:
    """Check the name of a precision.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    if precision not in get_args(Precision):
        raise UserError(f"there is no precision {precision!r}; use {', '.join(get_args(Precision))}")


AS_USUAL = UpscaleOptions()
"""Everything as it is by default."""


def _whole_pixels(region: Region) -> Region:
    try:
        (y0, y1), (x0, x1) = ((index(start), index(stop)) for start, stop in region)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"a region is ((y_start, y_stop), (x_start, x_stop)) in whole pixels; got {region!r}"
        ) from error
    return (y0, y1), (x0, x1)
