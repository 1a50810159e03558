"""What a camera adds to an image: its gain, offset and read noise, found in the image itself.

Photon transfer: the variance of the noise is a line over the mean, ``gain * (mean - offset) +
read_noise**2``. Source: Foi, A., Trimeche, M., Katkovnik, V. and Egiazarian, K. (2008). Practical
Poissonian-Gaussian noise modeling and fitting for single-image raw-data. IEEE Trans. Image
Processing 17(10), 1737-1754, eq. 1-4 and section III; simplified: level sets of small blocks in place of
those of pixels, and a robust straight line in place of the likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.acquisition.blocks import BLOCK, Blocks, blocks_of, whole_blocks
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, check_array
from napari_srgan.inference.percentiles import percentiles
from napari_srgan.significant import significant

_LEAST_BLOCKS = 16
"""Blocks without which nothing is estimated."""
_LARGEST_PLANE, MOST_PLANES = 2048, 8
"""Side in pixels of the middle of a plane that is looked at, and number of planes of a stack, or of
images."""
QUIET = 0.3
"""Share of the blocks of equal brightness, those with the least variance, that is taken to have no structure,
only noise."""
QUIET_RATIO = 0.808
"""Variance at that quantile, as a fraction of the mean one, where there is nothing but Gaussian noise;
measured on simulated noise."""
_LEVELS = 24
"""Largest number of groups of blocks of equal brightness."""
ROUNDS = 3
"""Number of fits of the line; each takes blocks of one group by the line before it to the same brightness."""
_REWEIGHTED = 20
"""Number of times that groups far from the line are given less weight."""
_CERTAIN = 2.0
"""Number of standard errors by which the slope of the line must exceed 0 to be a gain."""


@dataclass(frozen=True)
class Camera:
    """The Poisson-Gaussian camera: ``variance = gain * (mean - offset) + read_noise**2``."""

    gain: float
    """Grey levels per photo-electron; 0: noise does not grow with the light."""
    offset: float
    """Grey level without light."""
    read_noise: float
    """Standard deviation without light, in grey levels."""

    def variance(self, level: NDArray[Any]) -> NDArray[np.float64]:
        """Variance of the noise at given grey levels, any shape."""
        light = np.maximum(np.asarray(level, np.float64) - self.offset, 0)
        return np.asarray(self.gain * light + self.read_noise**2)

    def deviation(self, level: NDArray[Any]) -> NDArray[np.float64]:
        """Standard deviation of the noise at given grey levels, any shape."""
        return np.sqrt(self.variance(level))

    @property
    def summary(self) -> str:
        """One plain sentence with the numbers."""
        photons = (
            f"{significant(self.gain)} grey levels per photo-electron" if self.gain else "no photon noise"
        )
        read = f"read noise {significant(self.read_noise)} grey levels"
        return f"{photons}, offset {significant(self.offset, 4)}, {read}"


def estimate_camera(image: Any | Sequence[Any]) -> Camera:
    """Find gain, offset and read noise of the camera in an image.

    The variance of the noise at each brightness is found whatever the image shows, as long as about a third
    of its small blocks are smooth: in simulated images of 300 pixels a side its square root is mostly
    within 10 %, in structure as fine as the noise and in few photons up to 20 % too small. How it is
    shared between offset and read noise can be told only in places without light: the darkest blocks are
    taken for such places. Where they are not, offset and read noise both come out too large, and the
    variance is still right. Noise that neighbouring pixels share (after scaling, smoothing or
    compression) is underestimated.

    Parameters
    ----------
    image
        ``(Y, X)``, ``(Y, X, K)`` with 1, 3 or 4 colours (alpha is left out), a stack ``(..., Y, X)``, or a
        sequence of such arrays; numpy, dask or zarr, any real dtype. Of large ones the middle of some
        planes is read.

    Raises
    ------
    UserError
        If it is too small, or too few of its values are finite and not saturated.
    """
    images = image if isinstance(image, list | tuple) else [image]
    if not images:
        raise UserError("the noise of a camera is estimated from images; got none")
    return camera_of_planes([plane for each in _spread(images) for plane in sampled_planes(each)])


def camera_of_planes(planes: Sequence[NDArray[np.floating]], blocks: Blocks | None = None) -> Camera:
    """Find gain, offset and read noise of the camera that took some planes, all of which are looked at.

    Parameters
    ----------
    planes
        ``(Y, X)`` each, of a float dtype, in grey levels of the same camera.
    blocks
        The blocks of these planes, if they are known already.

    Raises
    ------
    UserError
        If there are too few places that are finite and not saturated, see :func:`estimate_camera`.
    """
    blocks = blocks_of(planes) if blocks is None else blocks
    good = np.isfinite(blocks.level) & np.isfinite(blocks.power)
    good &= ~np.concatenate([_saturated(plane) for plane in planes])
    mean, variance = (values[good].astype(np.float64) for values in (blocks.level, blocks.power))
    if mean.size < _LEAST_BLOCKS:
        raise UserError(
            f"the noise of the camera needs at least {_LEAST_BLOCKS} blocks of {BLOCK} x {BLOCK} pixels that "
            f"are finite and not saturated; got {mean.size} in an image of shape {planes[0].shape}: choose a "
            "larger image, or give gain, offset and read noise"
        )
    order = np.argsort(mean, kind="stable")
    mean, variance = mean[order], variance[order]
    gain, at_zero = 0.0, 1.0
    for _ in range(ROUNDS):
        levels, noise, counts = _quiet_levels(mean, variance, gain, at_zero)
        gain, at_zero = _line(levels, noise, counts)
    offset = _darkest(mean, float(noise[0]))
    if gain:  # below this level the noise would be less than nothing
        offset = max(offset, -at_zero / gain)
    return Camera(gain, offset, float(np.sqrt(max(at_zero + gain * offset, 0.0))))


def sampled_planes(image: Any) -> list[NDArray[np.float64]]:
    """Read the middle of planes that are spread evenly over an image.

    Parameters
    ----------
    image
        A single image, as :func:`estimate_camera` takes it.

    Returns
    -------
    list of NDArray
        ``(Y, X)`` of float64 each; for an image in colours one for each colour.

    Raises
    ------
    UserError
        If it has no plane.
    """
    return list(_planes(check_array(image)))


def _planes(image: ArrayLike) -> Iterator[NDArray[np.float64]]:
    """The middle of planes spread evenly over an image, one for each colour."""
    shape = image.shape
    if len(shape) < 2:
        raise UserError(f"the noise of a camera is estimated from a plane; got an array of shape {shape}")
    coloured = len(shape) == 3 and shape[2] in (1, 3, 4)
    lead, (y, x) = ((), shape[:2]) if coloured else (shape[:-2], shape[-2:])
    middle = (_middle(y), _middle(x))
    count = int(np.prod(lead, dtype=np.int64))
    for number in _spread(range(count)):
        place = tuple(int(at) for at in np.unravel_index(number, lead)) if lead else ()
        plane = np.asarray(image[(*place, *middle)]).astype(np.float64)
        yield from np.moveaxis(plane[..., :3], 2, 0) if coloured else [plane]


def _spread(of: Sequence[Any]) -> list[Any]:
    """All, or a few that are evenly spread."""
    chosen = np.linspace(0, len(of) - 1, min(len(of), MOST_PLANES)).astype(int)
    return [of[number] for number in chosen]


def _middle(size: int) -> slice:
    side = min(size, _LARGEST_PLANE)
    return slice((size - side) // 2, (size - side) // 2 + side)


def _saturated(plane: NDArray[np.floating]) -> NDArray[np.bool_]:
    """``(blocks,)``: the blocks of a plane with places where the camera stops."""
    rows, columns = whole_blocks(plane.shape)
    top, count = plane.max(initial=-np.inf), plane.size
    if not np.isfinite(top):
        finite = plane[np.isfinite(plane)]
        top, count = finite.max(initial=-np.inf), finite.size
    brightest = plane == top
    # One brightest pixel is a pixel; many of them are where the camera stops.
    if not max(1e-4 * count, 8) < np.count_nonzero(brightest) < count:
        return np.zeros(rows * columns // BLOCK**2, bool)
    blocks = brightest[1 : rows + 1, 1 : columns + 1].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return np.asarray(blocks.any(axis=(1, 3)).ravel())


def quantile(values: NDArray[np.floating], share: float) -> float:
    """The value below which a share of some values lies; ``(values,)``, finite, at least one."""
    return percentiles(values, [100 * share])[0]


def _quiet_levels(
    mean: NDArray[np.float64], variance: NDArray[np.float64], gain: float, at_zero: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Brightness, noise variance and number of blocks of groups of nearly equal brightness.

    Blocks are given from the darkest to the brightest. In a group of few bright blocks brightness still
    differs, and what is expected of it with it.
    """
    expected = gain * mean + at_zero
    expected = np.maximum(expected, max(float(expected.max()) * 1e-3, 1e-12))
    count = min(_LEVELS, max(mean.size // _LEAST_BLOCKS, 1))
    groups = [np.array_split(values, count) for values in (mean, variance / expected, expected)]
    levels, usual = (np.array([group.mean() for group in groups[at]]) for at in (0, 2))
    quiet = np.array([quantile(group, QUIET) for group in groups[1]])
    return levels, quiet * usual / QUIET_RATIO, np.array([float(group.size) for group in groups[0]])


def _darkest(mean: NDArray[np.float64], noise: float) -> float:
    """Level of the darkest fiftieth of blocks, made two deviations darker by the noise of their means."""
    return quantile(mean, 0.02) + 2 * float(np.sqrt(noise)) / BLOCK


def _line(
    levels: NDArray[np.float64], noise: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and intercept of variance over mean, by iteratively reweighted least squares (Huber's weights).

    The error of a variance grows with the variance. A slope that is not certain is 0.
    """
    flat = 0.0, float(np.median(noise))
    if len(levels) < 3 or np.ptp(levels) == 0:
        return flat
    floor = max(float(noise.max()) * 1e-3, 1e-12)
    expected = np.maximum(noise, floor)
    robust = np.ones_like(levels)
    for _ in range(_REWEIGHTED):
        slope, intercept, _ = _weighted_line(levels, noise, counts * robust / expected**2)
        line = slope * levels + intercept
        expected = np.maximum(line, floor)
        error = np.abs(noise - line) * np.sqrt(counts) / expected
        scale = max(1.4826 * quantile(error, 0.5), 1e-9)
        robust = np.minimum(1.0, 1.5 * scale / np.maximum(error, 1e-12))
    *_, spread = _weighted_line(levels, noise, counts * robust / expected**2)
    if slope * np.sqrt(spread) <= _CERTAIN * scale:
        return flat
    return slope, intercept


def _weighted_line(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Slope and intercept by weighted least squares, and what the slope's variance is the inverse of."""
    total = float(weight.sum())
    middle = float(weight @ x) / total
    away = x - middle
    spread = float(weight @ away**2)
    slope = float((weight * away) @ y) / spread if spread else 0.0
    return slope, float(weight @ y) / total - slope * middle, spread
