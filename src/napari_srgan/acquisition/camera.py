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

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, check_array
from napari_srgan.significant import significant

BLOCK = 8
"""Pixels along the side of a block."""
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

    def deviation(self, level: NDArray[Any]) -> NDArray[np.float64]:
        """Standard deviation of the noise at given grey levels, any shape."""
        light = np.maximum(np.asarray(level, np.float64) - self.offset, 0)
        return np.asarray(np.sqrt(self.gain * light + self.read_noise**2))

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


def camera_of_planes(planes: Sequence[NDArray[np.float64]]) -> Camera:
    """Find gain, offset and read noise of the camera that took some planes, all of which are looked at.

    Parameters
    ----------
    planes
        ``(Y, X)`` each, in grey levels of the same camera.

    Raises
    ------
    UserError
        If there are too few places that are finite and not saturated, see :func:`estimate_camera`.
    """
    blocks = [_blocks(plane) for plane in planes]
    mean, variance = (np.concatenate(values) for values in zip(*blocks, strict=True))
    if mean.size < _LEAST_BLOCKS:
        raise UserError(
            f"the noise of the camera needs at least {_LEAST_BLOCKS} blocks of {BLOCK} x {BLOCK} pixels that "
            f"are finite and not saturated; got {mean.size} in an image of shape {planes[0].shape}: choose a "
            "larger image, or give gain, offset and read noise"
        )
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


def _blocks(plane: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and noise variance of each block that is finite and not saturated.

    The noise is what is left by the mask of Immerkaer, J. (1996). Fast noise variance estimation.
    Computer Vision and Image Understanding 64(2), 300-302, eq. 1: it does not see slopes and
    curvature along the axes, and its squares sum to 36.
    """
    rows, columns = ((size - 2) // BLOCK * BLOCK for size in plane.shape)
    if min(rows, columns) <= 0:
        return np.empty(0), np.empty(0)
    with np.errstate(invalid="ignore"):
        down = plane[:-2] - 2 * plane[1:-1] + plane[2:]
        residual = (down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]) / 6
        mean = _block_mean(plane[1:-1, 1:-1][:rows, :columns])
        variance = _block_mean(residual[:rows, :columns] ** 2)
    finite = plane[np.isfinite(plane)]
    top = finite.max() if finite.size else 0.0
    # One brightest pixel is a pixel; many of them are where the camera stops.
    saturated = top if np.sum(finite == top) > max(1e-4 * finite.size, 8) and np.any(finite < top) else np.inf
    full = _block_mean((plane[1:-1, 1:-1][:rows, :columns] >= saturated).astype(np.float64)) > 0
    good = np.isfinite(mean) & np.isfinite(variance) & ~full
    return mean[good], variance[good]


def _block_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = values.shape
    return np.asarray(values.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3)))


def _quiet_levels(
    mean: NDArray[np.float64], variance: NDArray[np.float64], gain: float, at_zero: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Brightness, noise variance and number of blocks of groups of nearly equal brightness.

    In a group of few bright blocks brightness still differs, and what is expected of it with it.
    """
    expected = gain * mean + at_zero
    expected = np.maximum(expected, max(float(expected.max()) * 1e-3, 1e-12))
    order = np.argsort(mean, kind="stable")
    groups = np.array_split(order, min(_LEVELS, max(mean.size // _LEAST_BLOCKS, 1)))
    levels = np.array([mean[group].mean() for group in groups])
    quiet = [np.quantile(variance[group] / expected[group], QUIET) for group in groups]
    noise = np.array([ratio * expected[group].mean() for ratio, group in zip(quiet, groups, strict=True)])
    return levels, noise / QUIET_RATIO, np.array([float(len(group)) for group in groups])


def _darkest(mean: NDArray[np.float64], noise: float) -> float:
    """Level of the darkest fiftieth of blocks, made two deviations darker by the noise of their means."""
    return float(np.quantile(mean, 0.02)) + 2 * float(np.sqrt(noise)) / BLOCK


def _line(
    levels: NDArray[np.float64], noise: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and intercept of variance over mean, by iteratively reweighted least squares (Huber's weights).

    The error of a variance grows with the variance. A slope that is not certain is 0.
    """
    slope, intercept = 0.0, float(np.median(noise))
    if len(levels) < 3 or np.ptp(levels) == 0:
        return slope, intercept
    design = np.stack([levels, np.ones_like(levels)], axis=1)
    floor = max(float(noise.max()) * 1e-3, 1e-12)
    expected = np.maximum(noise, floor)
    robust = np.ones_like(levels)
    for _ in range(20):
        weight = np.sqrt(counts * robust) / expected
        (slope, intercept), *_ = np.linalg.lstsq(design * weight[:, None], noise * weight, rcond=None)
        expected = np.maximum(design @ (slope, intercept), floor)
        error = np.abs(noise - design @ (slope, intercept)) * np.sqrt(counts) / expected
        scale = max(1.4826 * float(np.median(error)), 1e-9)
        robust = np.minimum(1.0, 1.5 * scale / np.maximum(error, 1e-12))
    weighted = design * (np.sqrt(counts * robust) / expected)[:, None]
    deviation = scale * float(np.sqrt(np.linalg.pinv(weighted.T @ weighted)[0, 0]))
    if slope <= _CERTAIN * deviation:
        return 0.0, float(np.median(noise))
    return float(slope), float(intercept)
