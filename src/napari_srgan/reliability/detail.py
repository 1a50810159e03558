"""How fine the detail is that an image carries, as a share of what its pixels could hold.

A model can only draw from what its input shows. Of an image whose pixels are smaller than its lens resolves,
or whose noise hides everything fine, it can take noise off, but hardly find detail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.blocks import blocks_of
from napari_srgan.acquisition.noise import look_at_noise
from napari_srgan.acquisition.spectrum import COARSE, LEAST_SIDE, Direction, Spectrum, radial_spectrum
from napari_srgan.acquisition.windows import channels_looked_at, in_blocks, read_windows
from napari_srgan.images.arrays import ArrayLike
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.reliability.white_noise import has_camera_noise

_BLOCK = 128
"""Pixels along the side of the blocks that are looked at one by one, so that one bright object does not
decide for all of the image."""
_ABOVE = 2.0
"""Detail ends where the power of a frequency is less than so many times that of the noise."""
_SHOWN = 8.0
"""Power of coarse detail, in parts of the noise, without which a block shows nothing."""
_FAINTEST = 3e-3
"""Parts of the contrast below which nothing counts as detail: rounding, and what interpolation leaves."""
_UNEVEN = 0.05
"""Difference between Y and X, in parts of Nyquist, from which on both are said."""
_COARSEST = 0.08
"""Frequencies below, in parts of Nyquist, are the shape of the block."""
_OUTERMOST = -1.0, 2.0
"""Brightness in parts of the contrast beyond which a pixel is an outlier, and counts as if it were this."""


@dataclass(frozen=True)
class Detail:
    """Up to which frequency detail of one channel stands out of its noise, in parts of the Nyquist frequency.

    1 is two pixels a period, the finest that pixels can show; 0 stands for an image of noise alone.
    """

    reach: float
    """In all directions: the median over the blocks that show something. NaN where neighbouring pixels
    share the noise."""
    along_y: float
    """The same of detail that changes along Y."""
    along_x: float
    noise: float
    """Standard deviation of the noise, in grey levels; where neighbouring pixels share it, of noise twice as
    coarse as pixels."""
    contrast: float
    """Grey levels between the darkest and the brightest places."""
    blocks: int
    """Blocks that show something."""
    spectrum: Spectrum
    """The power of all windows, in parts of the contrast."""
    smoothed: bool
    """Whether there is hardly any noise to measure detail by, and none that is seen to be a camera's.

    So it is in images that were smoothed, interpolated, compressed or computed: some of what is taken for
    detail there is left by that. A raw image without one quiet place, under 10,000 photons, is like them."""
    shared: bool
    """Whether neighbouring pixels share the noise, as :func:`~napari_srgan.look_at` finds: such noise passes
    for detail, and how far that reaches cannot be told."""

    @property
    def uneven(self) -> bool:
        """Whether detail is finer along one axis than along the other."""
        return abs(self.along_y - self.along_x) >= _UNEVEN

    @property
    def coarser_axis(self) -> str:
        """``"Y"`` or ``"X"``: along which detail ends first."""
        return "Y" if self.along_y <= self.along_x else "X"

    @property
    def sure_reach(self) -> float:
        """The least of the reach in all directions, along Y and along X: up to there detail stands out of the
        noise whichever way it runs. NaN where neighbouring pixels share the noise."""
        return min(self.reach, self.along_y, self.along_x)

    @property
    def finest_pixels(self) -> float:
        """The finest period, in pixels of the image, that stands out of the noise whichever way it runs;
        infinite in an image of noise alone."""
        return 2 / self.sure_reach if self.sure_reach else math.inf


def detail_of(array: ArrayLike, axes: str) -> dict[int, Detail]:
    """Detail of each channel that is looked at, by its number.

    Nine windows of 256 x 256 pixels are read of each of at most four channels, fewer and larger ones where
    the array is kept in large chunks. Of colours green is looked at.

    Parameters
    ----------
    array
        numpy, dask, zarr or xarray, any real dtype.
    axes
        One letter for each of its axes.

    Returns
    -------
    dict
        Without the channels that show one value only, are smaller than 32 x 32 pixels, or cannot be read.
    """
    found = {
        channel: detail_of_windows(
            [window.astype(np.float64) for window in read_windows(array, axes, channel)]
        )
        for channel in channels_looked_at(array, axes)
    }
    return {channel: detail for channel, detail in found.items() if detail is not None}


def detail_of_windows(windows: Sequence[NDArray[np.float64]]) -> Detail | None:
    """Detail of windows ``(Y, X)`` of one channel; None if nothing can be told of them."""
    windows = [window for window in windows if min(window.shape) >= LEAST_SIDE]
    if not windows:
        return None
    seen = percentile_transform(np.concatenate([window.ravel() for window in windows]))
    if not 0 < seen.span < np.inf:
        return None
    scaled = [np.clip((window - seen.offset) / seen.span, *_OUTERMOST) for window in windows]
    whole = radial_spectrum(scaled)
    assert whole is not None
    reaches: dict[Direction, list[float]] = {"all": [], "y": [], "x": []}
    for block in (block for window in scaled for block in in_blocks(window, _BLOCK)):
        every = radial_spectrum([block])
        if every is None or every.between(COARSE) < _SHOWN * _floor(every):
            continue
        for direction, found in reaches.items():
            along = every if direction == "all" else radial_spectrum([block], direction)
            assert along is not None
            found.append(_reach(along, _floor(every)))
    noise = look_at_noise(blocks_of(scaled), blocks_of(scaled, 2), whole)
    if noise.is_shared:
        ends = [math.nan] * len(reaches)
    else:
        ends = [median(found) if found else 0.0 for found in reaches.values()]
    reach, along_y, along_x = ends
    faint = whole.floor < _FAINTEST**2
    return Detail(
        reach=reach,
        along_y=along_y,
        along_x=along_x,
        noise=(noise.coarse if noise.is_shared else float(np.sqrt(whole.floor))) * seen.span,
        contrast=seen.span,
        blocks=len(reaches["all"]),
        spectrum=whole,
        smoothed=faint and not noise.is_shared and not has_camera_noise(windows),
        shared=noise.is_shared,
    )


def _floor(spectrum: Spectrum) -> float:
    return max(spectrum.floor, _FAINTEST**2)


def _reach(spectrum: Spectrum, floor: float) -> float:
    """The first frequency from which on detail does not stand out of the noise."""
    drowned = (spectrum.frequency > _COARSEST) & (spectrum.power <= _ABOVE * floor)
    return float(spectrum.frequency[drowned].min(initial=1.0))
